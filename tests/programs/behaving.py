"""A program that behaves as its arguments say, one after the other; then it waits until it is ended.

say FILE        write "ready" and the pid into FILE (its whole life so far lies behind it)
print TEXT      print a line
environment FILE  write the environment into FILE, a variable in each line
ignore          ignore SIGTERM from here on
obey SIGNAL FILE  at this signal, and now, add a line to FILE: the level that BROWNOUT_LEVEL_FILE says
linger SECONDS  take so long to end after SIGTERM
hold MIB        take memory and touch it
flood MIB       print so much, as fast as possible
child           start a child in the same session that only waits
hide            start a daemon by double fork and setsid that only waits, deaf to SIGTERM
spin            fork again and again, each child in a session of its own, deaf to SIGTERM, its parent gone
exit STATUS     end at once
abort           end by SIGKILL
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HELD: list[bytearray] = []


def say(file: str) -> None:
    """Whole at once: who sees the file sees all of it."""
    beside = Path(f"{file}.{os.getpid()}")
    beside.write_text(f"ready {os.getpid()}\n")
    beside.replace(file)


def print_line(text: str) -> None:
    """To standard output, not buffered."""
    print(text, flush=True)


def environment(file: str) -> None:
    """What the program was given."""
    Path(file).write_text("".join(f"{name}={value}\n" for name, value in os.environ.items()))


def ignore() -> None:
    """Deaf to the polite signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def obey(number: str, file: str) -> None:
    """Told of its level, without a restart."""

    def look(*_: Any) -> None:
        level = json.loads(Path(os.environ["BROWNOUT_LEVEL_FILE"]).read_text())
        with Path(file).open("a") as lines:
            lines.write(f"{level['level']} {level['config'].get('MODEL', '')} {os.getpid()}\n")

    signal.signal(signal.Signals[number], look)
    look()


def linger(seconds: str) -> None:
    """Ends well, but not at once."""

    def end(*_: Any) -> None:
        signal.sigtimedwait([], float(seconds))
        os._exit(0)

    signal.signal(signal.SIGTERM, end)


def hold(mib: str) -> None:
    """Real memory."""
    block = bytearray(int(mib) * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    HELD.append(block)


def flood(mib: str) -> None:
    """One endless line."""
    piece = b"x" * 2**20
    for _ in range(int(mib)):
        left = memoryview(piece)
        while left:
            left = left[os.write(1, left) :]


def child() -> None:
    """A worker."""
    if os.fork() == 0:
        wait()


def hide() -> None:
    """A daemon of the old school. Returns once it is one."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ignore()
            os.write(writing, b"x")
            wait()
        os._exit(0)
    os.wait()
    os.read(reading, 1)


def spin() -> None:
    """Hard to catch, but each generation lives for 0.2 s: a machine is not harmed by it."""
    if os.fork() == 0:
        ignore()
        while True:
            os.setsid()
            signal.sigtimedwait([], 0.2)
            if os.fork() != 0:
                os._exit(0)


def leave(status: str) -> None:
    """Without a word."""
    os._exit(int(status))


def abort() -> None:
    """As the kernel ends a program that takes too much."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait() -> None:
    """For ever."""
    while True:
        signal.pause()


ACTS: dict[str, tuple[Callable[..., None], int]] = {
    "say": (say, 1),
    "print": (print_line, 1),
    "environment": (environment, 1),
    "ignore": (ignore, 0),
    "linger": (linger, 1),
    "obey": (obey, 2),
    "hold": (hold, 1),
    "flood": (flood, 1),
    "child": (child, 0),
    "hide": (hide, 0),
    "spin": (spin, 0),
    "exit": (leave, 1),
    "abort": (abort, 0),
}

if __name__ == "__main__":
    words = iter(sys.argv[1:])
    for word in words:
        act, count = ACTS[word]
        act(*(next(words) for _ in range(count)))
    wait()

"""A program that reports what its arguments say, one after the other; then it waits until it is ended.

It saves a partial result when it is asked to end: "asked N times" in the file of its first argument.

line TEXT       write a line to the descriptor
raw HEX         write bytes to the descriptor, as they are
ask TEXT        write a line to the socket and print the answer's advice and what it holds recorded of tokens
post TEXT       the same by HTTP
checkpoint      print what the last checkpoint handed over
until ADVICE    wait until the notice file gives this advice
linger SECONDS  take so long to end after being asked
deaf            do not hear SIGTERM
told            print "told" at SIGUSR1
child           start a child that only waits, deaf to SIGTERM
input           print what stands on standard input
read            print one line of it, once "reading" is printed
terminal        print whether each of the three descriptors is a terminal
keys            save also when asked by Ctrl-C
crowd LINES     eight processes, each of which reports so often by descriptor and by socket: a token and a call
exit STATUS     end
"""

import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULT = Path(sys.argv[1])
STATE: dict[str, Any] = {"asked": 0, "linger_s": 0.0}


def save(*_: Any) -> None:
    """Partial results, kept as soon as it is asked to end."""
    STATE["asked"] += 1
    RESULT.write_text(f"asked {STATE['asked']} times\n")
    signal.sigtimedwait([], STATE["linger_s"])
    os._exit(7)


def say(text: str) -> None:
    """At once, and also from within a handler of a signal."""
    os.write(1, f"{text}\n".encode())


def line(text: str) -> None:
    """To the descriptor."""
    os.write(int(os.environ["BROWNOUT_BUDGET_FD"]), f"{text}\n".encode())


def raw(text: str) -> None:
    """To the descriptor."""
    os.write(int(os.environ["BROWNOUT_BUDGET_FD"]), bytes.fromhex(text))


def answered(document: dict[str, Any]) -> None:
    """What matters of an answer."""
    say(f"{document['advice']['what']} {document['usage']['tokens']['used']} {document['recorded']}")


def ask(text: str) -> None:
    """To the socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["BROWNOUT_BUDGET_SOCKET"])
        connection.sendall(f"{text}\n".encode())
        answered(json.loads(connection.makefile().readline()))


def post(text: str) -> None:
    """By HTTP."""
    try:
        with urllib.request.urlopen(os.environ["BROWNOUT_BUDGET_URL"], data=text.encode(), timeout=30) as answer:  # noqa: S310
            answered(json.load(answer))
    except urllib.error.HTTPError as refusal:
        say(f"{refusal.code} {json.load(refusal).get('error')}")


def checkpoint() -> None:
    """What an earlier run of it has kept."""
    path = os.environ.get("BROWNOUT_BUDGET_CHECKPOINT")
    say(Path(path).read_text() if path else "none")


def until(advice: str) -> None:
    """By the file alone."""
    while json.loads(Path(os.environ["BROWNOUT_BUDGET_FILE"]).read_text())["advice"]["what"] != advice:
        signal.sigtimedwait([], 0.02)
    say(f"read {advice}")


def linger(seconds: str) -> None:
    """Ends well, but not at once."""
    STATE["linger_s"] = float(seconds)


def deaf() -> None:
    """To the polite signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def told() -> None:
    """By a signal."""
    signal.signal(signal.SIGUSR1, lambda *_: say("told"))


def child() -> None:
    """A worker that does not hear."""
    if os.fork() == 0:
        deaf()
        while True:
            signal.pause()


def crowd(lines: str) -> None:
    """Returns when all eight have ended."""
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(os.environ["BROWNOUT_BUDGET_SOCKET"])
                answers = connection.makefile()
                for _ in range(int(lines)):
                    line("tokens=1 api_call=1")
                    connection.sendall(b'{"tokens": 1, "api_calls": 1}\n')
                    answers.readline()
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)


def read_input() -> None:
    """All of it."""
    say(sys.stdin.read())


def read() -> None:
    """One line."""
    say("reading")
    say(f"read {sys.stdin.readline().strip()}")


def terminal() -> None:
    """All three."""
    say(f"terminal: {' '.join(str(os.isatty(number)) for number in range(3))}")


def keys() -> None:
    """As by SIGTERM."""
    signal.signal(signal.SIGINT, save)


def leave(status: str) -> None:
    """Without a word."""
    os._exit(int(status))


ACTS: dict[str, tuple[Callable[..., None], int]] = {
    "line": (line, 1),
    "raw": (raw, 1),
    "ask": (ask, 1),
    "post": (post, 1),
    "checkpoint": (checkpoint, 0),
    "until": (until, 1),
    "linger": (linger, 1),
    "deaf": (deaf, 0),
    "told": (told, 0),
    "child": (child, 0),
    "input": (read_input, 0),
    "crowd": (crowd, 1),
    "read": (read, 0),
    "terminal": (terminal, 0),
    "keys": (keys, 0),
    "exit": (leave, 1),
}

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, save)
    words = iter(sys.argv[2:])
    for word in words:
        act, count = ACTS[word]
        act(*(next(words) for _ in range(count)))
    say("ready")
    while True:
        signal.pause()

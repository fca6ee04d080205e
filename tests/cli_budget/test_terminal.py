"""A wrapped program in a terminal: it keeps it, and the keys of job control work as if nobody stood between."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.cli_budget.wrapped import PATIENCE_S, Wrapped, saving
from tests.eventually import eventually

ROWS, COLUMNS = 24, 100


class Terminal:
    """A terminal with one program in it, in a session of its own."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.keys, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *argv], env={**env, "TERM": "xterm", "PS1": "$ ", "PYTHONIOENCODING": "utf-8"},
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        self._seen = b""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def seen(self) -> str:
        """Everything that was written to it."""
        return self._seen.decode(errors="replace")

    def types(self, text: str) -> None:
        """As from the keyboard."""
        os.write(self.keys, text.encode())

    def shows(self, text: str, *, times: int = 1) -> None:
        """Wait until it has been written so often."""
        eventually(lambda: self.seen.count(text) >= times, within_s=PATIENCE_S)

    def _read(self) -> None:
        with suppress(OSError):  # EIO: everybody has closed the other side
            while True:
                select.select([self.keys], [], [])
                self._seen += os.read(self.keys, 65536)


@contextmanager
def terminal(argv: list[str], env: dict[str, str]) -> Iterator[Terminal]:
    """One until the block ends."""
    found = Terminal(argv, env)
    try:
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.killpg(found.process.pid, signal.SIGKILL)
        found.process.wait(PATIENCE_S)
        os.close(found.keys)


def test_ctrl_c_comes_once_and_the_last_row_is_given_back(wrapped: Wrapped) -> None:
    """The program has all three descriptors; Ctrl-C is its own affair; the line never mixes with what it prints."""
    result = wrapped.file("result")
    command = saving(result, "terminal", "keys", "line", "tokens=40 progress=0.5")
    with terminal(wrapped.argv(command, tokens=100), wrapped.env) as screen:
        screen.shows("ready")
        screen.shows("tokens ████░░░░░░ 40 %  done 50 %")
        screen.types("\x03")
        assert screen.process.wait(PATIENCE_S) == 7
        screen.shows("Run run: its program ended with 7, can be resumed; OK")
    assert result.read_text() == "asked 1 times\n"
    assert "terminal: True True True\r\n" in screen.seen
    drawn = re.findall(r"\x1b7\x1b\[1;23r\x1b\[24;1H\x1b\[2K(.*?)\x1b8", screen.seen)
    assert drawn
    assert all(len(re.sub(r"\x1b\[[\d;]*m", "", line)) < COLUMNS for line in drawn)
    rest = re.sub(r"\x1b7.*?\x1b8", "", screen.seen)
    assert "\x1b7\x1b[r\x1b[24;1H\x1b[2K\x1b8" in screen.seen
    assert "\x1b" not in rest.replace("\n\x1b[A", ""), rest


def test_a_shell_can_stop_it_and_bring_it_back(wrapped: Wrapped) -> None:
    """Ctrl-Z stops both, `fg` continues both, and its input goes to the program again."""
    command = saving(wrapped.file("result"), "read", "exit", 3)
    with terminal(["bash", "--norc", "-i"], wrapped.env) as screen:
        screen.types(shlex.join(wrapped.argv(command, tokens=100, quiet=True)) + "\n")
        screen.shows("reading\r\n")
        screen.types("\x1a")
        screen.shows("Stopped")
        assert all(_stands(process.pid) for process in wrapped.processes())
        screen.types("fg\n")
        screen.types("hello\n")
        screen.shows("read hello")
        screen.types("echo code $?\n")
        screen.shows("code 3\r\n")


def _stands(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - one line
        return file.read().rpartition(b")")[2].split()[0] == b"T"

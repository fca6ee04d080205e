"""A terminal for tests: what a person at a keyboard sees, types, stops and closes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import suppress

#: Makes the terminal on its standard input its own, as a shell does for what runs in the foreground.
_FOREGROUND = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "fcntl.ioctl(0, termios.TIOCSWINSZ, bytes([40, 0, 100, 0, 0, 0, 0, 0])); os.execvp(sys.argv[1], sys.argv[1:])"
)
CTRL_C, CTRL_Q, CTRL_S = "\x03", "\x11", "\x13"
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")


class Terminal:
    """Runs one program in the foreground of a terminal of its own, 100 columns wide."""

    def __init__(self, argv: list[str], *, env: dict[str, str], cwd: str) -> None:
        self._keyboard, screen = pty.openpty()
        self._shown = bytearray()
        command = [sys.executable, "-I", "-S", "-c", _FOREGROUND, *argv]
        kept = {name: value for name, value in env.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, start_new_session=True, env={**kept, "TERM": "xterm"},
            cwd=cwd,
        )  # fmt: skip
        os.close(screen)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        """Everything that was written to it, colours and cursor movements included."""
        return self._shown.decode(errors="replace")

    @property
    def text(self) -> str:
        """The same as plain text."""
        return _CONTROL.sub("", self.raw)

    def type(self, keys: str) -> None:
        """Press keys; see CTRL_C and its like."""
        os.write(self._keyboard, keys.encode())

    def close(self) -> None:
        """Close the window."""
        with suppress(OSError):
            os.close(self._keyboard)

    def _read(self) -> None:
        with suppress(OSError):  # the window is closed, or nobody writes any more
            while piece := os.read(self._keyboard, 65536):
                self._shown += piece

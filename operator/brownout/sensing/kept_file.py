"""A small file of the kernel that stays open, and the numbers in it.

At 99 % memory opening a file can fail and allocating costs; reading again from an open one into a buffer that is
already there does neither. This module does not know what the numbers mean.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

# The longest file we read is memory.stat: about 2 KB on v1, 3 KB on v2. The kernel fills what it is given in one go.
BUFFER_BYTES: Final = 16384
_NEWLINE: Final = 0x0A
_MOST_DIGITS: Final = 20  # of 2^64


class Buffer:
    """One reusable buffer and how much of it the last reading filled."""

    __slots__ = ("length", "text", "view")

    def __init__(self) -> None:
        self.text = bytearray(BUFFER_BYTES)
        self.view = (memoryview(self.text),)  # the very tuple that preadv takes, made once
        self.length = 0

    def number_after(self, key: bytes) -> int | None:
        """The number at the line that begins with `key`, in bytes where the line says kB; None for anything else.

        Garbage is an answer of its own here: a guard that dies of a strange line guards nothing (earlyoom 378).
        """
        at = self.text.find(key, 0, self.length)
        while at > 0 and self.text[at - 1] != _NEWLINE:
            at = self.text.find(key, at + 1, self.length)
        return None if at < 0 else self._number(at + len(key))

    def whole_number(self) -> int | None:
        """The number that the file consists of; None where it is something else ("max")."""
        return self._number(0)

    def _number(self, start: int) -> int | None:
        end = self.text.find(b"\n", start, self.length)
        word = self.text[start : self.length if end < 0 else end].strip()
        digits = word.removesuffix(b" kB")
        if not digits.isdigit() or len(digits) > _MOST_DIGITS:
            return None
        return int(digits) * (1024 if len(digits) < len(word) else 1)


class KeptFile:
    """One file, opened at the first reading and again after any error."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def read(self, into: Buffer) -> None:
        """Fill the buffer with what the file says now. OSError when it cannot be read; the next call opens it anew."""
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            into.length = os.preadv(self._descriptor, into.view, 0)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; reading it again is allowed."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        self.close()

"""One integration's output on disk, bounded in size and in speed.

`NAME.log` and the one before it, `NAME.log.1`, hold at most 1 MiB each. More than 1 MiB a second is left out, with
a line that says how much: a program that floods its output must wear neither the disk nor the reader. A disk that
fails costs the output, never the program.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from brownout.core.instant import Instant
from brownout.disk.atomic import FILE_MODE, private_folder

__all__ = ["LogFile"]

_MOST_BYTES: Final = 2**20
_MOST_BYTES_PER_S: Final = 2**20


class LogFile:
    """Takes whatever a program writes. Not safe for two threads at once. `now` comes from the caller."""

    def __init__(self, path: Path, on_fault: Callable[[str], None]) -> None:
        self._path = path
        self._on_fault = on_fault
        self._fd: int | None = None
        self._size = 0
        self._allowance = float(_MOST_BYTES_PER_S)
        self._at: Instant | None = None
        self._left_out = 0
        self._failed = False

    def take(self, data: bytes, *, now: Instant) -> bool:
        """Keep `data` or leave it out; False when it was left out because it came too fast."""
        elapsed_s = now - self._at if self._at is not None else 0.0
        self._at = now
        self._allowance = min(_MOST_BYTES_PER_S, self._allowance + elapsed_s * _MOST_BYTES_PER_S)
        if len(data) > self._allowance:
            self._left_out += len(data)
            return False
        self._allowance -= len(data)
        if self._left_out:
            data = b"\n[brownout: %d bytes left out, more than 1 MiB/s]\n" % self._left_out + data
            self._left_out = 0
        self._write(data)
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, data: bytes) -> None:
        try:
            self._ready(len(data))
            if self._fd is not None:
                self._size += os.write(self._fd, data)
            self._failed = False
        except OSError as error:
            self.close()
            if not self._failed:  # once, not for each piece
                self._on_fault(f"cannot write {self._path}: {error.strerror}")
            self._failed = True

    def _ready(self, more: int) -> None:
        if self._fd is not None and self._size + more > _MOST_BYTES:
            self.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        if self._fd is None:
            private_folder(self._path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, FILE_MODE)
            self._size = os.fstat(self._fd).st_size

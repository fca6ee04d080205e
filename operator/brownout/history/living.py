"""Which sessions live: each locks one byte of a file, and the kernel lets go of it when its process ends, however.

Locks of an open file description (fcntl(2), F_OFD_SETLK): they see through containers, need no pid, and leave nothing
behind after kill -9. A child that is forked while a session is open holds it too, until both are gone. One more byte is
locked while the database beside is opened, so that two processes never create or repair it at once.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, pid
_OPENING: Final = 0


class Living:
    """The locks of one process in one file. It is made with its folder, readable to its owner alone."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._held: set[int] = set()

    def hold(self, number: int) -> None:
        """Say that the session of this number (above 0) lives. OSError where another process holds that number."""
        self._set(fcntl.F_OFD_SETLK, fcntl.F_WRLCK, number)
        self._held.add(number)

    def drop(self, number: int) -> None:
        """Say that it is over."""
        self._held.discard(number)
        self._set(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, number)

    def lives(self, number: int) -> bool:
        """Whether any process holds it."""
        if number in self._held:
            return True
        asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
        answer = fcntl.fcntl(self._file, fcntl.F_OFD_GETLK, asked)
        return bool(struct.unpack(_LOCK, answer)[0] != fcntl.F_UNLCK)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Be the only one who opens the database. It takes milliseconds, and whoever dies in it lets go."""
        self._set(fcntl.F_OFD_SETLKW, fcntl.F_WRLCK, _OPENING)
        try:
            yield
        finally:
            self._set(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, _OPENING)

    def close(self) -> None:
        """Let go of all of them."""
        self._held.clear()
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _set(self, command: int, kind: int, number: int) -> None:
        fcntl.fcntl(self._file, command, struct.pack(_LOCK, kind, os.SEEK_SET, number, 1, 0))

"""One controller for one state folder: a second one would start every program twice.

The lock is the kernel's (flock), so it falls with its holder, however that died; the file and the pid in it are
only for people. Children do not inherit it. On NFS the kernel makes it a lock of the server, which is what is
wanted there.
"""

import fcntl
import os
from pathlib import Path
from threading import Event
from typing import Final, Self

from brownout.core.errors import AlreadyRunning, HomeUnavailable, InvalidInput
from brownout.disk.atomic import FILE_MODE, private_folder

__all__ = ["StateLock", "is_running"]

_NAME: Final = "lock"
_WORLD_WRITABLE: Final = 0o002
#: `is_running` holds the lock for some microseconds; a controller that starts at that moment tries again.
_TRIES: Final = 10
_BETWEEN_TRIES_S: Final = 0.02


class StateLock:
    """Held from `acquire` until `release` or the end of the process; also a context manager."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises AlreadyRunning, InvalidInput (anybody may write here), HomeUnavailable (nobody can)."""
        fd = self._opened()
        if not _locked(fd):
            pid = _pid_in(fd)
            os.close(fd)
            who = f" (process {pid})" if pid else ""
            raise AlreadyRunning(
                f"another controller{who} uses the state folder {self._state}",
                advice="stop it, or give this one a folder of its own with --state",
            )
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Let go. The file stays: deleting it would let two controllers hold two files of one name."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        try:
            mode = private_folder(self._state).stat().st_mode
            if mode & _WORLD_WRITABLE:
                raise InvalidInput(
                    f"anybody may write to the state folder {self._state}", advice="choose another, or chmod o-w it"
                )
            return os.open(self._state / _NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise HomeUnavailable(
                f"the state folder {self._state} cannot be used: {error.strerror}", advice="choose another with --state"
            ) from error

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_running(state: Path) -> int | None:
    """The pid of the controller that uses a state folder (0: it left none); None where there is no controller."""
    try:
        fd = os.open(state / _NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _pid_in(fd)
    finally:
        os.close(fd)
    return None


def _locked(fd: int) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            Event().wait(_BETWEEN_TRIES_S)
        else:
            return True
    return False


def _pid_in(fd: int) -> int:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0

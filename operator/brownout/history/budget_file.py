"""The open file of budgets as one process uses it: opened, repaired, shared by threads, left alone by a fork.

Durability: a record is in the log when it is acknowledged (WAL, synchronous=NORMAL), so that no kill of any process
loses it; a power cut may lose the records since the last sync. What begins or ends a run, and every checkpoint, is
synced (FULL), and all records before it with it: at 300 s between checkpoints, that is the most a power cut takes.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from brownout.core.errors import HistoryUnavailable
from brownout.history.file import OpenFile, damaged, set_aside
from brownout.history.living import Living
from brownout.history.schema import BUDGETS, DamagedHistory, NewerHistory

BUSY_S: Final = 5.0  # how long one waits while others write; a write takes well under a millisecond
FILE_NAME: Final = "budgets.db"
# Connections of the parent, in a forked child: using or closing one there would harm the parent's.
_INHERITED: Final[list[object]] = []


def budgets_path(place: str | Path) -> Path:
    """The file that a place means: itself if it has a suffix such as .db, else `budgets.db` in that folder."""
    path = Path(place).expanduser()
    return path if path.suffix and not path.is_dir() else path / FILE_NAME


class BudgetFile:
    """Transactions on the file. Everything that goes wrong is a HistoryUnavailable; the next call tries anew."""

    def __init__(self, path: Path, *, on_fault: Callable[[str], None]) -> None:
        self.path = path
        self._on_fault = on_fault
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._file: OpenFile | None = None
        self._closed = False
        with self._told():
            self.living = Living(path.with_name(f"{path.name}-lock"))
            self._ready()

    @contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction as a writer. With `synced` it survives a power cut, and all before it too."""
        self._notice_fork()
        with self._lock, self._told():
            file = self._ready()
            if synced:
                file.connection.execute("PRAGMA synchronous = FULL")
            try:
                with file.transaction() as connection:
                    yield connection
            finally:
                if synced:
                    file.connection.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One transaction that sees the file at one moment."""
        self._notice_fork()
        with self._lock, self._told():
            connection = self._ready().connection
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file and of every session; never raises."""
        self._notice_fork()
        with self._lock:
            self._closed = True
            self._drop()
            self.living.close()

    def _notice_fork(self) -> None:
        if self._process != os.getpid():
            _INHERITED.append(self._file)
            self._process, self._file, self._lock = os.getpid(), None, threading.RLock()

    def _ready(self) -> OpenFile:
        if self._closed:
            raise HistoryUnavailable(f"{self.path} was closed")
        if self._file is not None and not self._file.in_place():
            self._drop()
            raise HistoryUnavailable(f"{self.path} was removed or replaced while it was open")
        if self._file is None:
            with self.living.opening():
                self._file = self._opened()
            self._file.connection.execute("PRAGMA synchronous = NORMAL")
        return self._file

    def _opened(self) -> OpenFile:
        try:
            return OpenFile(self.path, BUDGETS, busy_s=BUSY_S, across_threads=True)
        except (sqlite3.Error, HistoryUnavailable, UnicodeDecodeError) as error:
            if not damaged(error) or self.path.is_dir():
                raise
            self._set_aside(error)
            return OpenFile(self.path, BUDGETS, busy_s=BUSY_S, across_threads=True)

    def _set_aside(self, error: Exception) -> None:
        stamp = datetime.fromtimestamp(self.path.stat().st_mtime, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = set_aside(self.path, stamp)
        self._on_fault(f"{self.path} was damaged ({error}); it is kept as {aside.name}, and a new one begins")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except NewerHistory as error:
            raise NewerHistory(f"{self.path}: {error}") from None
        except (sqlite3.Error, OSError, DamagedHistory, UnicodeDecodeError) as error:
            self._drop()
            if damaged(error):
                with suppress(OSError), self.living.opening():
                    self._set_aside(error)
            raise HistoryUnavailable(f"{self.path}: {_words(error)}", advice=_advice(error)) from error

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def _words(error: Exception) -> str:
    """What went wrong, without the number and the second path that Python tells of an OSError."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _advice(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "ask as the user whose folder it is, or name one of your own with --state"
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return f"another process has been writing to it for {BUSY_S:g} s; try again"
    return "what was not recorded is not lost: record it again once the disk answers" if damaged(error) else ""

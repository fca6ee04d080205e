"""One open SQLite file of ours, whatever is kept in it: opened whatever state it is in, and written in transactions.

Durability: WAL with synchronous=FULL unless told otherwise. In WAL, NORMAL does not survive a power loss (the log is
synced at checkpoints only), and a checkpoint after each commit costs more than FULL does: one fsync of the log for each
commit. See https://sqlite.org/pragma.html#pragma_synchronous.

The file is never opened but through SQLite: closing a descriptor of our own would drop the POSIX locks of every
connection of this process (https://sqlite.org/howtocorrupt.html, 2.2). It knows no threads and no queue.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from brownout.history.schema import DamagedHistory, Schema

BUSY_S: Final = 1.0
_NO_TEXT: Final = "Could not decode to UTF-8"  # says Python, for which SQLite has no code
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_PRAGMAS: Final = (
    "PRAGMA auto_vacuum = INCREMENTAL",  # counts only before the first table exists
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 4194304",  # what the log keeps on disk after a checkpoint
    "PRAGMA cache_size = -512",  # KiB; we append, and the resident process must stay small
)


def damaged(error: Exception) -> bool:
    """Whether the file itself is at fault, so that only a new one helps."""
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_NO_TEXT):
        return True
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
    return isinstance(error, DamagedHistory | UnicodeDecodeError)  # text in it is no text


def uri_of(path: Path, options: str) -> str:
    """The URI of a file for SQLite, whatever characters are in its path."""
    return f"{path.absolute().as_uri()}?{options}"


class OpenFile:
    """The open file. Any error leaves it unusable: close it and open it again."""

    def __init__(self, path: Path, schema: Schema, *, busy_s: float = BUSY_S, across_threads: bool = False) -> None:
        """Open, create or migrate. With `across_threads` the caller sees to it that only one at a time uses it.

        Raises DamagedHistory, NewerHistory, sqlite3.Error or OSError; nothing is left open then.
        """
        self.path = path
        _make_ready(path)
        version = _probe(path, schema)
        uri = uri_of(path, "mode=rw")
        alone = not across_threads
        self.connection = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=alone)
        try:
            self._prepare(schema, version)
        except BaseException:
            self.connection.close()
            raise

    def in_place(self) -> bool:
        """Whether the path still leads to the file and the log that are open; False after either was deleted or moved.

        Writing on would succeed, into files that nobody can find. A log that was deleted is not lost yet: closing
        brings what it holds into the file.
        """
        try:
            return _identity(self.path) == self._identity
        except OSError:
            return False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One short transaction, begun as a writer, so that it fails for busy at its start or not at all."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                with suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
            raise

    def checkpoint(self) -> int:
        """Bring the log into the file and empty it; returns its bytes that are left, because a reader is in the way."""
        with suppress(sqlite3.OperationalError):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with suppress(OSError):
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        return 0

    def sound(self) -> bool:
        """Whether SQLite finds the file consistent. Reads all of it."""
        return bool(self.connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))

    def close(self) -> None:
        """Close it; never raises."""
        with suppress(sqlite3.Error):
            self.connection.close()

    def _prepare(self, schema: Schema, version: int) -> None:
        for pragma in _PRAGMAS:
            self.connection.execute(pragma).fetchall()
        schema.bring_up_to_date(self.connection, version)
        schema.check_tables(self.connection)
        self._identity = _identity(self.path)


def set_aside(path: Path, stamp: str) -> Path:
    """Move a damaged file out of the way, with its log; returns its new name. OSError where it cannot be moved."""
    names = (path.with_name(f"{path.name}.corrupt-{stamp}{more}") for more in ("", *(f"-{n}" for n in range(2, 1000))))
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    with suppress(OSError):
        path.with_name(f"{path.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def _make_ready(path: Path) -> None:
    """The folder exists, and the file too, readable to its owner alone: its log gets the same mode from SQLite."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir():
        raise DamagedHistory("it is a directory")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _probe(path: Path, schema: Schema) -> int:
    """The version, read through a connection that cannot write: a newer file stays as it is to the last byte."""
    with closing(sqlite3.connect(uri_of(path, "mode=ro"), uri=True, timeout=BUSY_S)) as connection:
        return schema.version_of(connection)


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    try:
        log = path.with_name(f"{path.name}-wal").stat().st_ino
    except FileNotFoundError:  # a file system without shared memory, where SQLite keeps to its older journal
        log = 0
    return found.st_dev, found.st_ino, log

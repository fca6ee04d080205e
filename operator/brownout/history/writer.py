"""The writer: the one thread that touches the history file, from the queue to the disk, through every trouble.

    fine      take a batch, write it, settle it; between two batches prune a little
    trouble   locked, full, gone, read-only, failing: keep the batch, close, wait, open again (0.25 s to 5 s)
    damaged   move the file aside, begin a new one, write the same batch there
    newer     never touched; what is queued stays in memory until a newer Brownout runs

It decides nothing about what is written.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from brownout.engine.ports import Clock
from brownout.history.database import Database
from brownout.history.file import damaged, set_aside
from brownout.history.retention import Limits, prune
from brownout.history.ring import Ring
from brownout.history.rows import IntentRow, Row
from brownout.history.schema import NewerHistory

_BATCH: Final = 500
_IDLE_S: Final = 30.0
_UPKEEP_S: Final = 600.0
_LARGE_LOG_BYTES: Final = 64 * 2**20
_SHORTEST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0


class Writer:
    """Runs in a daemon thread from `start` until the ring ends. `trouble` says why it cannot write; empty: it can."""

    def __init__(
        self, path: Path, *, ring: Ring, clock: Clock, limits: Limits, on_fault: Callable[[str], None]
    ) -> None:
        self._path = path
        self._ring = ring
        self._clock = clock
        self._limits = limits
        self._on_fault = on_fault
        self._database: Database | None = None
        self._pause_s = 0.0
        self._next_upkeep = 0.0
        self._pruning = True
        self._suspected = False
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self.trouble = ""
        self.newer = False
        self.busy_since: float | None = None
        self.last_id: int | None = None  # the highest number ever given on disk; None: not known yet
        self.tried = threading.Event()  # the first attempt to open has ended
        self.ended = threading.Event()

    def start(self) -> None:
        """Begin; `tried` is set once the file is open, or known not to open."""
        self._thread.start()

    def suspect(self) -> None:
        """A reader met damage: check the file at the next turn."""
        self._suspected = True
        self._ring.wake()

    def _run(self) -> None:
        try:
            self._turn(())
            if self._database is None and not self.trouble:  # a damaged file was moved aside
                self._turn(())
            self.tried.set()
            while not self._ring.ending and not self.newer:
                self._ring.pause(self._pause_s)
                self._turn(self._ring.take(_BATCH, wait_s=0.0 if self._pruning else _IDLE_S))
            self._finish()
        finally:
            self.tried.set()
            self.ended.set()

    def _turn(self, rows: tuple[Row, ...]) -> None:
        """One attempt at everything that is due."""
        self.busy_since = self._clock.now()
        try:
            self._work(rows)
        except Exception as error:  # noqa: BLE001 - whatever it is, the controller goes on and says so
            self._failed(error)
        else:
            self.trouble, self._pause_s = "", 0.0
        finally:
            self.busy_since = None

    def _work(self, rows: tuple[Row, ...]) -> None:
        database = self._opened()
        if self._suspected and not database.sound():
            raise sqlite3.DatabaseError("database disk image is malformed")
        self._suspected = False
        if rows:
            database.write(rows, self._on_fault)
            self._ring.settle()
            _tell_durable(rows)
        self._upkeep(database)

    def _opened(self) -> Database:
        if self._database is not None and not self._database.in_place():
            self._on_fault(f"{self._path} was removed or replaced while it was open; it is opened anew")
            self._close()
        if self._database is None:
            self._database = Database(self._path)
            self.last_id = max(self.last_id or 0, self._database.last_id)
        return self._database

    def _upkeep(self, database: Database) -> None:
        now = self._clock.now()
        if self._pruning:
            with database.transaction() as connection:
                self._pruning = prune(connection, self._limits, now=now)
            return
        if now >= self._next_upkeep:
            if (log_bytes := database.checkpoint()) > _LARGE_LOG_BYTES:
                self._on_fault(f"the log of {self._path} has {log_bytes >> 20} MiB: a reader holds it")
            self._next_upkeep = now + _UPKEEP_S
            self._pruning = True

    def _failed(self, error: Exception) -> None:
        self._close()
        self._pause_s = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, 2 * self._pause_s))
        if isinstance(error, NewerHistory):
            self.newer = True
        if (damaged(error) or self._suspected) and self._begin_anew(error):
            return
        was, self.trouble = self.trouble, f"{self._path}: {error}"
        if not was:
            self._on_fault(f"{self.trouble}; what happens is kept in memory until it can be written")

    def _begin_anew(self, error: Exception) -> bool:
        stamp = datetime.fromtimestamp(self._clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            aside = set_aside(self._path, stamp)
        except OSError:
            return False
        self._suspected = False  # the pause stays: a disk that garbles all it is given must not fill itself with these
        self._on_fault(f"{self._path} was damaged ({error}); it is kept as {aside.name}, and a new history begins")
        return True

    def _finish(self) -> None:
        """Write what is left, in one more attempt for each batch, and leave a file without a log."""
        while not self.newer and (rows := self._ring.take(_BATCH, wait_s=0.0)):
            self._turn(rows)
            if self.trouble:
                break
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.checkpoint()
        self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None


def _tell_durable(rows: tuple[Row, ...]) -> None:
    for row in rows:
        if isinstance(row, IntentRow) and row.durable is not None and row.durable.set_running_or_notify_cancel():
            row.durable.set_result(None)

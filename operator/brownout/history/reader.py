"""Reading the history without writing it: beside a running controller, after one, or from a read-only folder.

Each question opens a connection of its own and closes it again, so that no reader ever holds the log back for long.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brownout.core.errors import HistoryUnavailable
from brownout.core.instant import Instant
from brownout.core.sample import Sample
from brownout.engine.ports import DecisionRecord, FootprintRecord
from brownout.history.file import BUSY_S, damaged, uri_of
from brownout.history.rows import DECISION_COLUMNS, SAMPLE_COLUMNS, record_of, sample_of
from brownout.history.schema import HISTORY, DamagedHistory, NewerHistory

# A window holds 1800 samples at most (core.window); a day at one each second is 86 400 and still answers in seconds.
MOST_SAMPLES: Final = 100_000
# Intents without an outcome are looked for among this many: they are what the last controller was doing, at the end.
_RECENT: Final = 10_000
# A day of four integrations at a tick every 30 s is 11 520 rows, which are read in 35 ms.
MOST_FOOTPRINTS: Final = 12_000
_FOOTPRINT_COLUMNS: Final = "sample_id, integration, memory_bytes"
_FOR_EVER: Final = 1e18
_CHUNK: Final = 500  # well below the 999 parameters that every SQLite allows


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """What a history holds, in a few numbers. Instants and percentages are None where there are no samples."""

    samples: int
    decisions: int
    unresolved: int
    first_at: Instant | None
    last_at: Instant | None
    lowest_memory_percent: float | None
    average_memory_percent: float | None
    highest_memory_percent: float | None


class HistoryReader:
    """Questions to one history file. Every method raises HistoryUnavailable where it cannot be read."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    @property
    def log_out_of_reach(self) -> bool:
        """Whether the newest rows may be missing: there is a log, and in this folder it cannot be read (read-only)."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if not log.exists() or log.stat().st_size == 0:
            return False
        try:
            _open(self._path, "mode=ro").close()
        except sqlite3.OperationalError:
            return True
        return False

    def decisions(
        self, *, key: str | None = None, since: Instant = 0.0, limit: int = 100
    ) -> tuple[DecisionRecord, ...]:
        """The newest decisions, newest first."""
        wheres = ["d.key = :key"] if key is not None else []
        wheres += ["d.at >= :since"] if since > 0.0 else []
        where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
        tail = f"{where} ORDER BY d.id DESC LIMIT :limit"
        with self._connection() as connection:
            return _decisions(connection, tail, {"key": key, "since": since, "limit": max(0, limit)})

    def unresolved(self, *, also: Sequence[int] = ()) -> tuple[DecisionRecord, ...]:
        """Intents without an outcome, oldest first; and those of the given numbers, whatever became of them."""
        recent = "d.id IN (SELECT id FROM decisions ORDER BY id DESC LIMIT ?)"
        with self._connection() as connection:
            found = _decisions(connection, f"WHERE o.decision_id IS NULL AND {recent}", (_RECENT,))
            for start in range(0, len(also), _CHUNK):
                chunk = tuple(also[start : start + _CHUNK])
                found += _decisions(connection, f"WHERE d.id IN ({', '.join('?' * len(chunk))})", chunk)
        return tuple(sorted({record.id: record for record in found}.values(), key=lambda record: record.id))

    def samples(
        self, *, since: Instant = 0.0, until: Instant = _FOR_EVER, limit: int = MOST_SAMPLES
    ) -> tuple[Sample, ...]:
        """Samples with their footprints, oldest first; of more than `limit` the newest."""
        span = (since, until, max(0, limit))
        with self._connection() as connection:
            chosen = "FROM samples WHERE at >= ? AND at <= ? ORDER BY at DESC, id DESC LIMIT ?"
            rows = connection.execute(f"SELECT {SAMPLE_COLUMNS} {chosen}", span).fetchall()
            ours = f"SELECT {_FOOTPRINT_COLUMNS} FROM footprints WHERE sample_id IN (SELECT id {chosen})"  # noqa: S608
            footprints = connection.execute(ours, span).fetchall()
        held: dict[int, list[tuple[str, int]]] = {}
        for sample_id, integration, memory_bytes in footprints:
            if isinstance(memory_bytes, int):
                held.setdefault(sample_id, []).append((str(integration), memory_bytes))
        return tuple(sample_of(row, held.get(row[0], ())) for row in reversed(rows))

    def footprints(
        self, *, since: Instant = 0.0, until: Instant = _FOR_EVER, limit: int = MOST_FOOTPRINTS
    ) -> tuple[FootprintRecord, ...]:
        """What was measured of each integration, oldest first; of more than `limit` the newest."""
        query = (
            "SELECT at, integration, level, memory_bytes FROM footprints "
            "WHERE sample_id >= (SELECT min(id) FROM samples WHERE at >= :since) AND at >= :since AND at <= :until "
            "AND typeof(at) = 'real' AND typeof(memory_bytes) = 'integer' "
            "ORDER BY sample_id DESC, integration LIMIT :limit"
        )
        with self._connection() as connection:
            rows = connection.execute(query, {"since": since, "until": until, "limit": max(0, limit)}).fetchall()
        return tuple(
            FootprintRecord(at=at, key=str(key), level=str(level), memory_bytes=held)
            for at, key, level, held in reversed(rows)
        )

    def summary(self) -> HistorySummary:
        """Everything in a few numbers."""
        with self._connection() as connection:
            samples = connection.execute(
                "SELECT count(*), min(at), max(at), min(memory_percent), avg(memory_percent), max(memory_percent) "
                "FROM samples"
            ).fetchone()
            (decisions,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
            (outcomes,) = connection.execute("SELECT count(*) FROM outcomes").fetchone()
        return HistorySummary(
            samples=samples[0],
            decisions=decisions,
            unresolved=decisions - outcomes,
            first_at=samples[1],
            last_at=samples[2],
            lowest_memory_percent=samples[3],
            average_memory_percent=samples[4],
            highest_memory_percent=samples[5],
        )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout."""
        try:
            with closing(_connect(self._path)) as connection:
                connection.execute("BEGIN")
                yield connection
        except (sqlite3.Error, DamagedHistory) as error:
            if damaged(error):
                raise DamagedHistory(f"{self._path} is damaged: {error}") from error
            raise HistoryUnavailable(f"{self._path} cannot be read: {error}") from error


def read_history(path: str | Path) -> HistoryReader:
    """A reader of the history at `path`, whether a controller writes it or not.

    Raises HistoryUnavailable where there is none, or none that this Brownout can read.
    """
    with closing(_connected(Path(path))):
        return HistoryReader(path)


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except (sqlite3.Error, DamagedHistory) as error:
        raise HistoryUnavailable(f"{path} cannot be read: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise HistoryUnavailable(
            f"there is no history at {path}", advice="it begins with the first `brownout run` of this state folder"
        )
    try:
        return _open(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    # In a folder that cannot be written SQLite cannot make the shared memory of the log. Nobody else writes there
    # either, so the file may be read as one that never changes; what only stands in a log is not seen then.
    return _open(path, "mode=ro&immutable=1")


def _open(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri_of(path, options), uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        version = HISTORY.version_of(connection)
    except NewerHistory as error:
        connection.close()
        raise NewerHistory(f"{path}: {error}") from None
    except BaseException:
        connection.close()
        raise
    if version > 0:
        return connection
    connection.close()
    raise HistoryUnavailable(f"{path} holds no history yet")


def _decisions(
    connection: sqlite3.Connection, tail: str, values: dict[str, Any] | tuple[int, ...]
) -> tuple[DecisionRecord, ...]:
    query = f"SELECT {DECISION_COLUMNS} FROM decisions d LEFT JOIN outcomes o ON o.decision_id = d.id {tail}"  # noqa: S608
    found = (record_of(row) for row in connection.execute(query, values))
    return tuple(record for record in found if record is not None)

"""How much history is kept, and the removal of what is beyond it, in small batches.

One call does one short transaction, so that an intent never waits behind a prune: 500 samples with their footprints
take about 10 ms. It does not decide when it is called; the writer does, between two batches of rows.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from brownout.core.instant import Instant

_DAY_S: Final = 86400.0
_BATCH: Final = 500
_VACUUM_PAGES: Final = 256  # 1 MiB given back in each call


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is kept. A sample every 30 s for 30 days are 86 400 rows, with four footprints each about 25 MiB."""

    samples_s: float = 30 * _DAY_S
    decisions_s: float = 365 * _DAY_S
    size_bytes: int = 256 * 2**20


DEFAULT_LIMITS: Final = Limits()


def prune(connection: sqlite3.Connection, limits: Limits, *, now: Instant) -> bool:
    """Remove one batch of what is too old or too much. True: there may be more to do."""
    return (
        _delete_older(connection, "samples", now - limits.samples_s)
        or _delete_older(connection, "decisions", now - limits.decisions_s)
        or _delete_beyond(connection, limits.size_bytes)
        or _give_back(connection)
    )


def _delete_older(connection: sqlite3.Connection, table: str, before: Instant) -> bool:
    chosen = f"SELECT id FROM {table} WHERE at < ? ORDER BY at LIMIT {_BATCH}"  # noqa: S608 - our own constants
    return _delete(connection, table, chosen, (before,))


def _delete_beyond(connection: sqlite3.Connection, size_bytes: int) -> bool:
    """Oldest samples first; decisions only when no sample is left: "why is voice off?" outlives a curve."""
    if _used_bytes(connection) <= size_bytes:
        return False
    return any(
        _delete(connection, table, f"SELECT id FROM {table} ORDER BY id LIMIT {_BATCH}", ())  # noqa: S608 - constants
        for table in ("samples", "decisions")
    )


def _delete(connection: sqlite3.Connection, table: str, chosen: str, values: tuple[float, ...]) -> bool:
    return connection.execute(f"DELETE FROM {table} WHERE id IN ({chosen})", values).rowcount > 0  # noqa: S608


def _give_back(connection: sqlite3.Connection) -> bool:
    """Return free pages to the file system; the pragma works only while its rows are fetched."""
    if _pragma(connection, "freelist_count") < _VACUUM_PAGES:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    return True


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return pages * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

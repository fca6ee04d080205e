"""The versions of the history's tables, and what tells our file from any other.

A newer version than ours is never touched: whoever downgrades must find the file as the newer controller left it.
"""

import sqlite3
from importlib import resources
from typing import Final

from brownout.core.errors import HistoryUnavailable

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x42524F57  # "BROW"; file(1) and we recognise the file by it

# MIGRATIONS[n] leads from version n + 1 to n + 2: one script, run in one transaction with the new version number.
MIGRATIONS: Final[tuple[str, ...]] = ()

_COLUMNS: Final = {
    "samples": "id, at, cpu_percent, memory_percent, disk_percent, memory_used_bytes, memory_limit_bytes, "
    "disk_free_bytes, stall_percent, witness",
    "footprints": "sample_id, integration, at, level, memory_bytes, response_ms, errors, requests",
    "decisions": "id, at, key, action, reason, message, rule, dry_run, numbers",
    "outcomes": "decision_id, at, status, detail",
}


class NewerHistory(HistoryUnavailable):
    """The file was written by a newer Brownout; it is left exactly as it is."""


class DamagedHistory(HistoryUnavailable):
    """The file is no history of ours, or no longer one."""


def version_of(connection: sqlite3.Connection) -> int:
    """The version that stands in the file, 0 for an empty one.

    Raises NewerHistory, and DamagedHistory for a database that is somebody else's.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and (owner != APPLICATION_ID or version < 1):
        raise DamagedHistory("it is a database, but not a history of Brownout")
    if version > SCHEMA_VERSION:
        raise NewerHistory(
            f"it has version {version}, this Brownout knows {SCHEMA_VERSION}",
            advice="run the newer Brownout again, or move the file away to begin a new history",
        )
    return int(version)


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Create the tables in an empty file, or migrate an older one: each version in one transaction of its own."""
    if version == 0:
        script = resources.files("brownout.history").joinpath("schema.sql").read_text("utf-8")
        _run(connection, f"PRAGMA application_id = {APPLICATION_ID};\n{script}", 1)
    for reached in range(max(1, version), SCHEMA_VERSION):
        _run(connection, MIGRATIONS[reached - 1], reached + 1)


def check_tables(connection: sqlite3.Connection) -> None:
    """Raises DamagedHistory where a table or a column is missing. Reads no rows, so it is quick at any size."""
    for table, columns in _COLUMNS.items():
        try:
            connection.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608 - our own constants
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise DamagedHistory(f"its tables are not ours: {error}") from error
            raise


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {version};\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

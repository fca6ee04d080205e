"""The versions of our tables, and what tells our files from any other.

A newer version than ours is never touched: whoever downgrades must find the file as the newer controller left it.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brownout.core.errors import HistoryUnavailable


class NewerHistory(HistoryUnavailable):
    """The file was written by a newer Brownout; it is left exactly as it is."""


class DamagedHistory(HistoryUnavailable):
    """The file is none of ours, or no longer one."""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """One kind of file: the script of its first version, and which columns must be there.

    migrations[n] leads from version n + 1 to n + 2: one script, run in one transaction with the new version number.
    """

    what: str  # as in "it is a database, but not a history of Brownout"
    application_id: int  # file(1) and we recognise the file by it
    script: str  # a file beside this one
    columns: Mapping[str, str]
    migrations: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The version that we write."""
        return 1 + len(self.migrations)

    def version_of(self, connection: sqlite3.Connection) -> int:
        """The version that stands in the file, 0 for an empty one.

        Raises NewerHistory, and DamagedHistory for a database that is somebody else's.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (owner != self.application_id or version < 1):
            raise DamagedHistory(f"it is a database, but not a {self.what} of Brownout")
        if version > self.version:
            raise NewerHistory(
                f"it has version {version}, this Brownout knows {self.version}",
                advice=f"run the newer Brownout again, or move the file away to begin a new {self.what}",
            )
        return int(version)

    def bring_up_to_date(self, connection: sqlite3.Connection, version: int) -> None:
        """Create the tables in an empty file, or migrate an older one: each version in one transaction of its own."""
        if version == 0:
            script = Path(__file__).with_name(self.script).read_text("utf-8")
            _run(connection, f"PRAGMA application_id = {self.application_id};\n{script}", 1)
        for reached in range(max(1, version), self.version):
            _run(connection, self.migrations[reached - 1], reached + 1)

    def check_tables(self, connection: sqlite3.Connection) -> None:
        """Raises DamagedHistory where a table or a column is missing. Reads no rows, so it is quick at any size."""
        for table, columns in self.columns.items():
            try:
                connection.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608 - our own constants
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                    raise DamagedHistory(f"its tables are not ours: {error}") from error
                raise


# Version 2: what the health checks found since the sample before, and how it stood then.
_CHECKS: Final = """
ALTER TABLE footprints ADD COLUMN health TEXT;
ALTER TABLE footprints ADD COLUMN circuit TEXT;
ALTER TABLE footprints ADD COLUMN check_ms REAL;
ALTER TABLE footprints ADD COLUMN check_errors INTEGER;
ALTER TABLE footprints ADD COLUMN checks INTEGER;
"""

HISTORY: Final = Schema(
    what="history",
    application_id=0x42524F57,  # "BROW"
    script="schema.sql",
    columns={
        "samples": "id, at, cpu_percent, memory_percent, disk_percent, memory_used_bytes, memory_limit_bytes, "
        "disk_free_bytes, stall_percent, witness",
        "footprints": "sample_id, integration, at, level, memory_bytes, response_ms, errors, requests, "
        "health, circuit, check_ms, check_errors, checks",
        "decisions": "id, at, key, action, reason, message, rule, dry_run, numbers",
        "outcomes": "decision_id, at, status, detail",
    },
    migrations=(_CHECKS,),
)

BUDGETS: Final = Schema(
    what="file of budgets",
    application_id=0x42524255,  # "BRBU"
    script="budgets.sql",
    columns={
        "runs": "id, name, limits, tokens, api_calls, covered, opened_at, seen_at, ended_at, stopped_by, "
        "stop_asked_at, checkpoints, checkpoint_at",
        "sessions": "id, run_id, opened_at, seen_at, lease_s",
        "checkpoints": "run_id, number, at, elapsed_s, tokens, api_calls, is_text, state, crc32",
    },
)


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {version};\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

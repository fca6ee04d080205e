"""The open history, for the writer: writing a batch to it. How the file is opened stands in file.py.

Samples share the durability of intents (synchronous=FULL), at one commit every 30 s.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from brownout.history.file import OpenFile
from brownout.history.rows import (
    IntentRow,
    OutcomeRow,
    Row,
    SampleRow,
    holds_intent,
    insert_intent,
    insert_outcome,
    insert_sample,
)
from brownout.history.schema import HISTORY

# What one bad row raises, as opposed to a bad disk: the row is told of and left out, the others go on.
_BAD_ROW: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, ValueError, OverflowError)


class Database(OpenFile):
    """The open history. Any error leaves it unusable: close it and open it again."""

    def __init__(self, path: Path) -> None:
        """Open, create or migrate, as OpenFile does."""
        self._renumbered: dict[int, int] = {}
        super().__init__(path, HISTORY)
        try:
            self.last_id = self._highest()
        except BaseException:
            self.close()
            raise

    def write(self, rows: Sequence[Row], on_bad_row: Callable[[str], None]) -> None:
        """Write all rows in one durable transaction, or none. A row that cannot be stored is told of instead."""
        with self.transaction():
            for row in rows:
                try:
                    self._write_one(row)
                except _BAD_ROW as error:
                    on_bad_row(f"a row could not be stored and is left out: {type(error).__name__}: {error}: {row!r}")

    def _highest(self) -> int:
        (highest,) = self.connection.execute(
            "SELECT max((SELECT coalesce(max(id), 0) FROM decisions), "
            "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'decisions'), 0))"
        ).fetchone()
        return int(highest)

    def _write_one(self, row: Row) -> None:
        match row:
            case IntentRow():
                self._write_intent(row)
            case OutcomeRow():
                number = self._renumbered.get(row.decision_id, row.decision_id)
                insert_outcome(self.connection, row, number=number)
            case SampleRow():
                insert_sample(self.connection, row)

    def _write_intent(self, row: IntentRow) -> None:
        """Under its own number, or under the next one where another file or writer has used that one meanwhile."""
        try:
            insert_intent(self.connection, row.record, number=row.record.id)
        except sqlite3.IntegrityError:
            if not holds_intent(self.connection, row.record):
                self._renumbered[row.record.id] = insert_intent(self.connection, row.record, number=None)

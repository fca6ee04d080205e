"""What is forgotten of budgets: runs that ended long ago, and the states of all but the last ones."""

import sqlite3

from brownout.core.budget.kept import Lives, finished
from brownout.core.budget.run import Ending
from brownout.core.instant import Instant
from brownout.history import budget_rows as rows
from brownout.history.budget_bounds import ENDED_KEPT, INTERRUPTED_KEPT_S, STATES_KEPT


def prune(connection: sqlite3.Connection, *, now: Instant, lives: Lives) -> None:
    """Forget what is over the bounds; interrupted runs that nobody came back for are ended first."""
    old = connection.execute("SELECT id FROM runs WHERE ended_at IS NULL AND seen_at < ?", (now - INTERRUPTED_KEPT_S,))
    for (number,) in old.fetchall():
        kept = rows.load(connection, number)
        if kept and not any(lives(session) for session in kept.sessions):
            rows.save(connection, finished(kept, now, Ending.ABANDONED))
    newest = "SELECT id FROM runs WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?"
    connection.execute(f"DELETE FROM runs WHERE id IN ({newest})", (ENDED_KEPT,))  # noqa: S608 - our own words
    connection.execute(f"DELETE FROM checkpoints WHERE run_id IN ({newest})", (STATES_KEPT,))  # noqa: S608
    connection.execute(
        "DELETE FROM checkpoints WHERE number < "
        "(SELECT checkpoints FROM runs WHERE id = run_id AND ended_at IS NOT NULL)"
    )

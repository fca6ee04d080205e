"""Budgets in one SQLite file, which many processes share: nothing that was acknowledged is lost or counted twice."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from brownout.core.budget.kept import (
    KeptRun,
    Lives,
    Session,
    asked_to_stop,
    begun,
    finished,
    joined,
    lease_holds,
    left,
    resumable,
)
from brownout.core.budget.kept import used as after_use
from brownout.core.budget.limits import MOST, Limits
from brownout.core.budget.run import Checkpoint, Ending, NoSuchRun, RunRecord, checked_name
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.instant import Instant
from brownout.engine.budgets import Held
from brownout.history import budget_rows as rows
from brownout.history.budget_bounds import CHECKPOINTS_KEPT, checked_state
from brownout.history.budget_file import BudgetFile, budgets_path
from brownout.history.budget_pruning import prune

# One statement each, prepared once by the connection: this is what an agent waits for at every call.
_RECORD: Final = (
    f"UPDATE runs SET tokens = min({MOST}, tokens + ?), api_calls = min({MOST}, api_calls + ?), "  # noqa: S608 - constants
    "seen_at = max(seen_at, ?) WHERE id = ? RETURNING ended_at"
)
_SEEN: Final = "UPDATE sessions SET seen_at = max(seen_at, ?) WHERE run_id = ? AND id = ?"


class SqliteBudgets:
    """A BudgetStore in a file. Raises HistoryUnavailable where it cannot be opened.

    A damaged file is kept aside and told of through `on_fault`; one of a newer Brownout stays as it is (NewerHistory).
    """

    def __init__(self, place: str | Path, *, on_fault: Callable[[str], None]) -> None:
        self._file = BudgetFile(budgets_path(place), on_fault=on_fault)

    def open(
        self, name: str, limits: Limits, *, now: Instant, lease_s: float | None = None, fresh: bool = False
    ) -> Held:
        """Join the run of that name that has not ended, or begin one."""
        checked_name(name)
        with self._file.writing() as connection:
            found = next((kept for kept in rows.newest(connection, name, 1) if not kept.run.ended), None)
            if found and fresh:
                rows.save(connection, finished(found, now, Ending.ABANDONED))
                found = None
            if found is None:
                prune(connection, now=now, lives=self._lives_at(now))
            kept = found or rows.insert(connection, begun(0, name, limits, now))
            return self._hold(connection, kept, now=now, lease_s=lease_s, joined_it=found is not None)

    def resume(self, name: str, *, now: Instant, lease_s: float | None = None) -> Held:
        """Continue the newest run of that name, unless it was completed."""
        with self._file.writing() as connection:
            kept = resumable(next(iter(rows.newest(connection, name, 1)), None), name)
            return self._hold(connection, kept, now=now, lease_s=lease_s, joined_it=True)

    def record(self, run: int, used: Usage, *, now: Instant, session: int | None = None) -> None:
        """Add tokens and calls."""
        with self._file.writing(synced=False) as connection:
            found = connection.execute(_RECORD, (used.tokens, used.api_calls, now, run)).fetchone()
            if found is None:
                raise NoSuchRun(f"there is no run {run}")
            if session is None or found[0] is not None:
                return
            if not connection.execute(_SEEN, (now, run, session)).rowcount:
                rows.save(connection, after_use(_kept(connection, run), NOTHING_USED, now, session))

    def find(self, run: int, *, now: Instant, session: int | None = None) -> RunRecord:
        """The run as of now."""
        with self._file.reading() as connection:
            return _kept(connection, run).at(now, self._lives_at(now), session)

    def runs(self, *, now: Instant, name: str | None = None, most: int = 100) -> tuple[RunRecord, ...]:
        """The newest runs, newest first."""
        with self._file.reading() as connection:
            lives = self._lives_at(now)
            return tuple(kept.at(now, lives) for kept in rows.newest(connection, name, max(0, most)))

    def set_limits(self, run: int, limits: Limits, *, now: Instant) -> RunRecord:
        """Replace the limits of a run."""
        return self._change(run, now, lambda kept, _: replace(kept, run=replace(kept.run, limits=limits)))

    def ask_to_stop(self, run: int, *, now: Instant) -> RunRecord:
        """Ask a run to stop; one that no process works on ends at once."""
        return self._change(run, now, lambda kept, lives: asked_to_stop(kept, now, lives))

    def leave(self, run: int, session: int, *, now: Instant, ending: Ending | None) -> RunRecord:
        """End a session, and with an ending the run, unless another session of it lives."""
        found = self._change(run, now, lambda kept, lives: left(kept, session, now, ending, lives))
        with self._file.reading() as connection:
            elsewhere = rows.has_session(connection, session)
        if not elsewhere:  # whoever names the session of another run by mistake does not end that one
            self._file.living.drop(session)
        return found

    def end(self, run: int, *, now: Instant, ending: Ending) -> RunRecord:
        """End a run, whoever still has it open."""
        return self._change(run, now, lambda kept, _: finished(kept, now, ending))

    def checkpoint(self, run: int, state: str | bytes, *, now: Instant, session: int | None = None) -> Checkpoint:
        """Keep a state."""
        checked_state(state)
        with self._file.writing() as connection:
            kept = after_use(_kept(connection, run), NOTHING_USED, now, session)
            number, usage = kept.run.checkpoints + 1, kept.at(now, self._lives_at(now), session).usage
            made = Checkpoint(number=number, at=now, usage=usage, state=state)
            rows.insert_checkpoint(connection, run, made, kept=CHECKPOINTS_KEPT)
            rows.save(connection, replace(kept, run=replace(kept.run, checkpoints=number, checkpoint_at=now)))
        return made

    def last_checkpoint(self, run: int) -> Checkpoint | None:
        """The newest that is sound."""
        with self._file.reading() as connection:
            return rows.last_checkpoint(connection, run)

    def close(self) -> None:
        """Let go of the file; the sessions of this process end, their runs do not."""
        self._file.close()

    def _change(self, run: int, now: Instant, change: Callable[[KeptRun, Lives], KeptRun]) -> RunRecord:
        with self._file.writing() as connection:
            lives = self._lives_at(now)
            changed = change(_kept(connection, run), lives)
            rows.save(connection, changed)
            return changed.at(now, lives)

    def _hold(
        self, connection: sqlite3.Connection, kept: KeptRun, *, now: Instant, lease_s: float | None, joined_it: bool
    ) -> Held:
        # By chance and not in sequence: after a damaged file is set aside, the numbers of its sessions are still held.
        number = 1 + secrets.randbelow(MOST - 1)
        if lease_s is None:
            self._file.living.hold(number)
        lives = self._lives_at(now)
        held = joined(kept, Session(number=number, opened_at=now, seen_at=now, lease_s=lease_s), lives)
        rows.save(connection, held)
        return Held(run=held.at(now, lives), session=number, joined=joined_it)

    def _lives_at(self, now: Instant) -> Lives:
        living = self._file.living
        return lambda session: living.lives(session.number) if session.lease_s is None else lease_holds(session, now)


def _kept(connection: sqlite3.Connection, run: int) -> KeptRun:
    kept = rows.load(connection, run)
    if kept is None:
        raise NoSuchRun(f"there is no run {run}")
    return kept

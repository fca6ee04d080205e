"""Budgets in memory alone: for one process, and gone with it. The same rules as on disk (core/budget/kept.py)."""

import itertools
import threading
from dataclasses import replace

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
from brownout.core.budget.kept import (
    used as after_use,
)
from brownout.core.budget.limits import MOST, Limits
from brownout.core.budget.run import Checkpoint, Ending, NoSuchRun, RunRecord, checked_name
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.instant import Instant
from brownout.engine.budgets import Held
from brownout.history.budget_bounds import (
    CHECKPOINTS_KEPT,
    ENDED_KEPT,
    INTERRUPTED_KEPT_S,
    STATES_KEPT,
    checked_state,
)


class _Tally:
    """What one session recorded since somebody last asked: a record is three additions, not four new values."""

    __slots__ = ("api_calls", "at", "tokens")

    def __init__(self) -> None:
        self.tokens = 0
        self.api_calls = 0
        self.at: Instant = 0.0


class MemoryBudgets:
    """A BudgetStore for one process; its threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, KeptRun] = {}
        self._checkpoints: dict[int, tuple[Checkpoint, ...]] = {}
        self._tallies: dict[tuple[int, int | None], _Tally] = {}
        self._run_numbers = itertools.count(1)
        self._session_numbers = itertools.count(1)

    def open(
        self, name: str, limits: Limits, *, now: Instant, lease_s: float | None = None, fresh: bool = False
    ) -> Held:
        """Join the run of that name that has not ended, or begin one."""
        checked_name(name)
        with self._lock:
            found = next((kept for kept in self._newest(name) if not kept.run.ended), None)
            if found and fresh:
                self._put(finished(found, now, Ending.ABANDONED))
                found = None
            if found is None:
                self._prune(now)
            kept = found or begun(next(self._run_numbers), name, limits, now)
            return self._hold(kept, now=now, lease_s=lease_s, joined_it=found is not None)

    def resume(self, name: str, *, now: Instant, lease_s: float | None = None) -> Held:
        """Continue the newest run of that name, unless it was completed."""
        with self._lock:
            newest = next(iter(self._newest(name)), None)
            return self._hold(resumable(newest, name), now=now, lease_s=lease_s, joined_it=True)

    def record(self, run: int, used: Usage, *, now: Instant, session: int | None = None) -> None:
        """Add tokens and calls: to a tally, which the next one who asks finds counted."""
        with self._lock:
            tally = self._tallies.get((run, session))
            if tally is None:
                self._get(run)
                tally = self._tallies[run, session] = _Tally()
            tally.tokens += used.tokens
            tally.api_calls += used.api_calls
            tally.at = max(tally.at, now)

    def find(self, run: int, *, now: Instant, session: int | None = None) -> RunRecord:
        """The run as of now."""
        with self._lock:
            return self._get(run).at(now, _lives_at(now), session)

    def runs(self, *, now: Instant, name: str | None = None, most: int = 100) -> tuple[RunRecord, ...]:
        """The newest runs, newest first."""
        with self._lock:
            return tuple(kept.at(now, _lives_at(now)) for kept in self._newest(name)[: max(0, most)])

    def set_limits(self, run: int, limits: Limits, *, now: Instant) -> RunRecord:
        """Replace the limits of a run."""
        with self._lock:
            kept = self._get(run)
            return self._put(replace(kept, run=replace(kept.run, limits=limits))).at(now, _lives_at(now))

    def ask_to_stop(self, run: int, *, now: Instant) -> RunRecord:
        """Ask a run to stop; one that no process works on ends at once."""
        with self._lock:
            lives = _lives_at(now)
            return self._put(asked_to_stop(self._get(run), now, lives)).at(now, lives)

    def leave(self, run: int, session: int, *, now: Instant, ending: Ending | None) -> RunRecord:
        """End a session, and with an ending the run, unless another session of it lives."""
        with self._lock:
            lives = _lives_at(now)
            return self._put(left(self._get(run), session, now, ending, lives)).at(now, lives)

    def end(self, run: int, *, now: Instant, ending: Ending) -> RunRecord:
        """End a run, whoever still has it open."""
        with self._lock:
            return self._put(finished(self._get(run), now, ending)).at(now, _lives_at(now))

    def checkpoint(self, run: int, state: str | bytes, *, now: Instant, session: int | None = None) -> Checkpoint:
        """Keep a state."""
        with self._lock:
            kept = after_use(self._get(run), NOTHING_USED, now, session)
            number = kept.run.checkpoints + 1
            usage = kept.at(now, _lives_at(now), session).usage
            made = Checkpoint(number=number, at=now, usage=usage, state=checked_state(state))
            self._put(replace(kept, run=replace(kept.run, checkpoints=number, checkpoint_at=now)))
            self._checkpoints[run] = (*self._checkpoints.get(run, ()), made)[-CHECKPOINTS_KEPT:]
            return made

    def last_checkpoint(self, run: int) -> Checkpoint | None:
        """The newest one."""
        with self._lock:
            return self._checkpoints.get(run, (None,))[-1]

    def close(self) -> None:
        """Nothing is held open; what is kept goes with the object."""

    def _newest(self, name: str | None) -> list[KeptRun]:
        self._count()
        return [kept for kept in reversed(self._kept.values()) if name is None or kept.run.name == name]

    def _count(self) -> None:
        """Bring the tallies into the runs."""
        tallies, self._tallies = self._tallies, {}
        for (run, session), tally in tallies.items():
            used = Usage(tokens=min(MOST, tally.tokens), api_calls=min(MOST, tally.api_calls))
            self._put(after_use(self._kept[run], used, tally.at, session))

    def _hold(self, kept: KeptRun, *, now: Instant, lease_s: float | None, joined_it: bool) -> Held:
        number, lives = next(self._session_numbers), _lives_at(now)
        session = Session(number=number, opened_at=now, seen_at=now, lease_s=lease_s)
        self._put(joined(kept, session, lives))
        return Held(run=self._get(kept.run.id).at(now, lives), session=number, joined=joined_it)

    def _prune(self, now: Instant) -> None:
        """As on disk (budget_pruning.py): what is over the bounds is forgotten when a new run begins."""
        for kept in tuple(self._kept.values()):
            lives = any(lease_holds(session, now) for session in kept.sessions)
            if not kept.run.ended and not lives and kept.run.seen_at < now - INTERRUPTED_KEPT_S:
                self._put(finished(kept, now, Ending.ABANDONED))
        ended = [number for number, kept in reversed(self._kept.items()) if kept.run.ended]
        for number in ended[ENDED_KEPT:]:
            del self._kept[number]
        for number in ended:
            newest = self._checkpoints.pop(number, ())[-1:]
            if newest and number in ended[:STATES_KEPT]:
                self._checkpoints[number] = newest

    def _get(self, run: int) -> KeptRun:
        self._count()
        if run not in self._kept:
            raise NoSuchRun(f"there is no run {run}")
        return self._kept[run]

    def _put(self, kept: KeptRun) -> KeptRun:
        self._kept[kept.run.id] = kept
        return kept


def _lives_at(now: Instant) -> Lives:
    return lambda session: lease_holds(session, now)

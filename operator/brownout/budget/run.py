"""A run of work under a budget, as a program holds it."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from brownout.bootstrap.clock import SteadyClock
from brownout.budget.states import decoded, encoded
from brownout.budget.stores import store_of
from brownout.core.budget.advice import Advice, checked_progress, should_continue
from brownout.core.budget.assessment import Assessment, BudgetState, Line
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.points import Point, added
from brownout.core.budget.raising import raised
from brownout.core.budget.run import Checkpoint, Ending, RunRecord, checkpoint_due, ending_of
from brownout.core.budget.summary import summary
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.errors import HistoryUnavailable, InvalidInput
from brownout.core.instant import Instant
from brownout.engine.budgets import BudgetStore, Held

if TYPE_CHECKING:
    from brownout.core.budget.completion import Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint: the state as it was given, when, and what had been used. Numbers count from 1."""

    number: int
    at: float
    usage: Usage
    state: Any


class Run:
    """Open it, record what it uses, ask whether to go on. Threads may share it. Use as a context manager.

    At the end of the block the run ends, by what the last advice said. An error that leaves the block interrupts it: it
    can be resumed. Where the store fails `record` raises HistoryUnavailable, and what it was given is written with the
    next record or question that succeeds; questions are answered from what is known.
    """

    @classmethod
    def open(
        cls,
        name: str,
        limits: Limits,
        *,
        store: str | Path | None = None,
        server: str | None = None,
        token: str | None = None,
        fresh: bool = False,
    ) -> Self:
        """Begin a run. One of that name that has not ended is joined, with its own limits and what it has used.

        `store`: a file or a folder; without one it is kept in memory. `server` and `token`: a gateway keeps it.
        `fresh`: begin anew even if a run of that name was interrupted. Raises InvalidInput, HistoryUnavailable.
        """
        kept, now = store_of(store, server, token), SteadyClock()
        return cls(kept, kept.open(name, limits, now=now.now(), fresh=fresh), clock=now)

    @classmethod
    def resume(
        cls, name: str, *, store: str | Path | None = None, server: str | None = None, token: str | None = None
    ) -> Self:
        """Continue the last run of that name, which crashed or was stopped, with what it has used.

        Raises NoSuchRun where there is none, or where it was completed.
        """
        kept, now = store_of(store, server, token), SteadyClock()
        return cls(kept, kept.resume(name, now=now.now()), clock=now)

    def __init__(self, store: BudgetStore, held: Held, *, clock: SteadyClock) -> None:
        self.id = held.run.id
        self.name = held.run.name
        self.joined = held.joined
        self._store = store
        self._session = held.session
        self._clock = clock
        self._lock = threading.Lock()
        self._known = held.run
        self._known_at = self._opened_at = clock.now()
        self._owed = NOTHING_USED
        self._points: tuple[Point, ...] = ()
        self._advice = Advice.CONTINUE
        self._give_state: Callable[[], Any] | None = None
        self._over: RunRecord | None = None

    # --- what it uses ---------------------------------------------------------------------------------------------

    def record(self, tokens: int = 0, api_call: bool | int = False) -> None:  # noqa: FBT001, FBT002 - the public API
        """Add what was used: tokens, and an API call (a number for several). Durable when it returns."""
        if self._over is not None:
            raise InvalidInput(f'the run "{self.name}" is over', advice="record within its block")
        self._write(
            Usage(tokens=tokens, api_calls=int(api_call) if isinstance(api_call, bool) else api_call),
            now=self._clock.now(),
        )
        self._checkpoint_when_due()

    def usage(self) -> Mapping[Measure, Line]:
        """For each measure used, limit, percent and remaining: `run.usage()["tokens"].percent`."""
        return self.assessment().lines

    @property
    def state(self) -> BudgetState:
        """OK, Approaching or Exceeded."""
        return self.assessment().state

    def assessment(self) -> Assessment:
        """The state, which limits are approached or exceeded, and all figures."""
        return self.now().assessment()

    def now(self) -> RunRecord:
        """The run as it stands, with what other processes recorded. Where the store fails, as far as is known."""
        if self._over is not None:
            return self._over
        now = self._clock.now()
        try:
            # A question is a sign of life: the time that an answer counts is durable, so that no crash takes it back.
            self._write(NOTHING_USED, now=now)
            self._known = self._store.find(self.id, now=now, session=self._session)
            if self._known.stopped_by is Ending.RENEWED:
                self._join_next(now)
            self._known_at = now
        except HistoryUnavailable:
            since = 0.0 if self._known.ended else now - self._known_at
            return _with(self._known, self._owed + Usage(elapsed_s=since))
        return _with(self._known, self._owed)

    # --- whether to go on -----------------------------------------------------------------------------------------

    def should_continue(self, progress: float | None = None) -> bool:
        """Whether to go on, with so much of the work done (0 to 1; None: unknown, which is not nearly done)."""
        return self.advice(progress).go

    def advice(self, progress: float | None = None) -> Advice:
        """Continue, finish what is nearly done, stop gracefully with partial results, or stop. Raises InvalidInput."""
        done = checked_progress(progress)
        found = self._at(done)
        asked = found.stop_asked_at is not None or found.ended
        self._advice = should_continue(found.assessment(), done, found.limits.finish_percent, stop_asked=asked)
        self._checkpoint_when_due()
        return self._advice

    def completion_possible(self, progress: float) -> "Completion":
        """Whether the work can be completed within the limits: an estimate with its uncertainty.

        False as a truth value only where that is known to be impossible. The more often progress was told (here or to
        `should_continue`), the more is known.
        """
        from brownout.core.budget.completion import completion  # noqa: PLC0415 - it brings statistics along

        found = self._at(checked_progress(progress))
        return completion(found.limits, self._points)

    def raise_limits(self, **limits: Any) -> Limits:
        """Raise limits while it runs: `run.raise_limits(tokens=2_000_000, duration="2h")`, None takes one away."""
        higher = raised(self.now().limits, limits)
        self._known = self._store.set_limits(self.id, higher, now=self._clock.now())
        return higher

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def checkpoint(self, state: Any) -> Saved:
        """Keep a state (JSON, or bytes), whole or not at all. Raises InvalidInput, HistoryUnavailable."""
        made = self._store.checkpoint(self.id, encoded(state), now=self._clock.now(), session=self._session)
        self._known = replace(self._known, checkpoints=made.number, checkpoint_at=made.at)
        return _saved(made)

    def due(self) -> bool:
        """Whether the interval (`checkpoint_every` of the limits) has passed since the last checkpoint."""
        last_at = max(self._known.checkpoint_at or 0.0, self._opened_at)
        return checkpoint_due(self._known.limits, last_at=last_at, now=self._clock.now())

    def checkpoint_from(self, give_state: Callable[[], Any] | None) -> None:
        """From now on `record` and `should_continue` write a checkpoint of what this gives, whenever one is due."""
        self._give_state = give_state

    @property
    def last_checkpoint(self) -> Saved | None:
        """The newest checkpoint of this run; None where there is none."""
        found = self._store.last_checkpoint(self.id)
        return None if found is None else _saved(found)

    # --- the end --------------------------------------------------------------------------------------------------

    def end(self, ending: Ending | None = None) -> RunRecord:
        """End it; by the last advice where no ending is given. Others that have it open go on, and end it later."""
        asked = self._known.stop_asked_at is not None
        return self._leave(ending or ending_of(self._advice, stop_asked=asked))

    def leave(self) -> RunRecord:
        """Let go of it without ending it: it can be resumed."""
        return self._leave(None)

    def summary(self) -> str:
        """Used, limit, per cent, remaining, checkpoints, and what stopped it, for people."""
        return summary(self.now())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it. After an error it is only left, and the error is what the caller hears of."""
        if error is None:
            self.end()
            return
        with suppress(HistoryUnavailable):
            self.leave()

    def _write(self, used: Usage, *, now: Instant) -> None:
        """Write down what was used, and what could not be written before."""
        with self._lock:
            owed, self._owed = self._owed, NOTHING_USED
        whole = used if owed is NOTHING_USED else owed + used
        try:
            self._store.record(self.id, whole, now=now, session=self._session)
        except BaseException as error:
            with self._lock:  # where it cannot be known whether the store took it, too much is safer than too little
                self._owed += whole if isinstance(error, HistoryUnavailable) else owed
            raise

    def _leave(self, ending: Ending | None) -> RunRecord:
        if self._over is not None:
            return self._over
        now = self._clock.now()
        if self._owed is not NOTHING_USED:
            self._write(NOTHING_USED, now=now)
        self._over = self._store.leave(self.id, self._session, now=now, ending=ending)
        self._store.close()
        return self._over

    def _join_next(self, now: float) -> None:
        """The window of the run is over (`per: day` of an integration): from now on it is the next one of its name."""
        self._store.leave(self.id, self._session, now=now, ending=None)
        held = self._store.open(self.name, self._known.limits, now=now)
        self.id, self._session, self._known = held.run.id, held.session, held.run
        self._opened_at, self._points = now, ()

    def _at(self, progress: float | None) -> RunRecord:
        found = self.now()
        if progress is not None:
            with self._lock:
                self._points = added(self._points, Point(progress=progress, usage=found.usage))
        return found

    def _checkpoint_when_due(self) -> None:
        if self._give_state is not None and self.due():
            self.checkpoint(self._give_state())


def _with(run: RunRecord, more: Usage) -> RunRecord:
    return run if more == NOTHING_USED else replace(run, usage=run.usage + more)


def _saved(made: Checkpoint) -> Saved:
    return Saved(number=made.number, at=made.at, usage=made.usage, state=decoded(made.state))

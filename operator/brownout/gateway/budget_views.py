"""Budgets over REST: runs are shown, opened, told of usage, checkpointed, raised, asked to stop and ended.

The documents are those of core/budget/wire.py, which the library's client speaks too. Imported when somebody asks. The
store is only ever used in the thread of the desk. A run is named by its number, or by its name: then the newest of that
name is meant, which is how a program that serves an integration finds its run also when a new window has begun.
"""

import json
from collections.abc import Callable, Collection
from typing import Any, Final

from brownout.core.budget import wire
from brownout.core.budget.advice import should_continue
from brownout.core.budget.completion import Completion, completion, completion_document
from brownout.core.budget.document import limits_from, run_document
from brownout.core.budget.points import Point, added
from brownout.core.budget.run import NoSuchRun, RunRecord, checkpoint_due
from brownout.core.errors import InvalidInput
from brownout.core.instant import Instant
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.budgets import BudgetStore, Held
from brownout.gateway.documents import Document
from brownout.gateway.replies import Refusal

__all__ = ["BudgetViews"]

#: Runs whose progress is remembered, for the estimate; the one that was told of longest ago is forgotten.
_MOST_RUNS: Final = 100
_MOST_DIGITS: Final = 16

Work = Callable[[BudgetStore, Instant], Any]


class BudgetViews:
    """The documents of /v1/budgets. `now` is the time, `owned` gives the keys of integrations with a budget of theirs.

    All raise Refusal, and BrownoutError where the store cannot be used.
    """

    def __init__(self, desk: BudgetDesk, now: Callable[[], Instant], owned: Callable[[], Collection[str]]) -> None:
        self._desk = desk
        self._now = now
        self._owned = owned
        self._points: dict[int, tuple[Point, ...]] = {}

    async def runs(self, *, name: str | None, limit: int) -> Document:
        """The newest runs, newest first. Where nobody ever had a budget none is opened for the question."""
        if self._desk.empty:
            return {"items": []}
        found = await self._ask(lambda store, now: store.runs(now=now, name=name, most=limit))
        return {"items": [run_document(run) for run in found]}

    async def run(self, which: str, *, progress: float | None) -> Document:
        """One run, and what to do at so much progress."""
        return self._document(await self._about(which, lambda _store, run, _now: run), progress)

    async def last_checkpoint(self, which: str) -> Document:
        """The newest state that is sound."""
        kept = await self._about(which, lambda store, run, _now: store.last_checkpoint(run.id))
        if kept is None:
            raise Refusal(404, "this run has no checkpoint")
        return wire.checkpoint_document(kept, with_state=True)

    async def open(self, body: object) -> Document:
        """Begin a run, join the one of that name that has not ended, or resume the last one; for as long as the lease.

        What a spec says of an integration's run is said there alone.
        """
        wanted = _read(wire.opening_from, body)
        if wanted.fresh:
            self._not_owned(wanted.name, "its run begins anew with its window")

        def work(store: BudgetStore, now: Instant) -> Held:
            if wanted.resume:
                return store.resume(wanted.name, now=now, lease_s=wanted.lease_s)
            return store.open(wanted.name, wanted.limits, now=now, lease_s=wanted.lease_s, fresh=wanted.fresh)

        held = await self._ask(work)
        return wire.held_document(held.run, session=held.session, joined=held.joined)

    async def use(self, which: str, body: object, *, progress: float | None) -> Document:
        """Add what was used; the answer says how the run stands then, and what to do at this progress."""
        used, session = _read(wire.usage_from, body)

        def work(store: BudgetStore, run: RunRecord, now: Instant) -> RunRecord:
            store.record(run.id, used, now=now, session=session)
            return store.find(run.id, now=now)

        run = await self._about(which, work)
        if progress is not None:
            self._remember(run, progress)
        return self._document(run, progress)

    async def checkpoint(self, which: str, body: object) -> Document:
        """Keep a state, whole or not at all."""
        state, session = _read(wire.state_from, body)
        made = await self._about(
            which, lambda store, run, now: store.checkpoint(run.id, state, now=now, session=session)
        )
        return wire.checkpoint_document(made, with_state=False)

    async def set_limits(self, which: str, body: object) -> Document:
        """Other limits for those that are named; null lifts one."""

        def work(store: BudgetStore, run: RunRecord, now: Instant) -> RunRecord:
            self._not_owned(run.name, "raise spec.budget of the integration")
            return store.set_limits(run.id, limits_from(body, over=run.limits), now=now)

        return self._document(await self._about(which, work), None)

    async def stop(self, which: str, body: object) -> Document:
        """Ask a run to stop gracefully."""
        if body != {}:
            raise Refusal(400, "this takes no body", allowed="nothing, or {}")

        def work(store: BudgetStore, run: RunRecord, now: Instant) -> RunRecord:
            self._not_owned(run.name, "set spec.enabled: false of the integration")
            return store.ask_to_stop(run.id, now=now)

        return self._document(await self._about(which, work), None)

    async def leave(self, which: str, body: object) -> Document:
        """A client lets go of its session; with an ending the run is over too, unless somebody else works on it."""
        leaving = _read(wire.leaving_from, body)
        run = await self._about(
            which, lambda store, run, now: store.leave(run.id, leaving.session, now=now, ending=leaving.ending)
        )
        return self._document(run, None)

    async def end(self, which: str, body: object) -> Document:
        """End a run, whoever still has it open."""
        ending = _read(wire.ending_from, body)

        def work(store: BudgetStore, run: RunRecord, now: Instant) -> RunRecord:
            self._not_owned(run.name, "set spec.enabled: false of the integration")
            return store.end(run.id, now=now, ending=ending)

        return self._document(await self._about(which, work), None)

    # --- what they share -----------------------------------------------------------------------------------------

    async def _about(self, which: str, work: Callable[[BudgetStore, RunRecord, Instant], Any]) -> Any:
        """What the work makes of a run that is there."""
        if self._desk.empty:
            raise Refusal(404, "there is no run here yet")
        return await self._ask(lambda store, now: work(store, _found(store, which, now), now))

    async def _ask(self, work: Work) -> Any:
        now = self._now()
        try:
            return await self._desk.ask(lambda store: work(store, now))
        except NoSuchRun as error:
            raise Refusal(404, str(error)) from None
        except InvalidInput as error:
            raise Refusal(400, str(error)) from None

    def _not_owned(self, name: str, instead: str) -> None:
        """A budget that stands in a spec is its owner's, who changes it there."""
        if name in self._owned():
            raise Refusal(409, f"{name} is the run of an integration, whose spec has its budget", allowed=instead)

    def _document(self, run: RunRecord, progress: float | None) -> Document:
        """A run with what to do now, and with progress whether it can be completed."""
        asked = run.stop_asked_at is not None or run.ended
        advice = should_continue(run.assessment(), progress, run.limits.finish_percent, stop_asked=asked)
        last_at = run.checkpoint_at or run.opened_at
        return {
            **run_document(run),
            "advice": {"continue": advice.go, "what": advice.value, "progress": progress},
            "checkpointDue": not run.ended and checkpoint_due(run.limits, last_at=last_at, now=self._now()),
            "completion": completion_document(self._estimate(run, progress)) if progress is not None else None,
        }

    def _estimate(self, run: RunRecord, progress: float) -> Completion:
        known = self._points.get(run.id, ())
        told = known and known[-1].progress == progress
        return completion(run.limits, known if told else added(known, Point(progress=progress, usage=run.usage)))

    def _remember(self, run: RunRecord, progress: float) -> None:
        known = self._points.pop(run.id, ())
        self._points[run.id] = added(known, Point(progress=progress, usage=run.usage))
        while len(self._points) > _MOST_RUNS:
            del self._points[next(iter(self._points))]


def _found(store: BudgetStore, which: str, now: Instant) -> RunRecord:
    """The run of a number; of a name the newest. Raises NoSuchRun."""
    if which.isascii() and which.isdigit() and len(which) <= _MOST_DIGITS:
        return store.find(int(which), now=now)
    runs = store.runs(now=now, name=which, most=1)
    if not runs:
        raise NoSuchRun(f"there is no run of the name {json.dumps(which[:100])}")
    return runs[0]


def _read(reader: Callable[[object], Any], body: object) -> Any:
    """What a body means. Raises Refusal (400) with everything that is wrong with it."""
    try:
        return reader(body)
    except InvalidInput as error:
        raise Refusal(400, str(error)) from None

"""The switchboard: carries decisions out beside the loop, one plan at a time, and keeps the ledger of what was done.

A plan runs in a task of its own, so that a graceful stop of a minute holds up neither the next tick nor the
emergency. An emergency does not queue: its steps start at once, beside whatever is under way, and cut it short.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from brownout.api.policy import PolicySpec
from brownout.core.bookkeeping import (
    FAILED_REST_S,
    STALE_REST_S,
    failed,
    return_done,
    said,
    shed_done,
    succeeded,
)
from brownout.core.ledger import Ledger, Said
from brownout.core.plan import Decision, Step
from brownout.core.sample import Sample
from brownout.engine.actuate import Done, carry_out, carry_out_now, rehearse
from brownout.engine.ports import Inventory, OutcomeStatus, WorkloadDriver
from brownout.engine.world import World

# A program that would not end in an emergency is tried again so soon: the box may not have longer.
EMERGENCY_RETRY_S = 1.0


class Switchboard:
    """Owns the tasks that switch workloads. `ledger` is replaced, never changed; `wake` calls the planner."""

    def __init__(self, world: World, wake: Callable[[str], None]) -> None:
        self._world = world
        self._wake = wake
        self._plans: set[asyncio.Task[None]] = set()
        self._busy: dict[str, int] = {}
        self._rehearsed: tuple[tuple[str, str, str], ...] = ()
        self._emergency: set[str] = set()
        self._tried: dict[str, float] = {}  # when an emergency last tried to end what
        self.ledger = Ledger()

    @property
    def in_flight(self) -> frozenset[str]:
        """Keys that are being switched now."""
        return frozenset(self._busy)

    def carry_out(
        self, decision: Decision, inventory: Inventory, *, before: Callable[[Step], asyncio.Task[bool] | None]
    ) -> None:
        """Begin a plan in calm times: its steps one after the other. `before` writes ahead what a step will do."""
        self._begin(self._in_turn(decision, inventory, before), tuple(step.key for step in decision.steps))

    def carry_out_now(self, decision: Decision, inventory: Inventory, *, before: Callable[[Step], object]) -> None:
        """Begin an emergency: all steps at once, none that is already on its way."""
        for step in decision.steps:
            if step.key in self._emergency or not self._due(step.key):
                continue
            self._emergency.add(step.key)
            self._begin(self._at_once(decision, step, inventory), (step.key,))
            before(step)

    def _due(self, key: str) -> bool:
        """Whether an emergency may try it (again): once a second, however often the sentinel looks."""
        now = self._world.clock.now()
        due = now - self._tried.get(key, -EMERGENCY_RETRY_S) >= EMERGENCY_RETRY_S
        if due:
            self._tried[key] = now
        return due

    def part_with(self, key: str, driver: WorkloadDriver) -> None:
        """Begin to end what belongs to an integration that is no longer declared."""
        self._begin(driver.forget(key), (key,))

    async def rehearse(self, decision: Decision) -> None:
        """A dry run: the same plan recorded once, until it changes; no ledger, no cooldown, no workload."""
        wanted = tuple((step.key, step.action.value, step.level) for step in decision.steps)
        if wanted == self._rehearsed:
            return
        self._rehearsed = wanted
        for step in decision.steps:
            intent = await self._world.journal.intend(decision, step, dry_run=True)
            rehearse(self._world, decision, step, intent)

    async def drain(self, *, patience_s: float) -> None:
        """Wait for what is under way, then give it up."""
        if self._plans:
            await asyncio.wait(self._plans, timeout=patience_s)
        for task in tuple(self._plans):
            task.cancel()
        await asyncio.gather(*self._plans, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None], keys: tuple[str, ...]) -> None:
        for key in keys:
            self._busy[key] = self._busy.get(key, 0) + 1
        task = asyncio.create_task(work)
        self._plans.add(task)
        task.add_done_callback(lambda ended: self._end(ended, keys))

    def _end(self, task: asyncio.Task[None], keys: tuple[str, ...]) -> None:
        self._plans.discard(task)
        for key in keys:
            self._busy[key] -= 1
            if not self._busy[key]:
                del self._busy[key]
                self._emergency.discard(key)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._world.observers.on_fault("actuation", f"{type(error).__name__}: {error}")
        self._wake("a step has ended")

    async def _in_turn(
        self, decision: Decision, inventory: Inventory, before: Callable[[Step], asyncio.Task[bool] | None]
    ) -> None:
        for step in decision.steps:
            ahead = before(step)
            if ahead is not None:
                await ahead
            held = self.ledger.holds.get(step.key)
            replicas = held.replicas_before if held else None
            done = await carry_out(self._world, decision, step, inventory, replicas=replicas)
            await self._remember(decision, done, inventory)

    async def _at_once(self, decision: Decision, step: Step, inventory: Inventory) -> None:
        done = await carry_out_now(self._world, decision, step, inventory)
        await self._remember(decision, done, inventory)

    async def _remember(self, decision: Decision, done: Done, inventory: Inventory) -> None:
        """What a step has changed, in the ledger; and tell people."""
        step, outcome, now = done.step, done.outcome, self._world.clock.now()
        if outcome.status is OutcomeStatus.SKIPPED:
            self.ledger = failed(self.ledger, step.key, now=now, first_rest_s=STALE_REST_S)
            return
        fault = outcome.detail if outcome.status is OutcomeStatus.FAILED else ""
        words = Said(
            at=decision.at,
            reason=step.reason,
            message=step.message,
            id=done.intent,
            failed=fault,
            numbers=decision.numbers,
            frees_bytes=-step.delta_bytes if step.delta_bytes is not None and step.delta_bytes < 0 else None,
        )
        self.ledger = said(self.ledger, step.key, words)
        if fault:
            self.ledger = failed(self.ledger, step.key, now=now, first_rest_s=FAILED_REST_S)
        else:
            self.ledger = self._moved(succeeded(self.ledger, step.key), done, inventory.policy.spec)
        text = f"{step.message}; it failed: {fault}" if fault else step.message
        await self._world.home.announce(step.key, step.reason.value, text, warning=bool(fault) or step.action.sheds)

    def _moved(self, ledger: Ledger, done: Done, policy: PolicySpec) -> Ledger:
        now, settle_s = self._world.clock.now(), policy.stabilization.settle
        measured = _measured(ledger.sample, done.step.key)
        if not done.step.action.sheds:
            return return_done(ledger, done.step, now=now, measured=measured, settle_s=settle_s)
        held = ledger.holds.get(done.step.key)
        if held is not None and held.rung == done.step.to_rung:
            return ledger  # an emergency overtook a graceful stop: the first of the two to end has said it all
        return shed_done(
            ledger,
            done.step,
            now=now,
            stabilization=policy.stabilization,
            measured=measured,
            replicas_before=done.outcome.replicas_before,
        )


def _measured(sample: Sample | None, key: str) -> bool:
    """Whether this workload's memory is measured, and so is apart from the base load."""
    return sample is not None and key in sample.footprints

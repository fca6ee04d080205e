"""The switchboard: carries decisions out beside the loop, one plan at a time, and keeps the ledger of what was done.

A plan runs in a task of its own, so that a graceful stop of a minute holds up neither the next tick nor the
emergency. An emergency does not queue: its steps start at once, beside whatever is under way, and cut it short.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from brownout.api.integration import Integration
from brownout.api.workload import WorkloadKind
from brownout.core.bookkeeping import FAILED_REST_S, failed
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger, released
from brownout.core.member import Hold
from brownout.core.plan import Decision, Step
from brownout.engine.actuate import Course, Done, carry_out, carry_out_now, rehearsed
from brownout.engine.aftermath import taken_in, told
from brownout.engine.memory import identity_of
from brownout.engine.ports import Inventory, OutcomeStatus, WorkloadDriver
from brownout.engine.world import World

# How long a calm step waits until the home has written down what it will do. A home that is away must not keep the
# planner from acting; where it is the API server, the switch itself would not get through either.
AHEAD_S = 2.0
# People are told on a best effort; nothing is ever held up for that.
TELLING_S = 5.0
# An emergency looks up to ten times a second. What it could not stop it tries again, but not at every look.
AGAIN_S = 5.0
# What is there without its Integration, and stays when that is deleted.
OUTLIVES = (WorkloadKind.SCALE, WorkloadKind.SYSTEMD)
# What is given up at the end gets this long to notice.
GIVE_UP_S = 1.0

Before = Callable[[Step], asyncio.Task[bool] | None]  # writes ahead what a step will do


class Switchboard:
    """Owns the tasks that switch workloads. `ledger` is replaced, never changed; `wake` calls the planner.

    `under_way` are the steps that are being carried out: until they are done the ledger does not know of them, but the
    statuses and the emergency must.
    """

    def __init__(self, world: World, wake: Callable[[str], None]) -> None:
        self._world = world
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._ending = False
        self._rehearsed: tuple[tuple[str, str, str], ...] = ()
        self._again_at: dict[str, Instant] = {}
        self.under_way: dict[str, Step] = {}
        self.ledger = Ledger()

    @property
    def in_flight(self) -> frozenset[str]:
        """Keys that are being switched now."""
        return frozenset(self._busy)

    @property
    def worst(self) -> Ledger:
        """The ledger as an emergency must read it: what is being brought back or started stands there already."""
        ledger = self.ledger
        for key, step in self.under_way.items():
            ledger = ledger if step.action.sheds else released(ledger, key)
        return ledger

    def carry_out(self, decision: Decision, inventory: Inventory, *, before: Before) -> None:
        """Begin a plan in calm times: its steps one after the other."""
        left = [step.key for step in decision.steps]
        self._begin(self._in_turn(decision, inventory, before, left), left)

    def carry_out_now(self, decision: Decision, inventory: Inventory, *, before: Before) -> None:
        """Begin an emergency: all steps at once, none that an emergency is taking already."""
        now = self._world.clock.now()
        for step in decision.steps:
            if now >= self._again_at.get(step.key, 0.0):
                self._again_at[step.key] = math.inf
                self._begin(self._at_once(decision, step, inventory, before), [step.key])

    def part_with(self, key: str, integration: Integration, driver: WorkloadDriver, *, back: bool) -> None:
        """Begin to end what belongs to an integration that is no longer declared.

        `back`: what we hold down of it and what does not end with it goes back to its owner first, so that nothing
        stays off for ever by our hand.
        """
        self._again_at.pop(key, None)
        hold = self.ledger.holds.get(key)
        ours = hold is not None and not hold.by_owner and integration.spec.workload.kind in OUTLIVES
        self._begin(_part(key, integration, driver, hold if ours and back else None), [key])

    async def rehearse(self, decision: Decision) -> None:
        """A dry run: the same plan recorded once, until it changes; no ledger, no cooldown, no workload."""
        may_act = self._world.home.may_act
        plan = [(each, step) for each in decision.in_turn for step in each.steps if may_act(step.key)]
        wanted = tuple((step.key, step.action.value, step.level) for _, step in plan)
        if wanted == self._rehearsed:
            return
        self._rehearsed = wanted
        for each, step in plan:
            intent = await self._world.journal.intend(each, step, dry_run=True)
            rehearsed(self._world, each, step, intent)

    async def drain(self, *, patience_s: float) -> None:
        """Let the steps that are under way end, but begin no other; then give them up."""
        self._ending = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GIVE_UP_S)

    # --- tasks ---------------------------------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None], left: list[str]) -> None:
        """Do some work; `left` are the keys that it has in its hands, which it takes out as it is done with each."""
        self._busy.update(left)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._end(ended, left))

    def _end(self, task: asyncio.Task[None], left: list[str]) -> None:
        self._tasks.discard(task)
        self._busy -= Counter(left)
        left.clear()
        with self._world.contained("actuation"):
            if not task.cancelled():
                task.result()
        self._wake("a step has ended")

    # --- steps ---------------------------------------------------------------------------------------------------

    def _let_go(self, left: list[str], key: str, _: asyncio.Task[None]) -> None:
        """A step has ended: what a long plan has switched already is not being switched any more."""
        if key in left:
            left.remove(key)
            self._busy -= Counter((key,))

    async def _in_turn(self, decision: Decision, inventory: Inventory, before: Before, left: list[str]) -> None:
        """One switch after the other; a level that has to prove itself does so beside the next switch."""
        holds, carried = self.ledger.holds, set[asyncio.Task[None]]()
        try:
            for step in decision.steps:
                if self._ending:
                    break
                made = asyncio.Event()
                work = self._one(decision, step, inventory, before, planned_on=holds.get(step.key), made=made.set)
                task = asyncio.create_task(work)
                task.add_done_callback(partial(self._let_go, left, step.key))
                carried.add(task)
                await _made(task, made)
            await asyncio.gather(*carried)
        finally:
            for task in carried:
                task.cancel()
            await asyncio.gather(*carried, return_exceptions=True)

    async def _one(
        self,
        decision: Decision,
        step: Step,
        inventory: Inventory,
        before: Before,
        *,
        planned_on: Hold | None,
        made: Callable[[], None],
    ) -> None:
        with self._carrying(step):
            await self._carried(decision, step, inventory, before(step), planned_on=planned_on, made=made)

    async def _carried(
        self,
        decision: Decision,
        step: Step,
        inventory: Inventory,
        ahead: asyncio.Task[bool] | None,
        *,
        planned_on: Hold | None,
        made: Callable[[], None],
    ) -> None:
        if ahead is not None:
            await asyncio.wait((ahead,), timeout=AHEAD_S)
        done = await carry_out(
            self._world,
            decision,
            step,
            inventory,
            course=Course(
                replicas=planned_on.replicas_before if planned_on else None,
                overtaken=lambda: self._overtaken(step.key, planned_on),
                made=made,
            ),
        )
        await self._remember(decision, done, inventory)

    def _overtaken(self, key: str, planned_on: Hold | None) -> str:
        """A plan that waited its turn must not undo what an emergency has done meanwhile."""
        taken = self._again_at.get(key) == math.inf or self.ledger.holds.get(key) != planned_on
        return "it has been switched meanwhile" if taken else ""

    async def _at_once(self, decision: Decision, step: Step, inventory: Inventory, before: Before) -> None:
        with self._carrying(step):
            try:
                with self._world.contained("status"):
                    before(step)
                done = await carry_out_now(self._world, decision, step, inventory)
                await self._remember(decision, done, inventory)
            finally:
                self._again_at[step.key] = self._world.clock.now() + AGAIN_S
        if done.outcome.status is OutcomeStatus.DONE:
            del self._again_at[step.key]

    @contextmanager
    def _carrying(self, step: Step) -> Iterator[None]:
        """While a step is carried out. What goes wrong on the way is one failed step, tried again with patience."""
        self.under_way[step.key] = step
        try:
            yield
        except Exception:
            self.ledger = failed(self.ledger, step.key, now=self._world.clock.now(), first_rest_s=FAILED_REST_S)
            raise
        finally:
            if self.under_way.get(step.key) is step:  # not where an emergency has taken over
                del self.under_way[step.key]

    async def _remember(self, decision: Decision, done: Done, inventory: Inventory) -> None:
        """What a step has changed; and tell people. What was replaced or withdrawn meanwhile has no memory."""
        key = done.step.key
        current = self._world.home.inventory().integrations.get(key)
        if current is None or identity_of(current) != identity_of(inventory.integrations[key]):
            return
        now = self._world.clock.now()
        self.ledger = taken_in(self.ledger, decision, done, inventory.policy.spec, now=now)
        if done.outcome.status is not OutcomeStatus.SKIPPED:
            await self._announce(done)

    async def _announce(self, done: Done) -> None:
        warning = done.outcome.status is OutcomeStatus.FAILED or done.step.action.sheds
        with self._world.contained("home"):
            async with asyncio.timeout(TELLING_S):
                await self._world.home.announce(done.step.key, done.step.reason.value, told(done), warning=warning)


async def _made(step: asyncio.Task[None], made: asyncio.Event) -> None:
    """Return once a step's switch is made, or the step has ended without one; raises what it raised."""
    waiting = asyncio.create_task(made.wait())
    try:
        await asyncio.wait((step, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if step.done():
        step.result()


async def _part(key: str, integration: Integration, driver: WorkloadDriver, hold: Hold | None) -> None:
    if hold is not None:
        await driver.start(integration, next(iter(integration.spec.levels), None), replicas=hold.replicas_before)
    await driver.forget(key)

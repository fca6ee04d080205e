"""The controller: the planner's loop, the sentinel and the home's own work side by side; the end of one ends all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet

from brownout.core.errors import ControllerFault
from brownout.engine.hardware_watch import HardwareWatch
from brownout.engine.reconcile import Reconciler
from brownout.engine.sentinel import Reactions, Sentinel
from brownout.engine.training_watch import TrainingWatch
from brownout.engine.world import World

# Changes come in storms (an editor, a checkout, a burst of events); one tick for all that come within this time.
GATHER_S = 0.2
# In a storm without end half of the time is left to others, but who calls the planner never waits longer than this.
LONGEST_GATHER_S = 2.0
# A workload that is stopping when we end gets its own grace from its driver; this is for steps that hang elsewhere.
DRAIN_S = 5.0
# Below this the loop has not merely been busy: a machine under pressure may be late by some ticks.
ALIVE_WITHIN_INTERVALS = 3.0
ALIVE_WITHIN_S = 60.0

Service = Callable[[], Awaitable[object]]


class Controller:
    """Runs until it is stopped or one of its parts ends. `services` are the home's and gateway's own loops."""

    def __init__(self, world: World, services: Sequence[Service] = ()) -> None:
        self._world = world
        self._services = tuple(services)
        self._woken = asyncio.Event()
        self._cause = "start"
        self.reconciler = Reconciler(world, self.wake)
        self.training = TrainingWatch(world, self.reconciler)
        self.sentinel = Sentinel(
            world,
            lambda: self.reconciler.inventory.policy.spec,
            Reactions(emergency=self.reconciler.emergency, early=self.wake, pressed=self.training.give_way),
        )
        self._hardware = HardwareWatch(world, self.wake)
        self.ticks = 0
        self.ticks_missed = 0
        self._last_tick_s = 0.0

    def wake(self, cause: str) -> None:
        """Call the planner before its time."""
        self._cause = cause
        self._woken.set()

    async def run(self) -> None:
        """Run for ever. Cancelled, it drains: nothing is left half done, nothing that is ours keeps running."""
        try:
            async with asyncio.TaskGroup() as group:
                for service in self._services:
                    group.create_task(_endless(service))
                group.create_task(self._listen())
                group.create_task(self.sentinel.run())
                group.create_task(self.reconciler.load.run(self.wake))
                group.create_task(self.reconciler.health.run(self.wake))
                group.create_task(self.reconciler.budgets.run(self.wake))
                group.create_task(self._hardware.run())
                group.create_task(self.training.run())
                group.create_task(self._plan())
        finally:
            await self._drain()

    def faults(self) -> tuple[str, ...]:
        """Why the controller is not fit for work, in sentences; empty when it is."""
        late = () if self.alive() else ("the planner has not finished a tick in time",)
        waiting = () if self.reconciler.ticked_at is not None else ("the first tick is not done yet",)
        decision = self.reconciler.snapshot
        blind = (decision.outlook.why,) if decision and decision.outlook.measured_percent is None else ()
        return (*late, *waiting, *blind, *self._world.home.faults(), *self._world.journal.faults())

    def alive(self) -> bool:
        """Whether ticks still come: a green light while the loop hangs is worse than none (ollama 17408)."""
        silent_s = self._world.clock.now() - self.reconciler.passed_at
        return silent_s <= max(ALIVE_WITHIN_S, ALIVE_WITHIN_INTERVALS * self._interval_s)

    @property
    def _interval_s(self) -> float:
        return self.reconciler.inventory.policy.spec.interval

    async def _plan(self) -> None:
        await self._hardware.first_look()
        due = self._world.clock.now()
        while True:
            cause, self._cause = self._cause, "interval"
            self._woken.clear()
            await self._tick(cause)
            due = self._next_due(due)
            await self._until(due)

    async def _tick(self, cause: str) -> None:
        started = self._world.clock.now()
        with self._world.contained("tick"):  # a bug may cost a tick; the guard of the box goes on
            await self.reconciler.tick(cause)
            self.ticks += 1
        self._last_tick_s = self._world.clock.now() - started

    def _next_due(self, due: float) -> float:
        """The next tick on the grid of intervals; those that were slept through are counted, not caught up with."""
        interval, now = self._interval_s, self._world.clock.now()
        if now < due:
            return min(due, now + interval)  # a policy with a shorter interval is in force from now on
        missed = int((now - due) / interval)
        self.ticks_missed += missed
        return due + (missed + 1) * interval

    async def _until(self, due: float) -> None:
        """Sleep until the next tick is due, a settle time ends, or somebody wakes us."""
        pending = self.reconciler.board.ledger.pending
        now = self._world.clock.now()
        soonest = min(due, pending.deadline) if pending and pending.deadline > now else due
        try:
            async with asyncio.timeout(max(0.0, soonest - now)):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(min(LONGEST_GATHER_S, max(GATHER_S, self._last_tick_s)))

    async def _listen(self) -> None:
        while True:
            await self._world.home.changed()
            self.wake("change")

    async def _drain(self) -> None:
        await self.reconciler.board.drain(patience_s=DRAIN_S)
        written = await self.reconciler.reporter.finish(patience_s=DRAIN_S)
        await self.reconciler.budgets.close()
        drivers = {id(driver): driver for driver in self._world.drivers.values()}
        ends = await asyncio.gather(*(driver.close() for driver in drivers.values()), return_exceptions=True)
        closed = {which for which, end in zip(drivers, ends, strict=True) if not isinstance(end, BaseException)}
        if written:  # a home that does not answer is not waited for once more
            await self.reconciler.reporter.part(self._ended(closed), patience_s=DRAIN_S)
        await self._world.journal.close()

    def _ended(self, closed: AbstractSet[int]) -> tuple[str, ...]:
        """Keys of what ended with these drivers."""
        drivers, known = self._world.drivers, self.reconciler.inventory.integrations
        kinds = {kind for kind in self._world.mortal if kind in drivers and id(drivers[kind]) in closed}
        return tuple(key for key, found in known.items() if found.spec.workload.kind in kinds)


async def _endless(service: Service) -> None:
    """Run a service; one that ends takes the process along, so that a supervisor notices."""
    await service()
    raise ControllerFault("a service of the controller ended", advice="the controller is of no use without it")

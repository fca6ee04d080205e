"""A controller on fakes in virtual time: an hour of it takes milliseconds, and every moment is exact.

The machine has 100 GiB. A test builds one, lets time pass, and looks into the log of what the ports were asked.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus
from brownout.api.workload import WorkloadKind
from brownout.core.instant import Instant
from brownout.core.plan import Decision, Step
from brownout.core.sample import Sample
from brownout.engine.controller import Controller, Service
from brownout.engine.observers import BudgetDetails, Observers, StepDetails, TickDetails
from brownout.engine.ports import NOTHING, UNCHECKED, Outcome
from brownout.engine.world import World
from tests.builders import make_integration
from tests.engine.home import Home
from tests.engine.log import Log
from tests.engine.machine import Machine
from tests.fakes import FakeClock, FakeGauge, FakeJournal, FakeSensor
from tests.worlds import LIMIT

#: For `pytestmark`: the loop's time is virtual. Nothing here waits for the outside, so no idle rounds are needed; a
#: resolution of a power of two keeps unix seconds exact.
IN_VIRTUAL_TIME = [pytest.mark.asyncio, pytest.mark.looptime(noop_cycles=1, resolution=2.0**-20)]


class Journal(FakeJournal):
    """The fake journal, with a place in the log. `stuck_s` is what each intent waits, `error` is raised."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log
        self.stuck_s = 0.0
        self.error: Exception | None = None

    async def intend(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Keep an intent when the disk lets us."""
        await passing(self.stuck_s)
        return self._noted(f"intend {step.action} {step.key}", await super().intend(decision, step, dry_run=dry_run))

    def intend_now(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Keep an intent at once."""
        return self._noted(f"intend_now {step.key}", super().intend_now(decision, step, dry_run=dry_run))

    def resolve(self, intent: int, *, at: Instant, outcome: Outcome) -> None:
        """Note what came of it."""
        super().resolve(intent, at=at, outcome=outcome)
        self._noted(f"resolve {outcome.status}", 0)

    def add_sample(self, sample: Sample, levels: Any, served: Any = NOTHING, found: Any = UNCHECKED) -> None:
        """Keep a sample."""
        if self.error is not None:
            raise self.error
        super().add_sample(sample, levels, served, found)

    async def close(self) -> None:
        """The end."""
        self.log.add("close journal")
        await super().close()

    def _noted(self, text: str, number: int) -> int:
        if self.error is not None:
            raise self.error
        self.log.add(text)
        return number


class Watcher:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.ticks: list[TickDetails] = []
        self.steps: list[StepDetails] = []
        self.faults: list[tuple[str, str]] = []
        self.budgets: list[BudgetDetails] = []

    def on_tick(self, details: TickDetails) -> None:
        """Remember a tick."""
        self.ticks.append(details)

    def on_step(self, details: StepDetails) -> None:
        """Remember a step."""
        self.steps.append(details)

    def on_budget(self, details: BudgetDetails) -> None:
        """Remember how a run stands."""
        self.budgets.append(details)

    def on_fault(self, where: str, message: str) -> None:
        """Remember a fault."""
        self.faults.append((where, message))

    @property
    def causes(self) -> list[str]:
        """Why each tick came."""
        return [tick.cause for tick in self.ticks]

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        """Each step's integration, action and what came of it."""
        return [(one.step.key, one.step.action.value, one.outcome.status.value) for one in self.steps]


class Box:
    """The outside of a controller: home, machine, journal and clock, which outlive it."""

    def __init__(
        self, *integrations: Integration, base: float = 40.0, owned_by_others: bool = False, **policy: Any
    ) -> None:
        self.log = Log()
        self.home = Home(self.log, *integrations, **policy)
        self.machine = Machine(self.log, base=base, owned_by_others=owned_by_others)
        self.journal = Journal(self.log)
        self.clock = FakeClock()
        self.sensor = FakeSensor(self.machine.used_percent, limit_bytes=LIMIT)
        self.gauge = FakeGauge(self.machine.used_percent, limit_bytes=LIMIT)
        self.watcher = Watcher()

    def world(self, **changes: Any) -> World:
        """The world of a controller on it."""
        parts: dict[str, Any] = {
            "clock": self.clock,
            "home": self.home,
            "drivers": {WorkloadKind.COMMAND: self.machine},
            "sensor": self.sensor,
            "gauge": self.gauge,
            "journal": self.journal,
            "observers": Observers([self.watcher]),
        }
        return World(**{**parts, **changes})

    @asynccontextmanager
    async def controlled(self, services: Sequence[Service] = (), **changes: Any) -> AsyncIterator[Controller]:
        """A controller that runs while the block does, and is ended as by SIGTERM."""
        controller = Controller(self.world(**changes), services)
        running = asyncio.create_task(controller.run())
        try:
            yield controller
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    def sized(self, **sizes: float) -> "Box":
        """What each workload takes, in per cent."""
        for key, size in sizes.items():
            self.machine[key].size = size
        return self

    def up(self, *names: str) -> "Box":
        """They run already, with two replicas where that means something."""
        for name in names or self.home.known.integrations:
            self.machine[name].running, self.machine[name].run, self.machine[name].replicas = True, 1, 2
        return self

    def status(self, name: str) -> IntegrationStatus:
        """The status that stands written."""
        return self.home.statuses[name]

    @property
    def running(self) -> set[str]:
        """Who runs."""
        return {key for key, workload in self.machine.workloads.items() if workload.running}


def the_three(**voice: Any) -> tuple[Integration, ...]:
    """Give voice, which goes first, android, and the essential stubs."""
    return (
        make_integration("voice", uid="uid-voice", priority=10, **voice),
        make_integration("android", uid="uid-android", priority=20),
        make_integration("stubs", uid="uid-stubs", priority=1000, essential=True),
    )


def make_box(*, base: float = 40.0, voice: Mapping[str, Any] | None = None, **policy: Any) -> Box:
    """Make a box on which voice (10 %), android (8 %) and stubs (2 %) run since before the controller."""
    box = Box(*the_three(**(voice or {})), base=base, **policy)
    return box.sized(voice=10.0, android=8.0, stubs=2.0).up()


async def passing(for_s: float) -> None:
    """Let time pass."""
    if for_s > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await asyncio.Event().wait()


async def until(true: Callable[[], object], *, within_s: float = 600.0) -> float:
    """Let time pass until something is true; the time that it took. Fails where it does not come true."""
    began = now()
    while not true():
        assert now() - began < within_s, f"not true within {within_s} s"
        await passing(0.25)
    return now() - began


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()

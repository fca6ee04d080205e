"""Observers: they see everything and can hurt nobody."""

import logging

import pytest

from brownout.engine.observers import BudgetDetails, Observers, StepDetails, TickDetails
from tests.engine.world import IN_VIRTUAL_TIME, Watcher, make_box, passing

pytestmark = IN_VIRTUAL_TIME


class Broken:
    """An observer whose every answer is an error."""

    def on_tick(self, details: TickDetails) -> None:
        """Fail."""
        raise RuntimeError("tick")

    def on_step(self, details: StepDetails) -> None:
        """Fail."""
        raise RuntimeError("step")

    def on_budget(self, details: BudgetDetails) -> None:
        """Fail."""
        raise RuntimeError("budget")

    def on_fault(self, where: str, message: str) -> None:
        """Fail."""
        raise RuntimeError("fault")


async def test_an_observer_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the controller nor the observers after it; the log says so."""
    caplog.set_level(logging.CRITICAL, logger="brownout.engine.observers")
    box = make_box(base=65.0)
    box.machine["stubs"].unseen = OSError("no answer")
    async with box.controlled(observers=Observers([Broken(), box.watcher])) as controller:
        await passing(65.0)
        assert controller.ticks >= 3
    assert box.watcher.outcomes == [("voice", "Disable", "Done")]
    assert box.watcher.ticks
    assert box.watcher.faults


async def test_a_tick_tells_what_it_rested_on() -> None:
    """Cause, sample, decision, statuses, and how long each part took."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(1.0)
    (tick,) = box.watcher.ticks
    assert (tick.cause, tick.sample.memory_percent, tick.decision.rule) == ("start", 60.0, "within_limits")
    assert set(tick.statuses) == {"voice", "android", "stubs"}
    assert set(tick.durations_s) == {"observe", "decide", "act", "report"}
    assert tick.policy_status.memory_percent == 60.0


async def test_a_step_tells_how_long_it_took() -> None:
    """From its validation to its end, without waiting its turn."""
    box = make_box(base=65.0)
    box.machine["voice"].obeys_in_s = 12.0
    async with box.controlled():
        await passing(30.0)
    (step,) = box.watcher.steps
    assert step.duration_s == pytest.approx(12.0, abs=0.01)


async def test_an_observer_may_come_later() -> None:
    """The composition root adds to the list that it has given."""
    late: list[Watcher] = []
    box = make_box(base=40.0)
    async with box.controlled(observers=Observers(late)):
        await passing(5.0)
        late.append(box.watcher)
        await passing(30.0)
    assert len(box.watcher.ticks) == 1

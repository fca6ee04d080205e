"""Load that comes through the port: it wakes the planner, sheds before memory is short, and lets nothing return."""

from dataclasses import replace
from typing import Any

from brownout.api.reasons import Reason
from brownout.core.plan import Verdict
from brownout.core.triggers import Trigger
from brownout.engine.load_watch import LoadWatch, Seen
from brownout.engine.request_counts import RequestCounts
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until
from tests.fakes import FakeRequestMeter
from tests.worlds import POLICY, make_forecast, make_window

pytestmark = IN_VIRTUAL_TIME


class Traffic:
    """Requests to voice, two a second since an hour ago; `rate` and `response_ms` are changed as time passes."""

    def __init__(self, box: Box) -> None:
        self.meter = RequestCounts()
        self.rate, self.response_ms = 2, 50.0
        self._clock = box.clock
        for second in range(3600):
            self._count(box.clock.now() - 3600.0 + second)

    async def run(self) -> None:
        """A second's requests each second."""
        while True:
            await passing(1.0)
            self._count(self._clock.now())

    def _count(self, at: float) -> None:
        for _ in range(self.rate):
            self.meter.count("voice", at, response_ms=self.response_ms, failed=False)


def make_busy(*, base: float = 40.0, **policy: Any) -> tuple[Box, Traffic]:
    """Make a box whose voice is asked twice a second."""
    box = make_box(base=base, **policy)
    return box, Traffic(box)


async def near_the_edge(box: Box) -> None:
    """Let memory go between 74 and 78 % for half an hour, a look at every 10 s: 80 % is possible, not foreseen."""
    for level in (54.0, 58.0, 54.0, 58.0, 54.0, 58.0):
        box.machine.base = level
        await passing(300.0)


async def test_a_spike_calls_the_planner() -> None:
    """Within seconds, not at the next interval; and once, not at every look."""
    box, traffic = make_busy()
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await passing(605.0)
        traffic.rate = 10
        await passing(20.0)
    assert box.watcher.causes.count("requests have risen") == 1
    assert "voice" in box.running


async def test_a_spike_sheds_on_what_is_held_possible() -> None:
    """For half an hour memory is near 80 % and nothing goes; with a spike voice does, and it is said why."""
    box, traffic = make_busy(interval="10s")
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await near_the_edge(box)
        assert box.watcher.steps == []
        traffic.rate = 10
        await until(lambda: "voice" not in box.running, within_s=30.0)
        await passing(1.0)
    assert box.status("voice").reason is Reason.LOAD_SPIKE
    assert "requests/s, normal are 2.0; RAM 78.0 % now and up to 8" in (box.status("voice").message or "")


async def test_nothing_returns_while_a_spike_lasts() -> None:
    """It is calm for long, but requests are at five times the normal rate: voice waits, and the decision says so."""
    box, traffic = make_busy()
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await passing(5.0)
        box.machine.base = 65.0
        await until(lambda: "voice" not in box.running)
        box.machine.base = 30.0
        traffic.rate = 10
        await passing(900.0)
        assert "voice" not in box.running
        assert box.watcher.ticks[-1].decision.reason is Reason.LOAD_SPIKE
        assert "nothing returns while voice gets" in box.watcher.ticks[-1].decision.message
        traffic.rate = 2
        await until(lambda: "voice" in box.running, within_s=120.0)


async def test_an_integration_that_suffers_calls_the_planner() -> None:
    """Slow while memory is at the enable threshold: evidence of pressure (requirement D6)."""
    box, traffic = make_busy()
    box.machine.base = 50.0
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await passing(35.0)
        traffic.response_ms = 3000.0
        await passing(20.0)
    assert "an integration suffers from pressure" in box.watcher.causes


async def test_what_was_served_is_kept_with_each_sample() -> None:
    """Requests and the mean response since the sample before (requirement S7); of strangers nothing is kept."""
    box, traffic = make_busy()
    traffic.meter.count("stranger", box.clock.now(), response_ms=1.0, failed=False)
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await passing(95.0)
    assert all(set(served) == {"voice"} for served in box.journal.served)
    assert box.watcher.ticks[-1].readings["voice"].response_ms == 50.0


async def test_a_meter_that_fails_costs_its_triggers_alone() -> None:
    """It is told of, and memory is decided on as ever."""
    box, meter = make_box(base=40.0), FakeRequestMeter()
    meter.error = RuntimeError("a bug")
    async with box.controlled(requests=meter):
        await passing(65.0)
        box.machine.base = 65.0
        await until(lambda: "voice" not in box.running)
    assert ("load", "RuntimeError: a bug") in box.watcher.faults


async def test_without_requests_there_is_nothing_to_tell() -> None:
    """An idle watch wakes nobody."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(65.0)
    assert box.watcher.causes == ["start", "interval", "interval"]
    assert box.watcher.faults == []


async def test_a_daily_peak_wakes_the_planner_once() -> None:
    """What the outlook says of the day's pattern is a trigger, called for when it begins."""
    box, heard = make_box(base=40.0), list[str]()
    peak = replace(make_forecast(79.0), at=box.clock.now() + 600.0)
    seen = Seen(integrations={}, policy=POLICY, window=make_window("flat 40 x3"), peak=peak)
    watch = LoadWatch(box.world(), lambda: seen)
    watch.look(heard.append)
    watch.look(heard.append)
    assert heard == ["a daily peak is ahead"]
    (trigger,) = watch.triggers()
    assert isinstance(trigger, Trigger)
    assert trigger.reason is Reason.DAILY_PEAK_AHEAD


async def test_in_a_dry_run_a_spike_is_only_told() -> None:
    """It decides and records, and switches nothing off."""
    box, traffic = make_busy(mode="DryRun", interval="10s")
    async with box.controlled((traffic.run,), requests=traffic.meter):
        await near_the_edge(box)
        traffic.rate = 10
        await passing(60.0)
    assert "voice" in box.running
    assert Verdict.SHED in [tick.decision.verdict for tick in box.watcher.ticks]

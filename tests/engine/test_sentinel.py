"""The sentinel: how often it looks, what wakes it, and that nothing ends it."""

import pytest

from brownout.api.policy import PolicySpec
from brownout.engine.sentinel import Reactions, Sentinel
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing

pytestmark = IN_VIRTUAL_TIME


class Heard:
    """What a sentinel has set off."""

    def __init__(self, box: Box) -> None:
        self.emergencies: list[float] = []
        self.early: list[str] = []
        self.box = box

    def sentinel(self, policy: PolicySpec | None = None) -> Sentinel:
        """A sentinel that tells it."""
        reactions = Reactions(emergency=self.emergencies.append, early=self.early.append)
        return Sentinel(self.box.world(), lambda: policy or PolicySpec(), reactions)


async def test_it_looks_once_a_second_while_nothing_moves() -> None:
    """On a calm box a look per second, as the policy says."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(60.5)
        assert controller.sentinel.looks == 61


async def test_it_looks_faster_the_nearer_the_edge_and_the_faster_the_fill() -> None:
    """From 60 % upwards by 5 points a look the pauses shrink to a tenth of a second and no further."""
    heard = Heard(make_box(base=40.0))
    sentinel = heard.sentinel()
    pauses = []
    for _ in range(10):
        pauses.append(sentinel.look())
        await passing(pauses[-1])
        heard.box.machine.base += 5.0
    assert pauses[0] == 1.0
    assert pauses == sorted(pauses, reverse=True)
    assert min(pauses) == pytest.approx(0.1)


@pytest.mark.parametrize("slowest", ["200ms", "10s"])
async def test_the_policy_says_how_slow_it_may_be(slowest: str) -> None:
    """`sentinel.interval` is its pace on a calm box, live."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(1.5)
        box.home.set_policy(sentinel={"interval": slowest})
        await passing(1.5)
        before = controller.sentinel.looks
        await passing(20.0)
        assert controller.sentinel.looks - before == (100 if slowest == "200ms" else 2)


async def test_it_outlives_a_gauge_that_raises() -> None:
    """Garbage in /proc/meminfo ends no guard (earlyoom 378): it looks on, and acts when it can see again."""
    box = make_box(base=40.0)
    box.gauge.error = ValueError("garbage")
    async with box.controlled() as controller:
        await passing(29.5)
        assert controller.sentinel.looks == 30
        box.gauge.error = None
        box.machine.base = 76.0
        await passing(1.0)
    assert "android" not in box.running
    assert ("sentinel", "ValueError: garbage") in box.watcher.faults


async def test_it_outlives_a_bug_in_what_it_sets_off() -> None:
    """Whatever an emergency stumbles over, the next look comes."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(1.5)
        box.home.not_ours = None  # type: ignore[assignment]  # `in` raises: a bug of the home
        box.machine.base = 76.0
        await passing(5.0)
        box.home.not_ours = set()
        before = controller.sentinel.looks
        await passing(2.0)
        assert controller.sentinel.looks > before
    assert "android" not in box.running
    assert any(where == "sentinel" for where, _ in box.watcher.faults)


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -1.0, 1e308, None])
async def test_nonsense_is_no_emergency(nonsense: float | None) -> None:
    """What is no percentage sets nothing off."""
    heard = Heard(make_box(base=40.0))
    heard.box.gauge.measure = lambda: nonsense
    assert heard.sentinel().look() == 1.0
    assert (heard.emergencies, heard.early) == ([], [])


async def test_crossing_the_threshold_calls_the_planner_once() -> None:
    """Early on the way up, once for each crossing, not at every look above it."""
    heard = Heard(make_box(base=40.0))
    sentinel = heard.sentinel()
    for base in (40.0, 61.0, 62.0, 50.0, 65.0, 66.0):
        heard.box.machine.base = base
        sentinel.look()
    assert heard.early == ["memory crossed the disable threshold"] * 2
    assert heard.emergencies == []


async def test_the_planner_comes_within_a_second_of_the_crossing() -> None:
    """A tick out of turn sheds at once, 29 s before its time."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(1.5)
        box.machine.base = 65.0
        await passing(1.0)
    assert "voice" not in box.running
    assert "memory crossed the disable threshold" in box.watcher.causes


async def test_an_emergency_is_told_at_every_look() -> None:
    """As long as it is at 95 % or above; exactly on it counts."""
    heard = Heard(make_box(base=75.0))
    sentinel = heard.sentinel()
    for _ in range(3):
        sentinel.look()
    assert heard.emergencies == [95.0, 95.0, 95.0]
    assert len(heard.early) == 1

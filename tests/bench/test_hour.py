"""A compressed hour is the same hour: its policy keeps every ratio, and its load is the most eventful stretch."""

from __future__ import annotations

import pytest

from brownout.api.policy import PolicySpec
from tests.bench.hour import BEST, DEFAULT, LEARNT_TICKS, PACE, TICKS, compressed, eventful
from tests.bench.looks import Room

GIB = 2**30
ROOM = Room(size_bytes=2 * GIB)


def times(policy: PolicySpec) -> list[float]:
    """Every time by which a decision is made, in intervals."""
    waits = policy.window, policy.forecast.horizon, policy.stabilization.enable, policy.stabilization.settle
    return [each / policy.interval for each in waits]


@pytest.mark.parametrize("policy", [DEFAULT, BEST])
def test_a_compressed_policy_keeps_its_ratios(policy: PolicySpec) -> None:
    """Of times to the interval, and of what an interval of pressure costs to what a switch costs; it is sound."""
    short = PolicySpec.model_validate(compressed(policy, ROOM))
    assert short.interval == PACE.tick_s
    assert times(short) == pytest.approx(times(policy))
    was, now = ((each.decide.costs.pressure * each.interval, each.decide.costs.switch) for each in (policy, short))
    assert now[0] / now[1] == pytest.approx(was[0] / was[1])
    assert (short.decide.strategy, short.restore.strategy) == (policy.decide.strategy, policy.restore.strategy)


def test_thresholds_are_of_the_room_whatever_lies_below_it() -> None:
    """With a floor the thresholds are other percentages of a larger budget, and the same bytes above the floor."""
    room = Room(size_bytes=2 * GIB, floor_bytes=GIB)
    short = PolicySpec.model_validate(compressed(DEFAULT, room))
    found = [short.thresholds.enable, short.thresholds.disable, short.thresholds.emergency]
    above = [room.percent(each / 100.0 * (short.memory_budget or 0)) for each in found]
    assert above == pytest.approx([65.0, 80.0, 95.0], abs=0.01)


def test_the_load_is_the_stretch_with_most_crossings() -> None:
    """Crossings count in the scored part alone; of equal stretches the earliest is taken, which ends with the last."""
    calm, busy = [40.0] * 500, [40.0, 60.0] * 10
    assert eventful([*calm, *busy, *calm]) == tuple([*calm, *busy][-TICKS:])
    assert eventful([*calm, *calm]) == tuple(calm[:TICKS])
    assert eventful([*busy, *calm])[LEARNT_TICKS:] == (40.0,) * (TICKS - LEARNT_TICKS)

"""What levels are worth in the simulator: quality before silence, with the service of a level valued as it is declared.

Other policies are measured in tests/bench/levels.py.
"""

from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.score import score
from brownout.simulate.traces import base_as_it_is
from tests.bench.levels import DAY_TICKS, LEVELED, scored
from tests.simulate.test_goals import DEFAULT


def test_a_day_with_levels_costs_less_than_the_same_day_without() -> None:
    """By a fifth at least, with no more time over the threshold."""
    day = generated(Family.DAILY, seed=1, ticks=DAY_TICKS)
    without, with_them = (scored(day, DEFAULT, things) for things in (THE_FOUR, LEVELED))
    assert with_them.j < 0.8 * without.j
    assert with_them.minutes_80 <= without.minutes_80


def test_nobody_goes_before_everybody_has_been_lowered() -> None:
    """At each tick on which something is off, all that may be lowered is lowered or off: pressure lowers first."""
    plant = Plant(things=LEVELED)
    steps = generated(Family.STEPS, seed=1, ticks=480)
    record = run(plant, base_as_it_is(steps), Ours("ours", DEFAULT, integrations_of(plant.things)))
    off = [tick for tick in record.ticks if tick.rungs[0] == plant.things[0].off]
    assert all(min(tick.rungs[:3]) >= 1 for tick in off)
    assert any(tick.rungs[:3] == (1, 1, 1) for tick in record.ticks) or any(tick.rungs[0] == 1 for tick in record.ticks)
    assert score(record).minutes_95 == 0.0

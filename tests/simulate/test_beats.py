"""What the beat of a load is worth to the whole: the same box, with it and without."""

from dataclasses import replace
from unittest import mock

from brownout.api.policy import PolicySpec
from brownout.core.forecasting.beat import Bends
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant
from brownout.simulate.score import Score, score
from tests.core.forecasting.series import make_ramps, make_walk
from tests.simulate.boxes import make_base

#: A load that bends every 5 minutes of the clock, between 30 and 72 %, over 30 hours; and one that bends at any time.
ON_THE_CLOCK = [30.0 + 0.7 * (value - 20.0) for value in make_ramps(3600, every=10, seed=3)]
AT_ANY_TIME = [30.0 + 0.5 * value for value in make_walk(2000, seed=2, step=2.0)]


def _scored(values: list[float]) -> Score:
    warm = 600
    base = replace(make_base(*values[warm:]), past=tuple(values[:warm]))
    ours = Ours("thresholds", PolicySpec(), integrations_of(THE_FOUR))
    ours.warm_up(base.past, THE_FOUR)
    return score(run(Plant(), base, ours))


def _both(values: list[float]) -> tuple[Score, Score]:
    """Give the score with the beat and the one without."""
    with mock.patch.object(Bends, "ahead", return_value=None):
        without = _scored(values)
    return _scored(values), without


def test_on_the_clock_most_crossings_are_met_before_they_happen() -> None:
    """Minutes at 80 % and over fall by more than half; neither flips nor lost service rise by over 6 %, and it pays."""
    known, unknown = _both(ON_THE_CLOCK)
    assert unknown.minutes_80 > 20.0
    assert known.minutes_80 < 0.5 * unknown.minutes_80
    assert known.flips <= 1.06 * unknown.flips
    assert known.lost_weighted <= 1.06 * unknown.lost_weighted
    assert known.j < unknown.j


def test_a_load_without_a_beat_is_met_as_before() -> None:
    """Nothing changes, to the last flip."""
    known, unknown = _both(AT_ANY_TIME)
    assert unknown.flips > 0.0
    assert known == unknown

"""The family: laws that hold for each forecaster, whatever it believes."""

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.forecasting.average import Average
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.holt import Holt
from brownout.core.forecasting.last_value import LastValue
from brownout.core.forecasting.line import SmoothedLine
from brownout.core.forecasting.median import Median
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import candidates, distances
from brownout.core.linear import fit
from tests.core.forecasting.series import make_walk, walked
from tests.worlds import NOW

STEPS = distances(10)
FAMILY = candidates(Forecasting(), STEPS)
EACH = pytest.mark.parametrize("forecaster", FAMILY, ids=lambda each: each.model.value)
PERCENTS = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40)


def test_the_last_value_is_the_first_candidate() -> None:
    """The others are measured against it, and it speaks where nothing is known; a pinned line has it beside it too."""
    pinned = candidates(Forecasting.model_validate({"model": "Linear"}), STEPS)
    assert isinstance(FAMILY[0], LastValue)
    assert [each.model for each in pinned] == [Model.LAST_VALUE, Model.LINEAR]


def test_forecasts_are_made_near_half_way_and_at_the_horizon() -> None:
    """For ten steps at 1, 5 and 10; a horizon of one step has just that."""
    assert [distances(count) for count in (1, 2, 3, 10, 50)] == [(1,), (1, 2), (1, 3), (1, 5, 10), (1, 25, 50)]


@EACH
@settings(max_examples=20)
@given(values=PERCENTS, later=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=10))
def test_it_never_sees_the_future(forecaster: Forecaster, values: list[float], later: list[float]) -> None:
    """Whatever comes later changes nothing that was foretold before."""
    _, alone = walked(forecaster, values, STEPS[-1])
    _, longer = walked(forecaster, [*values, *later], STEPS[-1])
    assert longer[: len(values)] == alone


@EACH
@settings(max_examples=20)
@given(values=PERCENTS, steps=st.sampled_from(STEPS))
def test_it_is_finite(forecaster: Forecaster, values: list[float], steps: int) -> None:
    """Of any percentages comes a number, before it has learnt anything too."""
    _, said = walked(forecaster, values, steps) if steps == STEPS[-1] else walked(forecaster, values, STEPS[-1])
    assert all(math.isfinite(value) for value in said)


@EACH
def test_it_is_a_value(forecaster: Forecaster) -> None:
    """Learning gives a successor and leaves it as it was; what it was fed twice gives the same."""
    before = copy.deepcopy(forecaster)
    first, second = (walked(forecaster, make_walk(50), STEPS[-1]) for _ in range(2))
    assert forecaster == before
    assert first == second


@EACH
@given(level=st.floats(0.0, 100.0))
@settings(max_examples=10)
def test_what_stands_still_stays(forecaster: Forecaster, level: float) -> None:
    """Of a series that has never moved each foretells that it will not."""
    _, said = walked(forecaster, [level] * 40, STEPS[-1])
    assert said == pytest.approx([level] * 40, abs=1e-6)


def test_an_average_is_the_running_mean() -> None:
    """Simple exponential smoothing: each value with its share, what came before with the rest."""
    _, said = walked(Average(0.5), [10.0, 20.0, 40.0], 10)
    assert said == [10.0, 15.0, 27.5]


def test_a_median_ignores_a_spike() -> None:
    """One value of nine that is far off does not move it."""
    _, said = walked(Median(9), [50.0] * 8 + [99.0], 10)
    assert said[-1] == 50.0


def test_a_damped_trend_never_adds_more_than_five_steps_of_it() -> None:
    """At 0.8 damping the trend adds up to 0.8 / 0.2 = 4 and a bit of its steps, however far ahead (Gardner 1985)."""
    ramp = [float(value) for value in range(40)]
    _, said = walked(Holt(), ramp, 1000)
    assert ramp[-1] < said[-1] < ramp[-1] + 5.0


def test_a_series_that_begins_anew_has_no_trend() -> None:
    """A jump over a gap is no trend, and the forecast of before is not smoothed into that of after."""
    for forecaster in (Holt(), SmoothedLine(train_on=50, smoothing=0.7, steps=STEPS)):
        learnt, _ = walked(forecaster, [20.0, 25.0, 30.0], STEPS[-1])
        _, said = walked(learnt, [80.0], STEPS[-1])
        assert said == [80.0]


def test_a_line_is_the_least_squares_fit_smoothed() -> None:
    """Without smoothing it is the line of core/linear.py through the last points."""
    walk, train_on = make_walk(60), 50
    _, said = walked(SmoothedLine(train_on=train_on, smoothing=1.0, steps=STEPS), walk, 10)
    points = tuple((NOW + 30.0 * index, value) for index, value in enumerate(walk))[-train_on:]
    assert said[-1] == pytest.approx(fit(points).value(points[-1][0] + 300.0))

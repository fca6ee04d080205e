"""Residuals: a bounded memory of errors, its quantiles, and the chances that follow."""

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.core.forecasting.path import Path, Spread
from brownout.core.forecasting.residuals import KEPT
from tests.worlds import make_dice, make_path, make_residuals

ERRORS = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=60)


@given(errors=ERRORS, distance=st.floats(-60.0, 60.0))
def test_the_chance_is_a_count(errors: list[float], distance: float) -> None:
    """The share of errors at or above a distance, half an error drawn in from 0 and 1."""
    above = sum(error >= distance for error in errors)
    assert make_residuals(*errors).at_or_above(distance) == pytest.approx((above + 0.5) / (len(errors) + 1.0))


@given(errors=ERRORS, share=st.floats(0.0, 1.0))
def test_the_quantile_is_numpys(errors: list[float], share: float) -> None:
    """Between two errors in proportion, as everybody's linear quantile."""
    assert make_residuals(*errors).quantile(share) == pytest.approx(float(np.quantile(errors, share)), abs=1e-9)


@given(errors=ERRORS, data=st.data())
def test_order_of_time_does_not_matter(errors: list[float], data: st.DataObject) -> None:
    """As long as none has been forgotten, only sizes count."""
    other = data.draw(st.permutations(errors))
    assert make_residuals(*errors).ordered == make_residuals(*other).ordered


@settings(max_examples=15)
@given(errors=st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=KEPT, max_size=KEPT + 60))
def test_memory_is_bounded(errors: list[float]) -> None:
    """The last 300 are kept, in order of time and of size, however many are alike."""
    residuals = make_residuals(*errors)
    assert residuals.recent == tuple(errors[-KEPT:])
    assert residuals.ordered == tuple(sorted(errors[-KEPT:]))


@given(errors=ERRORS, low=st.floats(-60.0, 60.0), high=st.floats(-60.0, 60.0))
def test_a_higher_level_is_never_likelier(errors: list[float], low: float, high: float) -> None:
    """The chance falls with the level, and stays between 0 and 1 without reaching them."""
    residuals, (low, high) = make_residuals(*errors), sorted((low, high))
    assert 0.0 < residuals.at_or_above(high) <= residuals.at_or_above(low) < 1.0


def test_what_it_promises_comes_about() -> None:
    """With exchangeable errors the truth lies at or above a level as often as said: 2000 draws, within 3 points."""
    dice, said, came = make_dice(), [], []
    for _ in range(2000):
        *past, new = (dice.gauss(0.0, 3.0) for _ in range(61))
        said.append(make_residuals(*past).at_or_above(2.0))
        came.append(float(new >= 2.0))
    assert fmean(said) == pytest.approx(fmean(came), abs=0.03)


def test_a_path_lies_between_its_spreads() -> None:
    """At 1, 5 and 10 steps ahead it is known; between them chances are taken in proportion."""
    residuals = make_residuals(*[0.0] * 40)
    spreads = tuple(Spread(steps=steps, value=value, residuals=residuals) for steps, value in ((1, 0), (5, 0), (10, 9)))
    path = Path(step_s=30.0, spreads=spreads, highest=spreads[-1])
    chances = path.at_or_above(5.0)
    low, high = 0.5 / 41.0, 40.5 / 41.0
    assert chances == pytest.approx([low] * 5 + [low + (high - low) * part / 5 for part in range(1, 6)])
    assert path.steps == 10


@given(values=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=10), by=st.floats(-20.0, 20.0))
def test_something_constant_shifts_a_spread(values: list[float], by: float) -> None:
    """What is on adds to every level alike."""
    for spread in make_path(*values).spreads:
        assert spread.shifted(by).quantile(0.9) == pytest.approx(spread.quantile(0.9) + by)

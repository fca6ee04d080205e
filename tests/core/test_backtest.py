"""The rolling backtest: replayed on nothing but what was known then."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brownout.core.backtest import Backtest, backtest
from brownout.core.linear import fit
from brownout.core.window import Point
from tests.worlds import NOW

VALUES = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60)


def _points(values: list[float], *, step_s: float = 30.0) -> tuple[Point, ...]:
    return tuple((NOW + step_s * index, value) for index, value in enumerate(values))


@example(values=[float(index * index % 97) for index in range(60)], ahead=10, train_on=20)
@given(values=VALUES, ahead=st.integers(1, 12), train_on=st.integers(10, 50))
def test_it_equals_fitting_again_at_each_origin(values: list[float], ahead: int, train_on: int) -> None:
    """The running sums give what a fresh fit on the points known then would have given."""
    points = _points(values)
    found = backtest(points, ahead=ahead, train_on=train_on, min_samples=10)
    slow = [
        abs(fit(points[max(0, end - train_on) : end]).value(points[end - 1 + ahead][0]) - points[end - 1 + ahead][1])
        for end in range(10, len(points) - ahead + 1)
    ]
    assert found.line == pytest.approx(slow, abs=1e-6)
    assert found.last_value == tuple(
        abs(points[end - 1][1] - points[end - 1 + ahead][1]) for end in range(10, len(points) - ahead + 1)
    )


@given(values=VALUES, later=st.lists(st.floats(0.0, 100.0), max_size=10))
def test_the_future_changes_no_past_error(values: list[float], later: list[float]) -> None:
    """What is learned later adds errors behind those that stand; it changes none of them."""
    before = backtest(_points(values), ahead=10, train_on=50, min_samples=10)
    after = backtest(_points([*values, *later]), ahead=10, train_on=50, min_samples=10)
    assert after.line[: before.resolved] == before.line
    assert after.last_value[: before.resolved] == before.last_value


def test_only_resolved_origins_count() -> None:
    """With 10 samples to learn from and 10 ahead, the 20th sample resolves the first forecast."""
    counts = [backtest(_points([50.0] * n), ahead=10, train_on=50, min_samples=10).resolved for n in (0, 19, 20, 60)]
    assert counts == [0, 0, 1, 41]


def test_where_nothing_moves_nobody_is_better() -> None:
    """A flat series gives the line no credit: its ratio is 1."""
    assert backtest(_points([50.0] * 60), ahead=10, train_on=50, min_samples=10).ratio == 1.0
    assert Backtest().ratio == 1.0


def test_a_straight_ramp_earns_its_keep() -> None:
    """On a straight ramp the line errs by nothing and last-value by the whole rise."""
    found = backtest(_points([20.0 + index for index in range(60)]), ahead=10, train_on=50, min_samples=10)
    assert found.ratio == pytest.approx(0.0, abs=1e-9)
    assert set(found.last_value) == {10.0}


@given(step_s=st.sampled_from([0.1, 1.0, 30.0, 3600.0]))
def test_any_interval_gives_the_same_errors(step_s: float) -> None:
    """Errors are of values, so a faster or a slower clock changes none."""
    values = [50.0 + 10.0 * math.sin(index / 3.0) for index in range(60)]
    usual = backtest(_points(values), ahead=10, train_on=50, min_samples=10)
    other = backtest(_points(values, step_s=step_s), ahead=10, train_on=50, min_samples=10)
    # Unix seconds as floats are 0.2 us apart, which is 2e-6 of a tenth of a second.
    assert other.line == pytest.approx(usual.line, abs=1e-4)

"""Regressions: they find the law of a series, mean here what they mean in the core, and never look ahead."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.core.forecasting.champions import Regression
from brownout.core.forecasting.signals import FEATURES, Signals
from brownout.core.forecasting.trained import Trained
from brownout.core.linear import fit as closed_form
from brownout.training.backtest import Cuts, band_of
from brownout.training.fit import MOST_ROWS, fitted, line_at
from brownout.training.regression import regression_of
from brownout.training.series import Rows, evenly
from brownout.training.study import Study
from tests.training.series import START, STEP_S, STEPS, autoregressive, daily, day, points_of
from tests.worlds import make_dice


def rows_of(points: list[tuple[float, float]]) -> Rows:
    """Rows for 1, 5 and 10 steps."""
    return Rows.of(points, step_s=STEP_S, steps=STEPS)


def study_of(points: list[tuple[float, float]]) -> Study:
    """A study of a history."""
    rows = rows_of(points)
    return Study(rows=rows, cuts=Cuts.of(rows), steps=STEPS, confidence_percent=90.0)


@given(st.lists(st.floats(0.0, 100.0), min_size=50, max_size=50), st.floats(1.6e9, 1.9e9), st.floats(60.0, 3600.0))
@settings(max_examples=50)
def test_the_users_rule_is_the_closed_form(values: list[float], start: float, ahead_s: float) -> None:
    """LinearRegression on the last 50 samples is what core draws, within 1e-9 of the size of the numbers (F1)."""
    points = [(start + 30.0 * place, value) for place, value in enumerate(values)]
    at = points[-1][0] + ahead_s
    ours, theirs = closed_form(points).value(at), line_at(points, at)
    assert abs(ours - theirs) <= 1e-9 * max(1.0, abs(theirs), *values)


@pytest.mark.parametrize("kind", list(Regression))
@pytest.mark.parametrize("steps", STEPS)
def test_it_finds_an_autoregression(kind: Regression, steps: int) -> None:
    """Of a distance from the level 0.9^h is left after h steps: nobody can know more, and each kind finds it."""
    points = autoregressive(6000)
    rows = rows_of(points)
    made = fitted(kind, rows, steps, rows.known(steps, since=0.0, until=START + 4000 * STEP_S))
    assert made is not None
    later = rows.known(steps, since=START + 4000 * STEP_S, until=float("inf"))
    best = 50.0 + 0.9**steps * (rows.value - 50.0)
    error = np.abs(rows.later[steps] - made.foretold(rows))[later].mean()
    assert error <= 1.03 * np.abs(rows.later[steps] - best)[later].mean()


@pytest.mark.parametrize("profile", [(), tuple(float(place % 7) for place in range(96))], ids=["lags", "time of day"])
def test_what_is_fitted_means_the_same_in_the_core(profile: tuple[float, ...]) -> None:
    """Training's arithmetic on rows and the forecaster's on signals agree in each point."""
    points = daily(300)
    rows = rows_of(points)
    made = fitted(Regression.RIDGE, rows, 10, rows.known(10, since=0.0, until=float("inf")), profile)
    assert made is not None
    core = Trained(
        steps=(10,), step_s=STEP_S, coefficients=(made.coefficients,), intercepts=(made.intercept,), profile=profile
    )
    signals, said = Signals(), []
    for at, value in points:
        signals = signals.add(at, value)
        said.append(core.ahead(signals, 10))
    assert said == pytest.approx(made.foretold(rows).tolist(), abs=1e-9)
    assert len(made.coefficients) == len(FEATURES) + bool(profile)


@pytest.mark.parametrize("kind", list(Regression))
def test_a_series_that_stands_still_stays(kind: Regression) -> None:
    """Nothing moves: no change is foretold, or no solution found; never nonsense."""
    rows = rows_of(points_of(lambda _: 42.0, 800))
    made = fitted(kind, rows, 10, rows.known(10, since=0.0, until=float("inf")))
    assert made is None or made.foretold(rows).tolist() == pytest.approx([42.0] * 800)


def test_rows_break_where_the_series_does() -> None:
    """After a gap nothing is known of before: features begin anew, and no forecast reaches over it."""
    points = autoregressive(40)
    gap = [*points[:20], *((at + 3600.0, value) for at, value in points[20:])]
    rows = rows_of(gap)
    assert np.isnan(rows.later[10][10:20]).all()
    assert np.isfinite(rows.later[10][:10]).all()
    alone = rows_of(points[20:])
    assert rows.features[20:].tolist() == alone.features.tolist()


@given(st.lists(st.floats(-10.0, 200.0), min_size=1, max_size=80), st.floats(1.0, 60.0))
def test_points_come_in_even_steps(jumps: list[float], step_s: float) -> None:
    """What comes too early, or out of turn, is passed over; to take them again changes nothing."""
    instants = np.cumsum(jumps).tolist()
    even = list(evenly([(at, 1.0) for at in instants], step_s))
    assert all(b[0] - a[0] >= 0.9 * step_s for a, b in pairwise(even))
    assert list(evenly(even, step_s)) == even


@given(st.integers(0, 2**32), st.sampled_from([0.55, 0.7]))
@settings(max_examples=15, deadline=None)
def test_no_part_sees_the_future(seed: int, share: float) -> None:
    """Whatever comes after a cut, what was learnt before it is the same: shuffle the future, and nothing changes."""
    points = autoregressive(900)
    cut = int(share * len(points))
    future = [value for _, value in points[cut:]]
    make_dice(seed).shuffle(future)
    shuffled = [*points[:cut], *((at, value) for (at, _), value in zip(points[cut:], future, strict=True))]
    learnt = []
    for history in (points, shuffled):
        study = study_of(history)
        part = study.cuts.learn if share == 0.55 else study.cuts.both
        learnt.append(fitted(Regression.LINEAR, study.rows, 10, part(study.rows, 10)))
    assert learnt[0] is not None
    assert learnt[0] == learnt[1]


def test_the_choice_does_not_see_what_it_is_judged_by() -> None:
    """Another newest part gives another record, but the same champion."""
    points = autoregressive(1200)
    cut = int(0.7 * len(points))
    other = [*points[:cut], *((at, 100.0 - value) for at, value in points[cut:])]
    first, second = (regression_of(study_of(each), None, made_at=START)[0] for each in (points, other))
    assert first.records != second.records
    assert (first.regression, first.coefficients) == (second.regression, second.coefficients)


def test_it_beats_the_last_value_where_the_level_draws() -> None:
    """On AR(1) the best that can be known is 0.82 of last-value's error: the record says so, and its band holds."""
    champion, figures = regression_of(study_of(autoregressive(6000)), None, made_at=START)
    horizon = champion.records[-1]
    # E|x_h - 0.9^h x| / E|x_h - x| = sqrt((1 - 0.81^h) / (2 - 2 * 0.9^h)), which is 0.821 for h = 10.
    assert horizon.ratio == pytest.approx(0.821, abs=0.04)
    assert horizon.coverage_percent == pytest.approx(90.0, abs=4.0)
    assert {each.name for each in figures} == {"linear", "ridge", "huber", "median"}
    assert champion.profile == ()


def test_the_time_of_day_is_taken_where_it_tells_something() -> None:
    """On a day that repeats, a regression that knows the profile is the one that is chosen."""
    profile = tuple(day((place + 0.5) * 30) for place in range(96))
    champion, figures = regression_of(study_of(daily(9000, noise=0.05)), profile, made_at=START)
    assert champion.profile == profile
    assert len(figures) == 8


def test_many_rows_are_thinned() -> None:
    """More than 20 000 rows bring time, not knowledge: evenly every second one is taken."""
    rows = rows_of(autoregressive(MOST_ROWS + 500))
    known = rows.known(1, since=0.0, until=float("inf"))
    thin = np.zeros_like(known)
    thin[np.flatnonzero(known)[::2]] = True
    assert fitted(Regression.LINEAR, rows, 1, known) == fitted(Regression.LINEAR, rows, 1, thin)


@given(st.lists(st.floats(-50.0, 50.0), min_size=40, max_size=200))
def test_the_band_holds_what_it_promises_of_its_own(residuals: list[float]) -> None:
    """At least 90 % of the residuals from which it was made lie inside."""
    lower, upper = band_of(np.array(residuals), 90.0)
    assert sum(lower <= each <= upper for each in residuals) >= 0.9 * len(residuals)

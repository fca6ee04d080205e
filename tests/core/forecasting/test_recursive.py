"""Recursive least squares: it is the batch fit with fading weights, and nothing drives it out of bounds."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brownout.core.forecasting.lags import Lags
from brownout.core.forecasting.recursive import Recursive, Row
from brownout.core.forecasting.signals import FEATURES
from tests.core.forecasting.series import make_ar1, walked
from tests.worlds import make_dice

SIZE = 3


def _rows(count: int, seed: int, noise: float = 0.1) -> list[tuple[Row, float]]:
    """Make features, and targets that follow from them with a little noise."""
    dice = make_dice(seed)
    rows = [tuple(dice.gauss(0.0, 1.0) for _ in range(SIZE)) for _ in range(count)]
    return [(row, 0.5 * row[0] - 0.3 * row[1] + 0.1 * row[2] + dice.uniform(-noise, noise)) for row in rows]


def _learnt(rows: list[tuple[Row, float]], memory: float) -> Recursive:
    fit = Recursive.blank(len(rows[0][0]), memory=memory)
    for features, target in rows:
        fit = fit.after(features, target)
    return fit


def _batch(rows: list[tuple[Row, float]], memory: float) -> list[float]:
    """Solve the same problem at once: fading weights, and the prior of variance 1 as a ridge that fades likewise."""
    weights = memory ** np.arange(len(rows) - 1, -1, -1.0)
    features, targets = np.array([row for row, _ in rows]), np.array([target for _, target in rows])
    normal = features.T @ (weights[:, None] * features) + memory ** len(rows) * np.eye(features.shape[1])
    return [float(value) for value in np.linalg.solve(normal, features.T @ (weights * targets))]


@settings(max_examples=30)
@given(count=st.integers(1, 120), seed=st.integers(0, 1000), memory=st.sampled_from([0.95, 0.998, 0.9995, 1.0]))
def test_it_is_the_weighted_batch_fit(count: int, seed: int, memory: float) -> None:
    """As long as no error is large it is, point by point, what a batch fit on all points with fading weights gives."""
    rows, fit = _rows(count, seed), Recursive.blank(SIZE, memory=memory)
    for features, target in rows:
        assume(abs(target - fit.value(features)) <= 2.5 * fit.usual)
        fit = fit.after(features, target)
    assert fit.weights == pytest.approx(_batch(rows, memory), abs=1e-6)


def test_a_constant_series_does_not_wind_it_up() -> None:
    """With nothing to learn for 100 000 points the covariance stays within ten times what it was at first."""
    fit = Recursive.blank(4, memory=0.95)
    for _ in range(100_000 // 10):
        fit = fit.after((0.3, 0.0, 0.0, 0.0), 0.0)
    trace = sum(row[place] for place, row in enumerate(fit.covariance))
    assert trace <= 10.0 * 4 + 1e-9
    assert all(math.isfinite(value) for row in fit.covariance for value in row)


def test_a_hundred_thousand_points_stay_finite() -> None:
    """A series that stands still for 35 days, and moves then, is foretold by numbers all the way."""
    fit = Recursive.blank(2, memory=0.998)
    for _ in range(100_000):
        fit = fit.after((0.3, 0.0), 0.0)
    for features, target in _rows(50, 3):
        fit = fit.after(features[:2], target)
    assert all(math.isfinite(value) for value in (*fit.weights, *fit.covariance[0], *fit.covariance[1], fit.usual))
    assert abs(fit.value((1.0, 1.0))) < 10.0


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), wild=st.sampled_from([-90.0, 40.0, 1000.0]))
def test_one_wild_error_moves_it_little(seed: int, wild: float) -> None:
    """After 200 usual points an error of hundreds of times the usual moves the forecast by under three usual errors."""
    fit, features = _learnt(_rows(200, seed), 0.998), (1.0, -1.0, 1.0)
    assert abs(fit.after(features, wild).value(features) - fit.value(features)) < 3.0 * fit.usual


def test_the_usual_error_is_followed() -> None:
    """It settles near the mean size of the errors: uniform within 0.1, so 0.05."""
    assert _learnt(_rows(2000, 5), 0.998).usual == pytest.approx(0.05, abs=0.01)


def test_lags_learn_what_usually_follows() -> None:
    """On noise that forgets a tenth of itself each step it expects a third of the distance ten steps on.

    0.9 to the tenth is 0.35; the last value expects all of it. Who knew that would make 0.82 of its error.
    """
    values = make_ar1(3000)
    lags = Lags.blank((True,) * len(FEATURES), (10,), memory=0.9995)
    _, said = walked(lags, values, 10)
    errors = [abs(values[index + 10] - told) for index, told in enumerate(said[:-10])][500:]
    naive = [abs(values[index + 10] - value) for index, value in enumerate(values[:-10])][500:]
    assert sum(errors) < 0.88 * sum(naive)

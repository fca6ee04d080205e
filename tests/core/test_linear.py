"""The straight line: the same one as scikit-learn's, on unix seconds too."""

import math
import warnings
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brownout.core.linear import fit, student_quantile
from tests.worlds import NOW

Points = list[tuple[float, float]]


def _series(least: int = 2, most: int = 50) -> st.SearchStrategy[Points]:
    """Draw points half a second to a minute apart, in unix seconds."""
    point = st.tuples(st.integers(1, 120).map(lambda halves: halves / 2), st.floats(0.0, 100.0))
    return st.lists(point, min_size=least, max_size=most).map(_joined)


def _joined(steps: Points) -> Points:
    at, points = NOW, []
    for step, value in steps:
        at += step
        points.append((at, value))
    return points


@settings(max_examples=25)
@given(points=_series(), ahead=st.floats(0.0, 600.0))
def test_line_equals_scikit_learn(points: Points, ahead: float) -> None:
    """Its value five minutes ahead is that of LinearRegression, within 1e-9 (requirement F1)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its own dependencies say about themselves is not our subject
        models = pytest.importorskip("sklearn.linear_model")
    # Seconds since the first point: scikit-learn itself loses digits on 1.7e9, the closed form does not.
    first, (last, _) = points[0][0], points[-1]
    model = models.LinearRegression().fit([[at - first] for at, _ in points], [value for _, value in points])
    expected = float(model.predict([[last + ahead - first]])[0])
    assert fit(points).value(last + ahead) == pytest.approx(expected, abs=1e-9 * max(1.0, abs(expected)))


@given(points=_series(), shift=st.sampled_from([0.0, 2.0**31]))
def test_the_epoch_does_not_matter(points: Points, shift: float) -> None:
    """The line through unix seconds is the line through seconds since the first point."""
    near = [(at - NOW, value) for at, value in points]
    far = [(at + shift, value) for at, value in points]
    end = near[-1][0] + 300.0
    assert fit(far).value(end + NOW + shift) == pytest.approx(fit(near).value(end), abs=1e-9)


@given(start=st.floats(0.0, 100.0), slope=st.floats(-1.0, 1.0), count=st.integers(2, 60))
def test_a_straight_series_is_met_exactly(start: float, slope: float, count: int) -> None:
    """On points of one straight line it is that line, and nothing is left over."""
    line = fit([(NOW + 30.0 * index, start + slope * 30.0 * index) for index in range(count)])
    assert line.slope_per_s == pytest.approx(slope, abs=1e-9)
    assert line.value(NOW) == pytest.approx(start, abs=1e-6)
    assert line.spread == pytest.approx(0.0, abs=1e-6)


@given(points=_series())
def test_it_goes_through_the_middle(points: Points) -> None:
    """The residuals of a least-squares line add up to nothing."""
    line = fit(points)
    assert math.fsum(value - line.value(at) for at, value in points) == pytest.approx(0.0, abs=1e-9)


def test_equal_instants_give_a_flat_line() -> None:
    """A division by no time at all is answered with no slope, and no promise."""
    line = fit([(NOW, 40.0), (NOW, 60.0), (NOW, 80.0)])
    assert (line.slope_per_s, line.value(NOW + 300.0)) == (0.0, 60.0)
    assert line.half_width(NOW, confidence_percent=90.0) == math.inf


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_points_promise_nothing(count: int) -> None:
    """One or two points have a line and no idea of how wrong it is."""
    line = fit([(NOW + 30.0 * index, 50.0 + index) for index in range(count)])
    assert line.value(NOW + 30.0 * (count - 1)) == pytest.approx(49.0 + count)
    assert line.half_width(NOW, confidence_percent=90.0) == math.inf


@given(points=_series(least=10))
def test_the_band_widens_with_distance_and_confidence(points: Points) -> None:
    """Further ahead, and with more confidence asked for, the interval is never narrower."""
    line = fit(points)
    ahead = [line.half_width(points[-1][0] + 30.0 * step, confidence_percent=90.0) for step in range(20)]
    asked = [line.half_width(points[-1][0], confidence_percent=level) for level in (50.0, 80.0, 90.0, 99.0)]
    assert all(near <= far for series in (ahead, asked) for near, far in pairwise(series))


@pytest.mark.parametrize("confidence", [50.0, 80.0, 90.0, 95.0, 99.0])
def test_student_quantile_is_scipys(confidence: float) -> None:
    """From 8 degrees of freedom on it is the exact quantile within half a per cent."""
    exact = pytest.importorskip("scipy.stats").t
    for degrees in range(8, 49):
        expected = float(exact.ppf(0.5 + confidence / 200.0, degrees))
        assert student_quantile(confidence, degrees) == pytest.approx(expected, rel=0.005)


@given(points=_series(least=12, most=12), confidence=st.sampled_from([80.0, 90.0, 95.0]))
def test_the_half_width_is_the_textbooks(points: Points, confidence: float) -> None:
    """T * s * sqrt(1 + 1/n + (t - mean)^2 / Sxx), with every sum written out."""
    exact = pytest.importorskip("scipy.stats").t
    line, count, end = fit(points), len(points), points[-1][0] + 300.0
    assume(line.spread > 1e-6)
    mean = math.fsum(at for at, _ in points) / count
    squares = math.fsum((at - mean) ** 2 for at, _ in points)
    spread = math.sqrt(math.fsum((value - line.value(at)) ** 2 for at, value in points) / (count - 2))
    factor = float(exact.ppf(0.5 + confidence / 200.0, count - 2))
    expected = factor * spread * math.sqrt(1.0 + 1.0 / count + (end - mean) ** 2 / squares)
    assert line.half_width(end, confidence_percent=confidence) == pytest.approx(expected, rel=0.005)

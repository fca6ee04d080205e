"""The forecast of one series: its model, its band, its smoothing and its vote."""

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.forecast import ENOUGH_ERRORS, Forecast, Model, conformal, forecast, smoothed
from brownout.core.linear import fit
from brownout.core.window import Point
from tests.worlds import NOW, make_dice, make_forecast, make_window, values_of

AUTO = Forecasting()
LINEAR = Forecasting.model_validate({"model": "Linear"})


def _points(text: str) -> tuple[Point, ...]:
    return make_window(text).base_points()


def _forecast(text: str, settings: Forecasting = AUTO) -> Forecast:
    made = forecast(_points(text), settings, interval_s=30.0)
    assert made is not None
    return made


def test_of_nothing_there_is_no_forecast() -> None:
    """An empty series has none."""
    assert forecast((), AUTO, interval_s=30.0) is None


@pytest.mark.parametrize("settings", [AUTO, LINEAR])
def test_one_sample_forecasts_itself(settings: Forecasting) -> None:
    """With one sample the answer is that sample, without a promise and without a vote."""
    made = _forecast("flat 50", settings)
    assert (made.value, made.lower, made.upper, made.votes) == (50.0, 0.0, math.inf, False)
    assert made.at == NOW + 300.0


@pytest.mark.parametrize(("samples", "model"), [(2, Model.TREND), (9, Model.TREND), (10, Model.LINEAR)])
def test_too_few_samples_are_a_trend(samples: int, model: Model) -> None:
    """Under ten samples the answer is a plain trend, and says so (requirement F2); it does not vote."""
    made = _forecast(f"ramp 50..60 x{samples}", LINEAR)
    assert made.model is model
    assert made.votes is (model is Model.LINEAR)
    assert bool(made.why) is not made.votes


def test_linear_learns_from_the_last_fifty() -> None:
    """Older samples than the last 50 do not move it (requirement F1)."""
    assert _forecast("flat 5 x10, ramp 40..50 x50", LINEAR).value == pytest.approx(
        fit(_points("ramp 40..50 x50")).value(NOW + 300.0)
    )


def test_auto_votes_on_a_trend_that_holds() -> None:
    """A steady rise that the line foretold again and again gives it the vote."""
    made = _forecast("ramp 40..70 x60")
    assert (made.model, made.votes, made.why) == (Model.LINEAR, True, "")
    assert made.value == pytest.approx(70.0 + 10 * 30.0 / 59)


def test_auto_leaves_a_flat_series_to_its_last_value() -> None:
    """Where nothing moves the line earns nothing: last-value answers, and why is said."""
    made = _forecast("flat 50 x60")
    assert (made.model, made.votes, made.value) == (Model.LAST_VALUE, False, 50.0)
    assert "1.00 times" in made.why


def test_auto_does_not_vote_before_it_can_be_judged() -> None:
    """The vote needs ten forecasts that have met their future: 29 samples at ten ahead."""
    assert "can be judged" in _forecast("ramp 40..70 x28").why
    assert _forecast("ramp 40..70 x29").votes


def test_a_line_that_was_wrong_does_not_vote() -> None:
    """After a step the line goes on rising while nothing rises; it loses its vote to last-value, unless pinned."""
    step = "flat 40 x30, flat 60 x30"
    assert not _forecast(step).votes
    assert _forecast(step).value == 60.0
    assert _forecast(step, LINEAR).votes


@given(values=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_every_forecast_carries_its_band(values: list[float]) -> None:
    """Lower, value and upper are in order, lower is never negative, and without a vote there is a reason."""
    points = tuple((NOW + 30.0 * index, value) for index, value in enumerate(values))
    for settings in (AUTO, LINEAR):
        made = forecast(points, settings, interval_s=30.0)
        assert made is not None
        assert made.lower <= max(0.0, made.value) <= max(made.upper, 0.0)
        assert made.lower >= 0.0
        assert made.votes is not bool(made.why)


@given(new=st.floats(-50.0, 150.0), previous=st.floats(0.0, 100.0))
def test_smoothing_takes_seven_tenths_of_the_new(new: float, previous: float) -> None:
    """0.7 of the new and 0.3 of the previous (requirement F3); the band moves along and keeps its width."""
    made = make_forecast(new)
    found = smoothed(made, previous, factor=0.7)
    assert found.value == pytest.approx(0.7 * new + 0.3 * previous)
    assert found.width == pytest.approx(made.width)


def test_smoothing_needs_something_to_smooth() -> None:
    """The first forecast stands as it is; so does last-value, which has no slope to overshoot; so does factor 1."""
    made = make_forecast(80.0)
    assert smoothed(made, None, factor=0.7) is made
    assert smoothed(_forecast("flat 50"), 80.0, factor=0.7).value == 50.0
    assert smoothed(made, 10.0, factor=1.0).value == 80.0


def test_conformal_is_an_order_statistic() -> None:
    """For 90 % it is the largest of nine errors, the 18th of nineteen, and infinite for fewer than nine."""
    errors = [float(value) for value in range(1, 20)]
    assert conformal(errors, 90.0) == 18.0
    assert conformal(errors[:9], 90.0) == 9.0
    assert conformal(errors[:8], 90.0) == math.inf
    assert conformal((), 50.0) == math.inf


@pytest.mark.parametrize("confidence", [50.0, 80.0, 90.0, 95.0])
@pytest.mark.parametrize("shape", ["gaussvariate", "expovariate"])
def test_conformal_covers_what_it_promises(confidence: float, shape: str) -> None:
    """With exchangeable errors a new one lies within it at least as often as promised (2000 draws, 3 sigma)."""
    draw = make_dice()
    hits = []
    for _ in range(2000):
        *past, new = (abs(draw.gauss(0, 3)) if shape == "gaussvariate" else draw.expovariate(1.0) for _ in range(41))
        hits.append(new <= conformal(past, confidence))
    promised = confidence / 100.0
    assert fmean(hits) >= promised - 3.0 * math.sqrt(promised * (1.0 - promised) / len(hits))


@given(errors=st.lists(st.floats(0.0, 50.0), max_size=60), extra=st.floats(0.0, 50.0))
def test_more_confidence_is_never_narrower(errors: list[float], extra: float) -> None:
    """The half-width grows with the confidence, and with a larger error among the past ones."""
    assert conformal(errors, 80.0) <= conformal(errors, 90.0)
    assert conformal([*sorted(errors)[:-1], max([*errors, extra])], 90.0) >= conformal(errors, 90.0) or not errors


def test_the_band_comes_from_the_errors_once_there_are_enough() -> None:
    """With ten resolved errors the band is the conformal one, with fewer the textbook's."""
    draw = make_dice(7)
    points = tuple((NOW + 30.0 * index, 50.0 + draw.gauss(0, 3)) for index in range(60))
    made = forecast(points, LINEAR, interval_s=30.0)
    early = forecast(points[:15], LINEAR, interval_s=30.0)
    assert made is not None
    assert early is not None
    assert early.width == pytest.approx(2 * fit(points[:15]).half_width(early.at, confidence_percent=90.0))
    assert made.width != pytest.approx(2 * fit(points[-50:]).half_width(made.at, confidence_percent=90.0))
    assert ENOUGH_ERRORS > 9


def test_the_text_of_a_window_is_read() -> None:
    """The language of these tests means what it says."""
    assert list(values_of("flat 1 x2, ramp 1..3 x3, none")) == [1.0, 1.0, 1.0, 2.0, 3.0, None]

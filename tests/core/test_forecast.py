"""The forecast of one series: what the panel says of the horizon, its band, and whether it may vote."""

import math
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Forecasting, PolicySpec
from brownout.core.forecast import EARNS_BELOW, Forecast, Model, foretold
from brownout.core.forecasting.panel import CALIBRATED, Panel
from brownout.core.linear import fit
from tests.builders import make_policy
from tests.worlds import NOW, POLICY, make_dice, make_forecast, make_panel, make_window, values_of

LINEAR = make_policy(forecast={"model": "Linear"}).spec
OFF = make_policy(forecast={"model": "Off"}).spec
#: The horizon is ten samples; a forecast meets its future ten samples after it was made.
FIRST_JUDGED = CALIBRATED + 10


@lru_cache
def _forecast(text: str, policy: PolicySpec = POLICY) -> Forecast:
    made = foretold(make_panel(text, policy=policy))
    assert made is not None
    return made


def test_of_nothing_there_is_no_forecast() -> None:
    """An empty series has none."""
    assert foretold(Panel.blank(POLICY.forecast, interval_s=30.0)) is None


@pytest.mark.parametrize("policy", [POLICY, LINEAR, OFF])
def test_one_sample_forecasts_itself(policy: PolicySpec) -> None:
    """With one sample the answer is that sample, without a promise and without a vote."""
    made = _forecast("flat 50", policy)
    assert (made.value, made.lower, made.upper, made.votes) == (50.0, 0.0, math.inf, False)
    assert made.at == NOW + 300.0


@pytest.mark.parametrize(("samples", "model"), [(2, Model.TREND), (9, Model.TREND), (10, Model.LINEAR)])
def test_too_few_samples_are_a_trend(samples: int, model: Model) -> None:
    """A pinned line on under ten samples is a plain trend, and says so (requirement F2); it does not vote."""
    made = _forecast(f"ramp 40..60 x{samples}", LINEAR)
    assert made.model is model
    assert made.votes is (model is Model.LINEAR)
    assert bool(made.why) is not made.votes


def test_linear_learns_from_the_last_fifty() -> None:
    """Older samples than the last 50 do not move it (requirement F1); little of them is left in the smoothing."""
    points = make_window("ramp 40..50 x50").base_points()
    steady = _forecast("flat 40 x10, ramp 40..50 x50", LINEAR).value
    assert steady == pytest.approx(fit(points).value(NOW + 300.0), abs=0.1)


def test_auto_votes_on_a_trend_that_holds() -> None:
    """A steady rise that was foretold again and again gives it the vote."""
    made = _forecast("ramp 40..90 x200")
    assert (made.votes, made.why) == (True, "")
    assert made.value == pytest.approx(90.0 + 10 * 50.0 / 199, abs=0.2)


def test_auto_does_not_vote_where_nothing_moves() -> None:
    """Where the last value is never wrong nothing can beat it: no vote, and why is said."""
    made = _forecast(f"flat 50 x{FIRST_JUDGED}")
    assert (made.votes, made.value) == (False, 50.0)
    assert "1.00 times those of the last value" in made.why


def test_auto_does_not_vote_before_it_can_be_judged() -> None:
    """The vote needs enough forecasts that have met their future, ten samples later each. It says how far it is."""
    before, then = (_forecast(f"ramp 40..{40 + count / 4} x{count}") for count in (FIRST_JUDGED - 1, FIRST_JUDGED))
    assert before.why == f"only {CALIBRATED - 1} of {CALIBRATED} past forecasts can be judged yet"
    assert "judged" not in then.why


def test_a_line_that_was_wrong_does_not_vote() -> None:
    """Auto is not led by a line that does worse than the last value; pinned it votes all the same (requirement F1)."""
    stairs = ", ".join(f"flat {level} x15" for level in (40, 60, 45, 65, 40, 60, 45, 65))
    auto = make_panel(stairs)
    line = next(place for place, each in enumerate(auto.forecasters) if each.model is Model.LINEAR)
    assert auto.tracks[-1].errors[line] > auto.tracks[-1].errors[0]
    assert auto.tracks[-1].weights()[line] < 0.05
    assert _forecast(stairs, LINEAR).votes


def test_off_never_votes() -> None:
    """The policy says so, whatever the forecast is worth; what it would be is still told."""
    made = _forecast("ramp 40..90 x200", OFF)
    assert (made.votes, made.why) == (False, "the policy lets no forecast vote")
    assert made.value == _forecast("ramp 40..90 x200").value


def test_a_vote_is_worth_five_per_cent() -> None:
    """Auto votes exactly where its mean error is at most 0.95 times last-value's, so that luck gives no vote."""
    for text in ("ramp 40..90 x200", "flat 50 x60, ramp 50..80 x60", "ramp 40..50 x75, flat 50 x60"):
        made, panel = _forecast(text), make_panel(text)
        assert made.votes is (panel.ratio <= EARNS_BELOW)


@given(values=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_every_forecast_carries_its_band(values: list[float]) -> None:
    """Lower, value and upper are in order, lower is never negative, and without a vote there is a reason."""
    for settings in (POLICY.forecast, LINEAR.forecast):
        made = foretold(_panel(values, settings))
        assert made is not None
        assert 0.0 <= made.lower <= made.upper
        assert made.votes is not bool(made.why)
        assert 0.0 <= made.value <= 110.0 + 1e-9


def _panel(values: list[float], settings: Forecasting) -> Panel:
    panel = Panel.blank(settings, interval_s=30.0)
    for index, value in enumerate(values):
        panel = panel.seen(NOW + 30.0 * index, value)
    return panel


@given(before=st.floats(0.0, 50.0), new=st.floats(50.0, 100.0))
def test_smoothing_takes_seven_tenths_of_the_new(before: float, new: float) -> None:
    """0.7 of the new forecast and 0.3 of the previous (requirement F3), held to what memory can be."""
    panel = _panel([before, new], LINEAR.forecast)
    raw = new + 10.0 * (new - before)
    expected = min(110.0, 0.7 * raw + 0.3 * before)
    assert panel.tracks[-1].newest.values[1] == pytest.approx(expected)


def test_the_band_comes_from_the_errors_once_there_are_enough() -> None:
    """A pinned line has the textbook's band as long as its past errors are too few, then theirs."""
    draw = make_dice(7)
    values = [50.0 + draw.gauss(0, 3) for _ in range(120)]
    points = tuple((NOW + 30.0 * index, value) for index, value in enumerate(values))
    early, made = foretold(_panel(values[:15], LINEAR.forecast)), foretold(_panel(values, LINEAR.forecast))
    assert made is not None
    assert early is not None
    assert early.width == pytest.approx(2 * fit(points[:15]).half_width(early.at, confidence_percent=90.0))
    assert made.width != pytest.approx(2 * fit(points[-50:]).half_width(made.at, confidence_percent=90.0))
    assert math.isfinite(made.upper)


def test_a_forecast_moves_with_what_is_on() -> None:
    """Something constant added moves value and band alike; silenced it keeps both and says why."""
    made = make_forecast(50.0, half=3.0)
    assert (made.shifted(12.0).value, made.shifted(12.0).lower, made.shifted(12.0).upper) == (62.0, 59.0, 65.0)
    assert made.shifted(12.0).width == made.width
    silent = made.silenced("too wide")
    assert (silent.votes, silent.why, silent.value) == (False, "too wide", made.value)


def test_the_text_of_a_window_is_read() -> None:
    """The language of these tests means what it says."""
    assert list(values_of("flat 1 x2, ramp 1..3 x3, none")) == [1.0, 1.0, 1.0, 2.0, 3.0, None]

"""What training has made, at work: forecasters that are frozen, newcomers that earn their weight, the daily peak."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.forecasting.champions import Record
from brownout.core.forecasting.daily import QUARTERS, Daily, level, rise
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.peak import daily_peak, peak_at
from brownout.core.forecasting.signals import FEATURES, Signals
from brownout.core.forecasting.track import ENOUGH
from brownout.core.forecasting.trained import Trained
from tests.champions import SINE, STEP_S, STEPS, make_champions, make_daily, make_record, make_trained
from tests.worlds import make_dice

MIDNIGHT = 1_767_225_600.0
PROFILES = st.lists(st.floats(-20.0, 20.0), min_size=QUARTERS, max_size=QUARTERS).map(tuple)
INSTANTS = st.floats(1.6e9, 1.9e9)


def signals_of(*values: float, start: float = MIDNIGHT) -> Signals:
    """The signals after these values."""
    signals = Signals()
    for place, value in enumerate(values):
        signals = signals.add(start + STEP_S * place, value)
    return signals


def panel_of(values: list[float], *, start: float = MIDNIGHT, model: str = "Auto") -> Panel:
    """A panel that has seen these values."""
    panel = Panel.blank(Forecasting.model_validate({"model": model}), interval_s=STEP_S)
    return fed(panel, values, start=start)


def fed(panel: Panel, values: list[float], *, start: float) -> Panel:
    """The panel after more of them."""
    for place, value in enumerate(values):
        panel = panel.seen(start + STEP_S * place, value)
    return panel


def noise(count: int, *, seed: int = 1) -> list[float]:
    """A restless level."""
    dice = make_dice(seed)
    return [50.0 + dice.gauss(0.0, 2.0) for _ in range(count)]


@given(
    st.lists(st.floats(-3.0, 3.0), min_size=len(FEATURES), max_size=len(FEATURES)),
    st.lists(st.floats(0, 100), min_size=1, max_size=70),
)
def test_trained_is_the_dot_product(row: list[float], values: list[float]) -> None:
    """The newest value, the intercept and the features times their coefficients; nothing else."""
    signals = signals_of(*values)
    made = Trained(steps=(3,), step_s=STEP_S, coefficients=(tuple(row),), intercepts=(0.5,))
    expected = values[-1] + 0.5 + math.fsum(a * b for a, b in zip(row, signals.features(), strict=True))
    assert made.ahead(signals, 3) == pytest.approx(expected, abs=1e-9)
    assert made.learn(signals, ()) is made


def test_a_trained_profile_has_a_coefficient_of_its_own() -> None:
    """The last one, for the rise of the profile until then."""
    row = (0.0,) * len(FEATURES) + (0.5,)
    made = Trained(steps=(10,), step_s=STEP_S, coefficients=(row,), intercepts=(0.0,), profile=SINE)
    signals = signals_of(50.0, start=MIDNIGHT + 6 * 3600)
    assert made.ahead(signals, 10) == pytest.approx(50.0 + 0.5 * rise(SINE, signals.at, 300.0))


@given(PROFILES, INSTANTS)
def test_a_profile_is_the_same_every_day(profile: tuple[float, ...], at: float) -> None:
    """It has a period of a day, no jumps, and never leaves the range of its quarter-hours."""
    assert level(profile, at + 86400.0) == pytest.approx(level(profile, at), abs=1e-4)
    assert min(profile) - 1e-9 <= level(profile, at) <= max(profile) + 1e-9
    # Instants are unix seconds: a double near 2e9 tells 2.4e-7 s apart, in which such a profile moves 1e-8.
    assert abs(level(profile, at + 0.01) - level(profile, at)) <= 40.0 * 0.01 / 900.0 + 1e-7


@pytest.mark.parametrize(("hour", "value"), [(0, 0.0), (6, 5.0), (12, 10.0), (18, 5.0)])
def test_a_profile_is_in_utc(hour: int, value: float) -> None:
    """Midnight is that of UTC."""
    assert level(SINE, MIDNIGHT + 3600.0 * hour) == pytest.approx(value, abs=0.01)


@given(PROFILES, st.floats(0.0, 1.0), st.integers(1, 200))
def test_daily_adds_a_share_of_the_rise(profile: tuple[float, ...], shrink: float, steps: int) -> None:
    """With no share it is the last value; with all of it the whole rise counts."""
    signals = signals_of(50.0, 51.0)
    made = Daily(profile=profile, shrink=shrink, step_s=STEP_S)
    whole = rise(profile, signals.at, steps * STEP_S)
    assert made.ahead(signals, steps) == pytest.approx(51.0 + shrink * whole, abs=1e-9)


def test_coefficients_hold_for_the_series_they_were_fitted_on() -> None:
    """For another distance or step there is no regression; a profile is good for all of them."""
    champions = make_champions()
    assert [each.model for each in champions.candidates(STEPS, STEP_S)] == [Model.TRAINED, Model.DAILY]
    assert [each.model for each in champions.candidates((1, 6, 12), STEP_S)] == [Model.DAILY]
    assert [each.model for each in champions.candidates(STEPS, 60.0)] == [Model.DAILY]
    assert replace(champions, trained=None, daily=None).candidates(STEPS, STEP_S) == ()


def test_who_was_no_better_than_the_last_value_stays_out() -> None:
    """It would be the last value once more; as champion it stays, and so does its peak."""
    still = Record(**make_record(ratio=0.99))
    champions = make_champions(trained=make_trained(ratio=0.99), daily=make_daily(record=still))
    assert champions.candidates(STEPS, STEP_S) == ()
    now = MIDNIGHT + 7 * 3600.0
    assert daily_peak(champions, panel_of([60.0], start=now), now=now) is not None


def extra() -> tuple[Forecaster, ...]:
    """What champions bring."""
    return make_champions().candidates(STEPS, STEP_S)


@settings(max_examples=30)  # each is some 200 points, half a millisecond each
@given(st.integers(0, 60), st.integers(0, 40), st.integers(0, 40))
def test_the_family_does_not_notice_newcomers(before: int, between: int, after: int) -> None:
    """Whenever candidates join, and are replaced: the records of the others are what they would have been."""
    values = noise(before + between + after)
    alone = panel_of(values)
    joined = panel_of(values[:before]).with_candidates(extra())
    joined = fed(joined, values[before : before + between], start=MIDNIGHT + STEP_S * before)
    joined = joined.with_candidates(extra()[:1])
    joined = fed(joined, values[before + between :], start=MIDNIGHT + STEP_S * (before + between))
    own = len(alone.forecasters)
    assert len(joined.forecasters) == own + 1
    for track, same in zip(joined.tracks, alone.tracks, strict=True):
        assert track.errors[:own] == same.errors  # to the last digit
        assert track.resolved == same.resolved
        assert sum(track.weights()) == pytest.approx(1.0 if track.resolved >= ENOUGH else 0.0)


def test_a_newcomer_starts_with_the_worst_record() -> None:
    """Its first resolved forecasts count little against the worst mean error of all: luck gives it no say."""
    values = noise(200)
    panel = panel_of(values[:190]).with_candidates((_Oracle(values),))
    worst = max(panel.tracks[0].errors)
    panel = fed(panel, values[190:195], start=MIDNIGHT + 190 * STEP_S)
    track = panel.tracks[0]
    assert track.errors[-1] == pytest.approx(worst, rel=0.2)
    assert track.weights()[-1] < 0.1


def test_a_good_newcomer_leads_within_hours() -> None:
    """Who is always right, where chance rules for all others, leads after 300 ticks, whatever its start was."""
    values = noise(600)
    panel = panel_of(values[:300]).with_candidates((_Oracle(values),))
    panel = fed(panel, values[300:], start=MIDNIGHT + 300 * STEP_S)
    assert isinstance(panel.leader, _Oracle)


def test_a_calm_hour_is_no_merit() -> None:
    """A newcomer that only says the last value has its weight, not more, when it joins as a wild load turns calm."""
    wild, calm = noise(300), [50.0 + (value - 50.0) / 20.0 for value in noise(300, seed=4)]
    panel = panel_of(wild).with_candidates((_Echo(),))
    panel = fed(panel, calm, start=MIDNIGHT + 300 * STEP_S)
    for track in panel.tracks:
        assert track.weights()[-1] <= 1.05 * max(track.weights()[:-1])
        assert track.errors[-1] >= 0.99 * min(track.errors[:-1])


class _Echo:
    """Says the last value."""

    model = Model.TRAINED

    def learn(self, _signals: Signals, _past: object) -> "_Echo":
        """Nothing."""
        return self

    def ahead(self, signals: Signals, _steps: int) -> float:
        """Nothing will change."""
        return signals.value


class _Oracle:
    """Knows a series."""

    model = Model.TRAINED

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def learn(self, _signals: Signals, _past: object) -> "_Oracle":
        """Nothing."""
        return self

    def ahead(self, signals: Signals, steps: int) -> float:
        """The truth, as far as there is one."""
        place = round((signals.at - MIDNIGHT) / STEP_S) + steps
        return self.values[min(place, len(self.values) - 1)]


def test_a_pinned_line_has_no_rivals() -> None:
    """`forecast.model: Linear` makes the line the only voter; training changes nothing of that."""
    panel = panel_of(noise(30), model="Linear")
    assert panel.with_candidates(extra()) is panel


@given(PROFILES, INSTANTS)
def test_the_peak_is_the_highest_of_the_hour(profile: tuple[float, ...], now: float) -> None:
    """Nowhere within the next hour is the profile higher."""
    at = peak_at(profile, now)
    assert now <= at <= now + 3600.0
    assert all(level(profile, now + 60.0 * minute) <= level(profile, at) + 1e-6 for minute in range(61))


def test_the_peak_of_the_day_lies_at_its_time() -> None:
    """At 11:20 the highest point is 40 minutes ahead, at noon."""
    now = MIDNIGHT + 11 * 3600.0 + 20 * 60.0
    assert peak_at(SINE, now) - now == pytest.approx(40 * 60.0, abs=450.0)


def test_a_peak_ahead_is_foretold_with_its_band() -> None:
    """At seven the load rises for hours: the next hour's highest is its end; the band is that of past peaks."""
    now = MIDNIGHT + 7 * 3600.0
    peak = daily_peak(make_champions(), panel_of([60.0], start=now), now=now)
    assert peak is not None
    assert peak.at == now + 3600.0
    rises = level(SINE, peak.at) - level(SINE, now)
    assert peak.value == pytest.approx(60.0 + rises)
    assert peak.lower == pytest.approx(58.0 + rises)
    assert peak.upper == pytest.approx(62.0 + rises)
    assert peak.votes
    assert peak.model is Model.DAILY


@pytest.mark.parametrize(
    ("champions", "hour"),
    [
        (None, 7),
        (make_champions(daily=None), 7),
        (make_champions(daily=make_daily(peak=None)), 7),
        (make_champions(daily=make_daily(peak_ratio=0.96)), 7),
        (make_champions(daily=make_daily(shrink=0.0)), 7),
        (make_champions(), 15),
        (make_champions(), 11),
    ],
    ids=[
        "no champions",
        "no profile",
        "no record",
        "no better than the last value",
        "no share",
        "it only falls",
        "flat",
    ],
)
def test_without_a_peak_to_tell_of_nothing_is_told(champions: object, hour: int) -> None:
    """A profile speaks of a peak only where its own past says that it can, and where there is one ahead."""
    now = MIDNIGHT + hour * 3600.0
    assert daily_peak(champions, panel_of([60.0], start=now), now=now) is None  # type: ignore[arg-type]


def test_without_a_series_there_is_no_peak() -> None:
    """Nothing has been measured: unknown is not low."""
    assert daily_peak(make_champions(), None, now=MIDNIGHT) is None
    assert daily_peak(make_champions(), panel_of([]), now=MIDNIGHT + 25200.0) is None


def test_trained_has_a_name_of_its_own() -> None:
    """`Forecast.model` says which rule made it (requirement F2)."""
    assert make_trained().regression == "ridge"
    assert {each.model.value for each in extra()} == {"trained-regression", "time-of-day"}

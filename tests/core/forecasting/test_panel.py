"""The panel: one value that holds the family, its records and the series; what it promises of the next minutes."""

import math
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.forecast import foretold
from brownout.core.forecasting.feeding import fed
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import CALIBRATED, MOST_STEPS, Panel
from brownout.core.forecasting.residuals import KEPT
from brownout.core.forecasting.signals import KEPT as KEPT_POINTS
from brownout.simulate.generated import Family, generated
from tests.builders import make_policy
from tests.core.forecasting.series import fed_panel, make_noise, make_walk
from tests.worlds import NOW, POLICY, make_panel, make_sample

LINEAR = Forecasting.model_validate({"model": "Linear"})
VALUES = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=50)


@settings(max_examples=15)
@given(values=VALUES, later=VALUES)
def test_the_same_points_give_the_same_panel(values: list[float], later: list[float]) -> None:
    """A function of its points; feeding a successor leaves the panel before it as it was."""
    panel = fed_panel(values)
    fed_panel(later, panel=panel)
    assert panel == fed_panel(values)


@settings(max_examples=15)
@given(values=VALUES, later=VALUES)
def test_what_comes_later_changes_no_forecast(values: list[float], later: list[float]) -> None:
    """The forecasts in hand are those that were made then."""
    panel = fed_panel(values)
    made = panel.tracks[-1].newest
    for value in later[:9]:
        panel = fed_panel([value], panel=panel)
        assert made in panel.tracks[-1].made


@settings(max_examples=15)
@given(values=VALUES)
def test_every_forecast_is_a_percentage(values: list[float]) -> None:
    """Between 0 and a tenth over what memory can be, for each candidate and distance."""
    for track in fed_panel(values).tracks:
        assert all(0.0 <= value <= 110.0 + 1e-9 for value in (*track.newest.values, track.newest.mixed))


def test_a_gap_keeps_what_was_learnt() -> None:
    """Records and residuals stay, so the band does; points, and forecasts in hand, go."""
    panel = fed_panel(make_walk(100))
    after = panel.broken()
    assert (after.signals.points, after.past, after.ready, after.path()) == ((), (), False, None)
    assert after.calibrated
    assert after.forecasters == panel.forecasters
    assert [track.residuals for track in after.tracks] == [track.residuals for track in panel.tracks]
    assert after.highest == panel.highest
    assert fed_panel([50.0], panel=after).path() is not None


def test_a_gap_resolves_nothing() -> None:
    """What was foretold before it is not judged by what came after: ten points on, nothing more is resolved."""
    panel = fed_panel(make_walk(100)).broken()
    after = fed_panel([50.0] * 10, panel=panel)
    assert after.tracks[-1].residuals.count == panel.tracks[-1].residuals.count
    assert after.highest.count == panel.highest.count


def test_it_does_not_grow() -> None:
    """However many points, it holds 61 of them, ten forecasts and 300 residuals for each distance."""
    panel = fed_panel(make_noise(1000))
    size = _size(panel)
    assert size == _size(fed_panel(make_noise(1000, seed=2), panel=panel))
    assert len(panel.signals.points) == KEPT_POINTS
    assert len(panel.past) == panel.tracks[-1].steps
    assert [len(track.made) for track in panel.tracks] == [track.steps for track in panel.tracks]
    assert panel.highest.count == KEPT


def _size(value: object) -> int:
    """Count the values in a value."""
    if isinstance(value, tuple):
        return 1 + sum(map(_size, value))
    slots = getattr(type(value), "__slots__", ())
    return 1 + sum(_size(getattr(value, name)) for name in slots)


def test_a_pinned_line_has_no_rivals() -> None:
    """The forecast is the line's, at every distance, and it leads; the last value is only what it is measured by."""
    panel = fed_panel(make_walk(100), LINEAR)
    assert panel.leader.model is Model.LINEAR
    assert all(track.newest.mixed == track.newest.values[1] for track in panel.tracks)
    assert not panel.with_candidates(fed_panel([1.0]).forecasters[:1]).trained


def test_a_pinned_line_votes_from_its_samples_on() -> None:
    """From the tenth sample, without anything to judge it by (requirement F1)."""
    votes = [made.votes for count in (9, 10) if (made := foretold(fed_panel(make_walk(count), LINEAR)))]
    assert votes == [False, True]


def test_off_neither_votes_nor_says_what_to_reckon_with() -> None:
    """The policy lets no forecast vote."""
    made = foretold(fed_panel(make_walk(200), Forecasting.model_validate({"model": "Off"})))
    assert made is not None
    assert (made.votes, made.why) == (False, "the policy lets no forecast vote")


@pytest.mark.parametrize(("interval_s", "step_s", "steps"), [(30.0, 30.0, 10), (5.0, 6.0, 50), (1.0, 6.0, 50)])
def test_short_intervals_are_thinned(interval_s: float, step_s: float, steps: int) -> None:
    """A horizon is looked at in 50 steps at most: points that come closer together are passed over."""
    panel = Panel.blank(Forecasting(), interval_s=interval_s)
    assert (panel.step_s, panel.tracks[-1].steps) == (step_s, steps)
    assert steps <= MOST_STEPS
    policy = make_policy(interval=f"{interval_s:g}s").spec
    for index in range(60):
        panel = fed(panel, make_sample(50.0, NOW + interval_s * index), policy, since=0.0)
    gaps = [later - earlier for (earlier, _), (later, _) in zip(panel.signals.points, panel.signals.points[1:])]  # noqa: B905 - neighbours
    assert min(gaps) >= 0.9 * step_s


def test_it_fits_what_it_was_made_for() -> None:
    """Other settings or another pace ask for another panel."""
    panel = Panel.blank(Forecasting(), interval_s=30.0)
    assert panel.fits(Forecasting(), interval_s=30.0)
    assert not panel.fits(LINEAR, interval_s=30.0)
    assert not panel.fits(Forecasting(), interval_s=60.0)


@pytest.mark.parametrize(("text", "points"), [("flat 50 x9", 9), ("flat 50 x5, gap 60, flat 50 x3", 8)])
def test_a_short_silence_breaks_nothing(text: str, points: int) -> None:
    """Up to three intervals a late point goes on with the series."""
    assert len(make_panel(text).signals.points) == points


def test_what_cannot_be_fed_is_passed_over() -> None:
    """What could not be read, came out of turn, or lies before `since` is no point; after that the series is new."""
    panel = make_panel("flat 50 x20, none x2, flat 50 x20")
    assert len(panel.signals.points) == 40
    assert fed(panel, make_sample(90.0, NOW + 5.0), POLICY, since=0.0) is panel
    assert fed(panel, make_sample(None, NOW + 30.0), POLICY, since=0.0) is panel
    assert fed(panel, make_sample(90.0, NOW + 30.0), POLICY, since=NOW + 31.0) is panel
    assert fed(panel, make_sample(90.0, NOW + 30.0), POLICY, since=NOW + 30.0).signals.points == ((NOW + 30.0, 90.0),)


def test_our_own_memory_is_no_part_of_it() -> None:
    """What it is fed is the base: what is in use without what ours were measured to hold."""
    assert make_panel("flat 70 x5", voice=12.0).signals.value == pytest.approx(58.0)


def test_the_highest_is_what_a_return_has_to_live_with() -> None:
    """How far the highest of ten points lay above what was foretold for the last of them: never below its residual."""
    panel = fed_panel(make_noise(200))
    assert panel.highest.count == panel.tracks[-1].residuals.count
    pairs = zip(panel.highest.recent, panel.tracks[-1].residuals.recent, strict=True)
    assert all(top >= residual - 1e-9 for top, residual in pairs)


@pytest.mark.parametrize("family", Family)
def test_the_band_holds_nine_of_ten(family: Family) -> None:
    """On every generated family a 90 % band that is there holds 85 to 95 %, and it is there nine times of ten.

    800 forecasts at the horizon after 300 points to warm up. An infinite band holds all and tells nothing, so it
    counts for neither.
    """
    values, hits, finite = generated(family, seed=1, ticks=1100).values, [], []
    panel = fed_panel(values[:300])
    for value in values[300:]:
        due = panel.tracks[-1].made[0]
        lower, upper = due.band
        finite.append(math.isfinite(upper - lower))
        if finite[-1]:
            hits.append(lower <= value - due.mixed <= upper)
        panel = fed_panel([value], panel=panel)
    assert 0.85 <= fmean(hits) <= 0.95
    assert fmean(finite) >= 0.9


@given(count=st.integers(CALIBRATED, CALIBRATED + 20))
@settings(max_examples=15)
def test_a_path_needs_enough_errors(count: int) -> None:
    """So many forecasts at the horizon must have met their future."""
    panel = fed_panel(make_walk(count))
    path = panel.path()
    assert (path is not None) is (count >= CALIBRATED + 10) is panel.calibrated
    if path is not None:
        assert [spread.steps for spread in path.spreads] == [1, 5, 10]
        assert path.highest.quantile(0.5) >= path.spreads[-1].quantile(0.5)

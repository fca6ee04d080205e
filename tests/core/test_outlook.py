"""The outlook: what is known of now, what is foreseen, and what our own hand leaves out of it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import PolicySpec
from brownout.core.forecasting.feeding import fed
from brownout.core.forecasting.panel import CALIBRATED, Panel
from brownout.core.outlook import Outlook, look_out
from brownout.core.sample import Sample, Witness
from tests.builders import make_policy
from tests.core.drawn import FEWER
from tests.worlds import (
    LIMIT,
    NOW,
    POLICY,
    make_dice,
    make_forecast,
    make_outlook,
    make_panel,
    make_path,
    make_sample,
    make_samples,
)

LINEAR = make_policy(forecast={"model": "Linear"}).spec
OFF = make_policy(forecast={"model": "Off"}).spec


def _outlook(text: str, policy: PolicySpec = POLICY, *, since: float = 0.0, now: float = NOW, **held: float) -> Outlook:
    """Give what is seen of such a line at its end."""
    panel = make_panel(text, policy=policy, since=since, **held)
    return look_out(make_samples(text, **held)[-1], panel, policy, now=now)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1.0, 1e308])
def test_what_cannot_be_read_is_unknown(value: float | None) -> None:
    """Missing and absurd figures give no percentage and no forecast, and say why."""
    seen = look_out(Sample(at=NOW, memory_percent=value), make_panel("flat 50 x30"), POLICY, now=NOW)
    assert (seen.measured_percent, seen.total, seen.witness) == (None, None, Witness.NONE)
    assert seen.why == "memory cannot be read"
    assert look_out(None, None, POLICY, now=NOW).why == "nothing has been measured yet"


@pytest.mark.parametrize(("age_s", "known"), [(0.0, True), (90.0, True), (90.1, False), (28800.0, False)])
def test_a_stale_sample_says_nothing_of_now(age_s: float, known: bool) -> None:  # noqa: FBT001 - a table of cases
    """After three intervals without a new sample memory is unknown, not as low as it was."""
    seen = _outlook("flat 50 x30", now=NOW + age_s)
    assert (seen.measured_percent is not None) is known
    assert known or f"{age_s:.0f} s old" in seen.why


def test_every_outlook_names_its_witness() -> None:
    """What is known comes from somewhere, and is of some limit."""
    seen = _outlook("flat 50 x30")
    assert (seen.measured_percent, seen.limit_bytes, seen.witness) == (50.0, LIMIT, Witness.NODE)


def test_the_total_is_the_base_and_what_is_on() -> None:
    """Of 40..70 % in use with 12 held by voice, the base is forecast and voice added."""
    seen = _outlook("ramp 40..70 x120", voice=12.0)
    assert seen.base is not None
    assert seen.total is not None
    assert seen.total.value == pytest.approx(seen.base.value + 12.0)
    assert seen.total.width == pytest.approx(seen.base.width)
    assert seen.ours_percent == pytest.approx(12.0)
    assert seen.voting is (seen.total if seen.total.votes else None)


@FEWER
@given(held=st.floats(1.0, 30.0), after=st.integers(1, 20), model=st.sampled_from([POLICY, LINEAR]))
def test_our_own_actions_do_not_move_the_base_forecast(held: float, after: int, model: PolicySpec) -> None:
    """Shedding a measured member leaves the forecast of the base as it is, and takes just it off the total."""
    base = [sample.memory_percent or 0.0 for sample in make_samples("ramp 30..50 x60")]
    with_it, without = (_shed_after(len(base) if never else len(base) - after, base, held, model) for never in (1, 0))
    assert with_it.base is not None
    assert without.base is not None
    assert without.base.value == pytest.approx(with_it.base.value, abs=1e-5)
    assert with_it.total is not None
    assert without.total is not None
    assert with_it.total.value - without.total.value == pytest.approx(held, abs=1e-5)


def _shed_after(count: int, base: list[float], held: float, policy: PolicySpec) -> Outlook:
    """Give the outlook where voice held so much in the first samples, and nothing after them."""
    panel = Panel.blank(policy.forecast, interval_s=policy.interval)
    for index, value in enumerate(base):
        at, on = NOW + 30.0 * (index - len(base) + 1), index < count
        panel = fed(panel, make_sample(value + held, at, voice=held) if on else make_sample(value, at), policy, since=0)
    ours = {"voice": held} if count == len(base) else {}
    return look_out(make_sample(base[-1] + sum(ours.values()), NOW, **ours), panel, policy, now=NOW)


def test_a_gap_restarts_the_forecast() -> None:
    """After a silence of ten minutes the series begins anew, so nothing votes yet: not even ten samples are there."""
    seen = _outlook("ramp 40..79 x60, gap 600, flat 50 x3")
    assert seen.total is not None
    assert seen.total.value == pytest.approx(50.0, abs=0.5)
    assert not seen.total.votes
    assert seen.total.why == "only 3 of 10 samples"


def test_a_gap_restarts_the_smoothing_too() -> None:
    """The last forecast before a gap, or before a step that could not be measured apart, is not smoothed into it."""
    policy = make_policy(forecast={"model": "Linear", "minSamples": 2}).spec
    seen = _outlook("flat 90 x10, gap 600, flat 50 x1", policy)
    assert seen.base is not None
    assert seen.base.value == 50.0
    later = _outlook("flat 90 x10, flat 50 x2", policy, since=NOW - 30.0)
    assert later.base is not None
    assert later.base.value == 50.0


def test_samples_that_contain_an_unmeasured_step_are_passed_over() -> None:
    """From `since` on the series begins anew; what lies before is not learned from, and while it lies ahead the
    forecast stays where it was.
    """
    text = "flat 80 x30, flat 60 x10"
    later = _outlook(text, since=NOW - 270.0)
    assert later.base is not None
    assert later.base.value == 60.0
    assert _outlook(text, since=NOW + 30.0).base is None


@pytest.mark.parametrize(("wobble", "votes"), [(2.0, True), (9.0, False)])
def test_a_band_as_wide_as_the_dead_band_does_not_vote(wobble: float, votes: bool) -> None:  # noqa: FBT001 - a table
    """Between 65 and 80 lie 15 points: a wider band cannot tell off from on (requirement F4)."""
    draw, panel = make_dice(), Panel.blank(LINEAR.forecast, interval_s=30.0)
    for index in range(120):
        panel = panel.seen(NOW + 30.0 * (index - 119), 50.0 + draw.uniform(-wobble, wobble))
    seen = look_out(make_sample(50.0), panel, LINEAR, now=NOW)
    assert seen.total is not None
    assert (seen.total.votes, seen.total.width <= 15.0) == (votes, votes)
    assert votes or "wider than 15" in seen.total.why


def test_a_path_needs_errors_and_a_policy_that_lets_it() -> None:
    """Enough forecasts must have met their future, ten samples later; with the model Off there is never a path."""
    enough = f"flat 50 x{CALIBRATED + 10}"
    assert _outlook(f"flat 50 x{CALIBRATED + 9}").path is None
    assert _outlook(enough).path is not None
    assert _outlook(enough, OFF).path is None
    assert _outlook(enough, LINEAR).path is not None


def test_what_memory_stays_under_comes_from_the_path() -> None:
    """Ours on top of the highest base until the horizon, with the chance that is asked for; at least the measured."""
    path = make_path(*[40.0] * 9, 50.0, half=2.0)
    seen = make_outlook(60.0, ours=12.0, path=path)
    assert seen.top_percent(1.0) == pytest.approx(64.0)
    assert seen.top_percent(0.5) == pytest.approx(62.0)
    assert make_outlook(70.0, ours=12.0, path=path).top_percent(1.0) == 70.0
    assert make_outlook(60.0, ours=12.0, path=path, forecast=make_forecast(90.0)).top_percent(0.5) == pytest.approx(62)


@given(low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0), half=st.floats(0.0, 20.0))
def test_to_be_surer_never_promises_less_memory(low: float, high: float, half: float) -> None:
    """The surer it has to be, the more memory it reckons with."""
    seen = make_outlook(60.0, ours=12.0, path=make_path(50.0, half=half))
    less, more = (seen.top_percent(share) for share in sorted((low, high)))
    assert less is not None
    assert more is not None
    assert 60.0 <= less <= more


def test_without_a_path_a_return_reckons_with_the_worse_of_now_and_then() -> None:
    """It must fit on the measured value and on the upper end of a forecast that votes; others do not count."""
    assert make_outlook(60.0, forecast=make_forecast(70.0, half=3.0)).top_percent(0.9) == 73.0
    assert make_outlook(60.0, forecast=make_forecast(40.0, half=3.0)).top_percent(0.9) == 60.0
    assert make_outlook(60.0, forecast=make_forecast(70.0, votes=False)).top_percent(0.9) == 60.0
    assert make_outlook(None).top_percent(0.9) is None
    assert make_outlook(None, path=make_path(50.0)).top_percent(0.9) is None


def test_time_left_is_headroom_over_slope() -> None:
    """At 70 % and a point a minute, 80 % is ten minutes away; without a rising vote there is no such time."""
    rising = make_outlook(70.0, forecast=make_forecast(75.0, slope_per_s=1 / 60))
    assert rising.seconds_to(80.0) == pytest.approx(600.0)
    assert rising.seconds_to(65.0) == 0.0
    assert make_outlook(70.0, forecast=make_forecast(65.0, slope_per_s=-0.1)).seconds_to(80.0) is None
    assert make_outlook(70.0).seconds_to(80.0) is None


@pytest.mark.parametrize(("text", "votes"), [("flat 50 x5", False), ("flat 50 x40", True), ("ramp 40..50 x40", True)])
def test_what_leaks_shortens_the_time_that_is_left(text: str, *, votes: bool) -> None:
    """5 points in the 5 minutes of the horizon are a point a minute, and go on after it: with a forecast that votes
    they come on top of its slope, and where none does they are what is known.
    """
    panel, sample = make_panel(text, policy=LINEAR), make_samples(text)[-1]
    calm = look_out(sample, panel, LINEAR, now=NOW)
    leaking = look_out(sample, panel, LINEAR, now=NOW, growth_percent=5.0)
    base_per_s = calm.voting.slope_per_s if calm.voting else 0.0
    assert ((calm.voting is not None), base_per_s > 0.001) == (votes, text.startswith("ramp"))
    for threshold in (80.0, 95.0):
        left_s = leaking.seconds_to(threshold)
        assert left_s == pytest.approx((threshold - 50.0) / (base_per_s + 1 / 60))
        assert left_s is not None
        assert left_s <= (calm.seconds_to(threshold) or math.inf)


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_bytes_are_no_percentage(limit: int | None) -> None:
    """Nothing is divided by a limit that nobody knows."""
    assert make_outlook(50.0, limit=limit).percent_of(LIMIT) == 0.0
    assert make_outlook(50.0).percent_of(LIMIT // 4) == 25.0


def test_without_a_path_what_was_a_moment_ago_may_be_again() -> None:
    """The highest base of the last five minutes counts, with what is ours now; what lies further back does not."""
    soon, later = _outlook("flat 70 x5, flat 50 x5"), _outlook("flat 70 x5, flat 50 x15")
    assert (soon.path, later.path) == (None, None)
    assert soon.top_percent(0.9) == pytest.approx(70.0)
    assert later.top_percent(0.9) == pytest.approx(50.0)
    assert replace(make_outlook(40.0, ours=12.0), recent_base_percent=60.0).top_percent(0.9) == 72.0

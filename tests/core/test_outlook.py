"""The outlook: what is known of now, what is foreseen, and what our own hand leaves out of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import PolicySpec
from brownout.core.outlook import Outlook, look_out
from brownout.core.sample import Sample, Witness
from brownout.core.window import Window
from tests.builders import make_policy
from tests.worlds import LIMIT, NOW, POLICY, make_forecast, make_outlook, make_sample, make_samples, make_window

LINEAR = make_policy(forecast={"model": "Linear"}).spec


def _outlook(window: Window, policy: PolicySpec = POLICY, *, since: float = 0.0, now: float = NOW) -> Outlook:
    return look_out(window, window.latest, policy, now=now, since=since)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1.0, 1e308])
def test_what_cannot_be_read_is_unknown(value: float | None) -> None:
    """Missing and absurd figures give no percentage and no forecast, and say why."""
    seen = look_out(make_window("flat 50 x30"), Sample(at=NOW, memory_percent=value), POLICY, now=NOW)
    assert (seen.measured_percent, seen.total, seen.witness) == (None, None, Witness.NONE)
    assert seen.why == "memory cannot be read"
    assert look_out(Window(), None, POLICY, now=NOW).why == "nothing has been measured yet"


@pytest.mark.parametrize(("age_s", "known"), [(0.0, True), (90.0, True), (90.1, False), (28800.0, False)])
def test_a_stale_sample_says_nothing_of_now(age_s: float, known: bool) -> None:  # noqa: FBT001 - a table of cases
    """After three intervals without a new sample memory is unknown, not as low as it was."""
    seen = _outlook(make_window("flat 50 x30"), now=NOW + age_s)
    assert (seen.measured_percent is not None) is known
    assert known or f"{age_s:.0f} s old" in seen.why


def test_every_outlook_names_its_witness() -> None:
    """What is known comes from somewhere, and is of some limit."""
    seen = _outlook(make_window("flat 50 x30"))
    assert (seen.measured_percent, seen.limit_bytes, seen.witness) == (50.0, LIMIT, Witness.NODE)


def test_the_total_is_the_base_and_what_is_on() -> None:
    """Of 40..70 % in use with 12 held by voice, the base is forecast and voice added."""
    seen = _outlook(make_window("ramp 40..70 x60", voice=12.0))
    assert seen.base is not None
    assert seen.total is not None
    assert seen.total.value == pytest.approx(seen.base.value + 12.0)
    assert seen.total.width == pytest.approx(seen.base.width)
    assert seen.voting is seen.total


@given(held=st.floats(1.0, 30.0), after=st.integers(1, 20), model=st.sampled_from([POLICY, LINEAR]))
def test_our_own_actions_do_not_move_the_base_forecast(held: float, after: int, model: PolicySpec) -> None:
    """Shedding a measured member leaves the forecast of the base as it is, and takes just it off the total."""
    base = [sample.memory_percent or 0.0 for sample in make_samples("ramp 30..50 x60")]
    left, shed = Window(), Window()
    for index, value in enumerate(base):
        at, on = NOW + 30.0 * (index - 59), index < 60 - after
        left = left.add(make_sample(value + held, at, voice=held))
        shed = shed.add(make_sample(value + held, at, voice=held) if on else make_sample(value, at))
    with_it, without = _outlook(left, model), _outlook(shed, model)
    assert with_it.base is not None
    assert without.base is not None
    assert without.base.value == pytest.approx(with_it.base.value, abs=1e-5)
    assert with_it.total is not None
    assert without.total is not None
    assert with_it.total.value - without.total.value == pytest.approx(held, abs=1e-5)


def test_a_gap_restarts_the_forecast() -> None:
    """After a sleep of eight hours only what came after is learned from, so nothing votes yet."""
    seen = _outlook(make_window("ramp 40..79 x40, gap 600, flat 50 x3"))
    assert seen.total is not None
    assert (seen.total.value, seen.total.votes) == (50.0, False)


def test_a_gap_restarts_the_smoothing_too() -> None:
    """The last forecast before a gap, or before a step that could not be measured apart, is not smoothed into it."""
    policy = make_policy(forecast={"model": "Linear", "minSamples": 2}).spec
    window = make_window("flat 90 x10, gap 600, flat 50 x1")
    seen = look_out(window, window.latest, policy, now=NOW, previous=90.0)
    assert seen.base is not None
    assert seen.base.value == 50.0
    later = make_window("flat 50 x2")
    assert look_out(later, later.latest, policy, now=NOW, previous=90.0).base.value == pytest.approx(62.0)  # type: ignore[union-attr]


def test_samples_that_contain_an_unmeasured_step_are_cut_off() -> None:
    """From `since` on the series begins anew; while it lies ahead there is no forecast at all."""
    window = make_window("flat 80 x30, flat 60 x10")
    assert _outlook(window, since=NOW - 270.0).base.value == 60.0  # type: ignore[union-attr]
    assert _outlook(window, since=NOW + 30.0).base is None


@pytest.mark.parametrize(("wobble", "votes"), [(3.0, True), (7.0, False)])
def test_a_band_as_wide_as_the_dead_band_does_not_vote(wobble: float, votes: bool) -> None:  # noqa: FBT001 - a table
    """Between 65 and 80 lie 15 points: a wider band cannot tell off from on (requirement F4)."""
    window = Window()
    for index in range(60):
        value = 50.0 + (wobble if index % 4 < 2 else -wobble)
        window = window.add(make_sample(value, NOW + 30.0 * (index - 59)))
    seen = _outlook(window, LINEAR)
    assert seen.total is not None
    assert (seen.total.votes, seen.total.width <= 15.0) == (votes, votes)
    assert votes or "wider than 15" in seen.total.why


def test_a_return_reckons_with_the_worse_of_now_and_then() -> None:
    """It must fit on the measured value and on the upper end of a forecast that votes; others do not count."""
    assert make_outlook(60.0, forecast=make_forecast(70.0, half=3.0)).expected_percent == 73.0
    assert make_outlook(60.0, forecast=make_forecast(40.0, half=3.0)).expected_percent == 60.0
    assert make_outlook(60.0, forecast=make_forecast(70.0, votes=False)).expected_percent == 60.0
    assert make_outlook(None).expected_percent is None


def test_time_left_is_headroom_over_slope() -> None:
    """At 70 % and a point a minute, 80 % is ten minutes away; without a rising vote there is no such time."""
    rising = make_outlook(70.0, forecast=make_forecast(75.0, slope_per_s=1 / 60))
    assert rising.seconds_to(80.0) == pytest.approx(600.0)
    assert rising.seconds_to(65.0) == 0.0
    assert make_outlook(70.0, forecast=make_forecast(65.0, slope_per_s=-0.1)).seconds_to(80.0) is None
    assert make_outlook(70.0).seconds_to(80.0) is None


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_bytes_are_no_percentage(limit: int | None) -> None:
    """Nothing is divided by a limit that nobody knows."""
    assert make_outlook(50.0, limit=limit).percent_of(LIMIT) == 0.0
    assert make_outlook(50.0).percent_of(LIMIT // 4) == 25.0

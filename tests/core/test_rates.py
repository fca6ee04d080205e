"""Request rates: what a spike is, and what it never is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Spike
from brownout.core.rates import RequestReading, Served, served_since, spiking
from tests.worlds import NOW

SPIKE = Spike()
RATES = st.floats(0.0, 1e6)


def make_reading(
    rate: float, *, normal: float | None = 4.0, before: float | None = None, within_s: float = 30.0
) -> RequestReading:
    """Make a reading at NOW; what was before is normal unless told otherwise."""
    known = normal if before is None else before
    return RequestReading(at=NOW, within_s=within_s, rate=rate, rate_before=known, normal_rate=normal)


@pytest.mark.parametrize(("rate", "spikes"), [(7.9, False), (8.0, True), (80.0, True), (4.0, False), (0.0, False)])
def test_twice_the_normal_rate_is_a_spike(rate: float, spikes: bool) -> None:  # noqa: FBT001
    """At or above counts (requirement D5): normal are 4 requests/s."""
    assert spiking(make_reading(rate), SPIKE, already=False) is spikes


@pytest.mark.parametrize(("normal", "rate"), [(0.01, 0.02), (0.0, 0.3), (0.1, 0.4), (0.3, 0.6)])
def test_a_few_requests_more_are_chance(normal: float, rate: float) -> None:
    """Twice of next to nothing is no spike: so many more in 30 s come by chance."""
    assert not spiking(make_reading(rate, normal=normal), SPIKE, already=True)


def test_requests_where_there_never_were_any_are_a_spike() -> None:
    """Eleven in 30 s where none are normal: no factor is needed to see that."""
    assert spiking(make_reading(11 / 30, normal=0.0), SPIKE, already=False)


@given(rate=RATES, before=RATES | st.none(), already=st.booleans())
def test_without_a_known_normal_rate_there_is_no_spike(rate: float, before: float | None, already: bool) -> None:  # noqa: FBT001
    """Unknown is never compared with."""
    reading = RequestReading(at=NOW, within_s=30.0, rate=rate, rate_before=before, normal_rate=None)
    assert not spiking(reading, SPIKE, already=already)


@given(normal=RATES, before=RATES, factor=st.floats(1.01, 10.0))
def test_a_slow_rise_is_no_spike_but_a_spike_may_last(normal: float, before: float, factor: float) -> None:
    """Where the rate was nearer to the spike than to normal before, it did not jump; one that is on stays on."""
    spike = Spike(factor=factor)
    reading = make_reading(10.0 * factor * (normal + 10.0), normal=normal, before=before)
    assert spiking(reading, spike, already=True)
    assert spiking(reading, spike, already=False) is (before <= (1.0 + factor) * normal / 2.0)


def test_the_first_minutes_know_no_before() -> None:
    """A jump needs something to jump from."""
    reading = RequestReading(at=NOW, within_s=30.0, rate=99.0, rate_before=None, normal_rate=4.0)
    assert not spiking(reading, SPIKE, already=False)


@pytest.mark.parametrize("absurd", [math.nan, math.inf])
def test_an_absurd_rate_is_no_spike(absurd: float) -> None:
    """What is no number triggers nothing."""
    assert not spiking(make_reading(absurd), SPIKE, already=True)


def make_totals(requests: int, *, failures: int = 0, timed: int = 0, response_ms_sum: float = 0.0) -> RequestReading:
    """Make a reading of which only the totals matter."""
    return RequestReading(
        at=NOW,
        within_s=30.0,
        rate=0.0,
        requests=requests,
        failures=failures,
        timed=timed,
        response_ms_sum=response_ms_sum,
    )


def test_what_came_between_two_readings() -> None:
    """Differences of totals, and the mean response of those that were timed."""
    before = make_totals(10, failures=1, timed=9, response_ms_sum=900.0)
    now = make_totals(14, failures=2, timed=12, response_ms_sum=1500.0)
    assert served_since(before, now) == Served(requests=4, errors=1, response_ms=200.0)
    assert served_since(now, now) == Served(requests=0, errors=0, response_ms=None)


def test_of_a_meter_that_began_anew_everything_is_new() -> None:
    """Totals never shrink: a smaller one is another meter's."""
    assert served_since(make_totals(10), make_totals(3)) == served_since(None, make_totals(3))
    assert served_since(None, make_totals(3, failures=1)) == Served(requests=3, errors=1)

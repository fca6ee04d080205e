"""What every RequestMeter promises, on the counts and on the fake."""

from collections.abc import Callable
from typing import Protocol

import pytest

from brownout.core.instant import Instant
from brownout.core.rates import RequestReading, served_since
from brownout.core.response_times import quantile_ms
from brownout.engine.ports import RequestMeter
from brownout.engine.request_counts import RequestCounts
from tests.fakes import FakeRequestMeter

NOW = 1_767_323_041.0
WITHIN_S = 30.0


class Meter(RequestMeter, Protocol):
    """A meter that can be told of requests."""

    def count(self, key: str, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request has ended."""
        ...


@pytest.fixture(params=[RequestCounts, FakeRequestMeter], ids=["counts", "fake"])
def meter(request: pytest.FixtureRequest) -> Meter:
    """Each kind of meter, new."""
    make: Callable[[], Meter] = request.param
    return make()


def tell(meter: Meter, *, since: Instant, until: Instant, rate: float, key: str = "voice") -> None:
    """Requests at a steady rate, each of 50 ms."""
    for index in range(round((until - since) * rate)):
        meter.count(key, since + index / rate, response_ms=50.0, failed=False)


def read(meter: Meter, now: Instant = NOW, key: str = "voice") -> RequestReading:
    """The reading of one integration."""
    return meter.readings(now=now, within_s=WITHIN_S)[key]


def test_of_who_was_never_asked_nothing_is_known(meter: Meter) -> None:
    """No reading, rather than one of zeros."""
    assert meter.readings(now=NOW, within_s=WITHIN_S) == {}


def test_a_steady_rate_is_normal(meter: Meter) -> None:
    """Two requests a second for half an hour: that is the rate, was the rate, and is the normal rate."""
    tell(meter, since=NOW - 1800.0, until=NOW, rate=2.0)
    reading = read(meter)
    assert reading.rate == pytest.approx(2.0, rel=0.05)
    assert reading.rate_before == pytest.approx(2.0, rel=0.05)
    assert reading.normal_rate == pytest.approx(2.0, rel=0.05)


def test_a_minute_knows_no_normal_rate(meter: Meter) -> None:
    """Nor what was before it: unknown, not zero and not what is now."""
    tell(meter, since=NOW - 60.0, until=NOW, rate=2.0)
    reading = read(meter)
    assert reading.rate == pytest.approx(2.0, rel=0.05)
    assert (reading.rate_before, reading.normal_rate) == (None, None)


def test_a_jump_leaves_the_normal_rate_alone(meter: Meter) -> None:
    """After half a minute of five times as much the rate is that, and the normal rate is what it was."""
    tell(meter, since=NOW - 1800.0, until=NOW - 31.0, rate=2.0)
    tell(meter, since=NOW - 31.0, until=NOW, rate=10.0)
    reading = read(meter)
    assert reading.rate == pytest.approx(10.0, rel=0.05)
    assert reading.rate_before == pytest.approx(2.0, rel=0.05)
    assert reading.normal_rate == pytest.approx(2.0, rel=0.05)


def test_how_they_went(meter: Meter) -> None:
    """The mean response of those that were timed, the share that failed, and totals of everything."""
    for ms, failed in ((100.0, False), (300.0, False), (None, True), (500.0, True)):
        meter.count("voice", NOW - 5.0, response_ms=ms, failed=failed)
    meter.count("voice", NOW - 300.0, response_ms=7.0, failed=True)
    reading = read(meter)
    assert (reading.response_ms, reading.failure_share, reading.recent) == (300.0, 0.5, 4)
    assert (reading.requests, reading.failures, reading.timed, reading.response_ms_sum) == (5, 3, 4, 907.0)


def test_silence_is_a_rate_of_zero(meter: Meter) -> None:
    """Of requests that did not come no response time and no failures are told; the totals stay."""
    tell(meter, since=NOW - 1800.0, until=NOW - 120.0, rate=2.0)
    reading = read(meter)
    assert (reading.rate, reading.recent, reading.response_ms, reading.failure_share) == (0.0, 0, None, None)
    assert reading.requests == 3360


def test_reading_changes_nothing(meter: Meter) -> None:
    """Whoever reads takes nothing from the next one."""
    tell(meter, since=NOW - 900.0, until=NOW, rate=1.0)
    assert read(meter) == read(meter)
    assert served_since(read(meter), read(meter)).requests == 0


def test_each_integration_has_its_own(meter: Meter) -> None:
    """Requests to one are no requests to another."""
    tell(meter, since=NOW - 60.0, until=NOW, rate=1.0)
    tell(meter, since=NOW - 60.0, until=NOW, rate=4.0, key="android")
    assert read(meter, key="android").requests == 4 * read(meter).requests


def test_response_times_are_counted_by_their_length(meter: Meter) -> None:
    """Of a hundred requests five are slow: within which time 95 of them were answered is known to a fifth."""
    for index in range(100):
        meter.count("voice", NOW - 100.0 + index, response_ms=2000.0 if index % 20 == 0 else 50.0, failed=False)
    meter.count("voice", NOW - 1.0, response_ms=None, failed=True)
    reading = read(meter)
    assert sum(reading.times) == reading.timed == 100
    assert quantile_ms(reading.times, 0.95) == pytest.approx(50.0, rel=0.19)
    assert quantile_ms(reading.times, 0.96) == pytest.approx(2000.0, rel=0.19)

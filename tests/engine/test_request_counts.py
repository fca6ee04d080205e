"""Request counts: bounded in memory, exact as far as their buckets are, and proof against nonsense."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.engine.request_counts import BUCKETS, MOST_KEYS, SPANS, RequestCounts

NOW = 1_767_323_041.0


def test_memory_is_bounded_in_time() -> None:
    """A week of requests takes what an hour takes."""
    counts = RequestCounts()
    for minute in range(7 * 24 * 60):
        counts.count("voice", NOW + 60.0 * minute, response_ms=5.0, failed=False)
    (known,) = counts._known.values()
    assert (len(known._buckets._counts), len(known._spans._counts)) == (BUCKETS, SPANS)
    assert len(known._outcomes) <= 6


def test_memory_is_bounded_in_integrations() -> None:
    """Of more than a thousand the one that was asked longest ago is forgotten."""
    counts = RequestCounts()
    for index in range(MOST_KEYS + 1):
        counts.count(f"voice-{index}", NOW, response_ms=None, failed=False)
        counts.count("voice-0", NOW, response_ms=None, failed=False)
    known = counts.readings(now=NOW, within_s=30.0)
    assert len(known) == MOST_KEYS
    assert "voice-0" in known
    assert "voice-1" not in known


@pytest.mark.parametrize("absurd", [math.nan, math.inf, -math.inf, -1.0])
def test_absurd_response_times_are_unknown(absurd: float) -> None:
    """The request counts, its time does not."""
    counts = RequestCounts()
    counts.count("voice", NOW, response_ms=absurd, failed=False)
    reading = counts.readings(now=NOW, within_s=30.0)["voice"]
    assert (reading.requests, reading.timed, reading.response_ms) == (1, 0, None)


@pytest.mark.parametrize("absurd", [math.nan, math.inf, -math.inf])
def test_a_request_at_no_time_is_none(absurd: float) -> None:
    """There is no bucket for it."""
    counts = RequestCounts()
    counts.count("voice", absurd, response_ms=1.0, failed=False)
    assert counts.readings(now=NOW, within_s=30.0) == {}


def test_another_span_begins_anew() -> None:
    """Buckets of another length cannot be told from these; until they are full nothing is normal. Totals stay."""
    counts = RequestCounts()
    for second in range(1800):
        counts.count("voice", NOW - second, response_ms=1.0, failed=False)
    assert counts.readings(now=NOW, within_s=30.0)["voice"].normal_rate == pytest.approx(1.0)
    reading = counts.readings(now=NOW, within_s=60.0)["voice"]
    assert (reading.normal_rate, reading.rate, reading.requests) == (None, 0.0, 1800)


def test_one_request_from_long_ago_makes_no_rate_normal() -> None:
    """What ended an hour ago and is told now says nothing of the hour between."""
    counts = RequestCounts()
    for at in (NOW, NOW - 3500.0):
        counts.count("voice", at, response_ms=1.0, failed=False)
    assert counts.readings(now=NOW, within_s=30.0)["voice"].normal_rate is None


@given(offsets=st.lists(st.floats(0.0, 4000.0), max_size=60), late=st.floats(0.0, 100.0))
def test_nothing_that_came_is_lost_or_counted_twice(offsets: list[float], late: float) -> None:
    """In whatever order requests end: the present span holds those of its buckets, the totals hold all."""
    counts = RequestCounts()
    for offset in offsets:
        counts.count("voice", NOW + offset, response_ms=None, failed=False)
    now = NOW + max(offsets, default=0.0) + late
    readings = counts.readings(now=now, within_s=30.0)
    buckets = Counter((NOW + offset) // 5.0 for offset in offsets)
    current = now // 5.0
    expected = sum(count for bucket, count in buckets.items() if current - 6 < bucket <= current)
    assert [reading.requests for reading in readings.values()] == [len(offsets)] * bool(offsets)
    assert [reading.recent for reading in readings.values()] == [expected] * bool(offsets)

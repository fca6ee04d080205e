"""Request counts: a RequestMeter that counts what it is told, in memory that does not grow.

For each integration the last two minutes in buckets of 5 s and the last hour in spans of 30 s; these lengths are for a
spike that must rise within 30 s, and follow it. They take 2.1 KB; reading 1000 integrations takes 8 ms, and 30 ms once
in a span. To be used from one thread; it routes nothing and decides nothing.
"""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Final

from brownout.core.instant import Instant
from brownout.core.rates import RequestReading
from brownout.core.response_times import STEPS, step_of

#: Integrations that are counted; beyond them the one that was asked longest ago is forgotten.
MOST_KEYS: Final = 1000
SPANS: Final = 120
_PER_SPAN: Final = 6
BUCKETS: Final = 4 * _PER_SPAN
# 20 spans, 10 minutes at 30 s: with fewer a median is not yet the normal rate.
_ENOUGH_SPANS: Final = 20
_DEFAULT_WITHIN_S: Final = 30.0


class RequestCounts:
    """A RequestMeter. `count` is called by whoever routes requests, once for each that has ended."""

    def __init__(self) -> None:
        self._bucket_s = _DEFAULT_WITHIN_S / _PER_SPAN
        self._known: dict[str, _Requests] = {}

    def count(self, key: str, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request to an integration has ended at `at`. A response time that makes no sense counts as unknown."""
        if not math.isfinite(at):
            return
        counted = self._known.pop(key, None)
        if counted is None:
            self._make_room()
            counted = _Requests(self._bucket_s)
        self._known[key] = counted  # at the end: asked last
        counted.count(at, response_ms=_sound(response_ms), failed=failed)

    def readings(self, *, now: Instant, within_s: float) -> Mapping[str, RequestReading]:
        """What is known of each integration that was ever asked. Another `within_s` begins all of them anew."""
        if within_s / _PER_SPAN != self._bucket_s:
            self._bucket_s = within_s / _PER_SPAN
            for counted in self._known.values():
                counted.begin(self._bucket_s)
        return MappingProxyType({key: counted.reading(now) for key, counted in self._known.items()})

    def _make_room(self) -> None:
        if len(self._known) >= MOST_KEYS:
            del self._known[next(iter(self._known))]


@dataclass(slots=True)
class _Bucket:
    """How the requests of one bucket went."""

    failures: int = 0
    timed: int = 0
    response_ms: float = 0.0


class _Ring:
    """Counts in slots of time, numbered since 1970, of which the newest `size` are remembered."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._counts = array("I", [0]) * size
        self._last: int | None = None

    def add(self, slot: int) -> None:
        """Count one in a slot; one that is not remembered any more is passed over."""
        self.turn_to(slot)
        if self._remembers(slot):
            self._counts[slot % self._size] += 1

    def turn_to(self, slot: int) -> None:
        """Empty the slots that time has passed by, so that they can be used again."""
        last = slot if self._last is None else self._last
        for passed in range(max(last + 1, slot - self._size + 1), slot + 1):
            self._counts[passed % self._size] = 0
        self._last = max(last, slot)

    def counted(self, slots: range) -> list[int]:
        """The counts of slots, of those that are remembered."""
        return [self._counts[slot % self._size] for slot in slots if self._remembers(slot)]

    def _remembers(self, slot: int) -> bool:
        return self._last is not None and self._last - self._size < slot <= self._last


class _Requests:
    """The counts of one integration. `_first` is its first bucket, which need not have been counted in full."""

    def __init__(self, bucket_s: float) -> None:
        self._requests = self._failures = self._timed = 0
        self._response_ms = 0.0
        self._times = array("I", [0]) * STEPS
        self.begin(bucket_s)

    def begin(self, bucket_s: float) -> None:
        """Nothing is known of earlier times; totals stay."""
        self._bucket_s = bucket_s
        self._buckets, self._spans = _Ring(BUCKETS), _Ring(SPANS)
        self._outcomes: dict[int, _Bucket] = {}  # of the present span
        self._first: int | None = None
        self._normal: tuple[int, float | None] = (-1, None)

    def count(self, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request; one from before what is remembered counts in the totals alone."""
        self._requests, self._failures = self._requests + 1, self._failures + failed
        bucket = int(at // self._bucket_s)
        if self._first is None or self._first - BUCKETS < bucket:  # one from long ago makes nothing known between
            self._first = bucket if self._first is None else min(self._first, bucket)
        self._buckets.add(bucket)
        self._spans.add(bucket // _PER_SPAN)
        outcome = self._outcomes.setdefault(bucket, _Bucket())
        outcome.failures += failed
        if response_ms is not None:
            self._timed, self._response_ms = self._timed + 1, self._response_ms + response_ms
            self._times[step_of(response_ms)] += 1
            outcome.timed, outcome.response_ms = outcome.timed + 1, outcome.response_ms + response_ms
        self._drop_outcomes(max(self._outcomes))

    def reading(self, now: Instant) -> RequestReading:
        """The figures as of now. The present bucket counts with as much time as it has had."""
        current = int(now // self._bucket_s)
        self._buckets.turn_to(current)
        self._drop_outcomes(current)
        within_s = _PER_SPAN * self._bucket_s
        recent = sum(self._buckets.counted(_span_before(current + 1)))
        outcomes = [each for bucket, each in self._outcomes.items() if bucket <= current]
        timed = sum(each.timed for each in outcomes)
        return RequestReading(
            at=now,
            within_s=within_s,
            rate=recent / (within_s - (current + 1) * self._bucket_s + now),
            rate_before=self._rate_before(current),
            normal_rate=self._normal_rate(current),
            response_ms=sum(each.response_ms for each in outcomes) / timed if timed else None,
            failure_share=sum(each.failures for each in outcomes) / recent if recent else None,
            recent=recent,
            requests=self._requests,
            failures=self._failures,
            timed=self._timed,
            response_ms_sum=self._response_ms,
            times=tuple(self._times),
        )

    def _rate_before(self, current: int) -> float | None:
        """The rate of the span that ended two spans ago; None where it is not all known."""
        slots = _span_before(current - 2 * _PER_SPAN + 1)
        if self._first is None or slots.start <= self._first:
            return None
        return sum(self._buckets.counted(slots)) / (_PER_SPAN * self._bucket_s)

    def _normal_rate(self, current: int) -> float | None:
        """The median of the whole spans before the present one; None of too few. Made once for each span."""
        present = (current - _PER_SPAN + 1) // _PER_SPAN
        if self._normal[0] != present:
            self._normal = present, self._median(present)
        return self._normal[1]

    def _median(self, present: int) -> float | None:
        if self._first is None:
            return None
        self._spans.turn_to(present)
        counts = self._spans.counted(range(max(self._first // _PER_SPAN, present - SPANS) + 1, present))
        return median(counts) / (_PER_SPAN * self._bucket_s) if len(counts) >= _ENOUGH_SPANS else None

    def _drop_outcomes(self, current: int) -> None:
        for old in [bucket for bucket in self._outcomes if bucket <= current - _PER_SPAN]:
            del self._outcomes[old]


def _span_before(end: int) -> range:
    """The buckets of the span that ends before the bucket `end`."""
    return range(end - _PER_SPAN, end)


def _sound(response_ms: float | None) -> float | None:
    return response_ms if response_ms is not None and math.isfinite(response_ms) and response_ms >= 0.0 else None

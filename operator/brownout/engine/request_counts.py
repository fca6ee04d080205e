"""Request counts: a RequestMeter that counts what it is told, in memory that does not grow.

For each integration a ring of 720 buckets, six to the span within which a spike must rise (30 s: buckets of 5 s, one
hour in all). A ring takes 3 KB. To be used from one thread; it routes nothing and decides nothing.
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

#: Integrations with a ring of their own, 3 MB; beyond them the one that was asked longest ago is forgotten.
MOST_KEYS: Final = 1000
BUCKETS: Final = 720
_PER_SPAN: Final = 6
# 20 spans, 10 minutes at 30 s: with fewer a median is not yet the normal rate.
_ENOUGH_SPANS: Final = 20
_DEFAULT_WITHIN_S: Final = 30.0


class RequestCounts:
    """A RequestMeter. `count` is called by whoever routes requests, once for each that has ended."""

    def __init__(self) -> None:
        self._bucket_s = _DEFAULT_WITHIN_S / _PER_SPAN
        self._rings: dict[str, _Ring] = {}

    def count(self, key: str, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request to an integration has ended at `at`. A response time that makes no sense counts as unknown."""
        if not math.isfinite(at):
            return
        ring = self._rings.pop(key, None)
        if ring is None:
            self._make_room()
            ring = _Ring(self._bucket_s)
        self._rings[key] = ring  # at the end: asked last
        ring.count(at, response_ms=_sound(response_ms), failed=failed)

    def readings(self, *, now: Instant, within_s: float) -> Mapping[str, RequestReading]:
        """What is known of each integration that was ever asked. Another `within_s` begins all rings anew."""
        if within_s / _PER_SPAN != self._bucket_s:
            self._bucket_s = within_s / _PER_SPAN
            for ring in self._rings.values():
                ring.begin(self._bucket_s)
        return MappingProxyType({key: ring.reading(now) for key, ring in self._rings.items()})

    def _make_room(self) -> None:
        if len(self._rings) >= MOST_KEYS:
            del self._rings[next(iter(self._rings))]


@dataclass(slots=True)
class _Bucket:
    """How the requests of one bucket went."""

    failures: int = 0
    timed: int = 0
    response_ms: float = 0.0


class _Ring:
    """The counts of one integration. `_last` is the number of its newest bucket since 1970, `_first` of its first."""

    def __init__(self, bucket_s: float) -> None:
        self._requests = self._failures = self._timed = 0
        self._response_ms = 0.0
        self.begin(bucket_s)

    def begin(self, bucket_s: float) -> None:
        """An empty ring; totals stay."""
        self._bucket_s = bucket_s
        self._counts = array("I", [0]) * BUCKETS
        self._outcomes: dict[int, _Bucket] = {}  # of the present span
        self._first: int | None = None
        self._last = 0
        self._normal: tuple[int, float | None] = (-1, None)

    def count(self, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request; one from before the ring's memory counts in the totals alone."""
        self._requests, self._failures = self._requests + 1, self._failures + failed
        bucket = int(at // self._bucket_s)
        if self._first is None:
            self._first = self._last = bucket
        self._turn_to(bucket)
        if bucket > self._last - BUCKETS:
            self._first = min(self._first, bucket)
            self._counts[bucket % BUCKETS] += 1
        outcome = self._outcomes.setdefault(bucket, _Bucket()) if bucket > self._last - _PER_SPAN else _Bucket()
        outcome.failures += failed
        if response_ms is not None:
            self._timed, self._response_ms = self._timed + 1, self._response_ms + response_ms
            outcome.timed, outcome.response_ms = outcome.timed + 1, outcome.response_ms + response_ms

    def reading(self, now: Instant) -> RequestReading:
        """The figures as of now. The present bucket counts with as much time as it has had."""
        current = int(now // self._bucket_s)
        self._turn_to(current)
        within_s = _PER_SPAN * self._bucket_s
        recent = self._sum(current + 1)
        outcomes = [each for bucket, each in self._outcomes.items() if current - _PER_SPAN < bucket <= current]
        timed = sum(each.timed for each in outcomes)
        covered_s = within_s - (current + 1) * self._bucket_s + now
        return RequestReading(
            at=now,
            within_s=within_s,
            rate=recent / max(covered_s, self._bucket_s),
            rate_before=self._rate_before(current),
            normal_rate=self._normal_rate(current),
            response_ms=sum(each.response_ms for each in outcomes) / timed if timed else None,
            failure_share=sum(each.failures for each in outcomes) / recent if recent else None,
            recent=recent,
            requests=self._requests,
            failures=self._failures,
            timed=self._timed,
            response_ms_sum=self._response_ms,
        )

    def _rate_before(self, current: int) -> float | None:
        """The rate of the span that ended two spans ago; None where it is not all known."""
        end = current - 2 * _PER_SPAN + 1
        if self._first is None or end - _PER_SPAN <= self._first:
            return None
        return self._sum(end) / (_PER_SPAN * self._bucket_s)

    def _normal_rate(self, current: int) -> float | None:
        """The median of all whole spans before the present one; None of too few. Made once for each bucket."""
        if self._normal[0] != current:
            self._normal = current, self._median(current)
        return self._normal[1]

    def _median(self, current: int) -> float | None:
        if self._first is None:
            return None
        oldest = max(self._first, current - BUCKETS) + 1  # the first bucket of all was not counted in full
        ends = range(current - _PER_SPAN + 1, oldest + _PER_SPAN - 1, -_PER_SPAN)
        spans = [self._sum(end) for end in ends]
        return median(spans) / (_PER_SPAN * self._bucket_s) if len(spans) >= _ENOUGH_SPANS else None

    def _sum(self, end: int) -> int:
        """The requests of the span that ends before the bucket `end`."""
        buckets = range(end - _PER_SPAN, end)
        return sum(self._counts[bucket % BUCKETS] for bucket in buckets if bucket > self._last - BUCKETS)

    def _turn_to(self, bucket: int) -> None:
        """Empty the buckets that time has passed by, so that they can be used again."""
        for passed in range(max(self._last + 1, bucket - BUCKETS + 1), bucket + 1):
            self._counts[passed % BUCKETS] = 0
        self._last = max(self._last, bucket)
        for old in [each for each in self._outcomes if each <= self._last - _PER_SPAN]:
            del self._outcomes[old]


def _sound(response_ms: float | None) -> float | None:
    return response_ms if response_ms is not None and math.isfinite(response_ms) and response_ms >= 0.0 else None

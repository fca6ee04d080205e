"""Request rates: how many come now, how many are normal, and whether they have jumped. Pure.

A spike (requirement D5): the rate of the last 30 s is twice the normal one, and a moment ago it was not. The normal
rate is a median over the last hour, which a spike of minutes does not move and a lasting change becomes.
"""

import math
from dataclasses import dataclass

from brownout.api.policy import Spike
from brownout.core.instant import Instant
from brownout.core.response_times import NO_TIMES, between

# Requests that arrive by chance scatter by the root of their number (Poisson). Five times that is met by chance once
# in weeks; of fewer than 4 expected ones the root says too little, so that a spike is at least 10 more than normal.
CHANCE = 5.0
FEWEST_EXPECTED = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReading:
    """Requests to one integration as of `at`. Rates are requests per second over `within_s`; None: not known yet.

    `rate_before` is that of as long a time, twice that time ago. The totals only grow, so that two readings tell
    what came between them; `timed` are the requests whose response time is known, and
    `times` counts them by their length (see response_times).
    """

    at: Instant
    within_s: float
    rate: float
    rate_before: float | None = None
    normal_rate: float | None = None
    response_ms: float | None = None  # mean of the last `within_s`
    failure_share: float | None = None  # of the last `within_s`, 0 to 1
    recent: int = 0  # requests of the last `within_s`
    requests: int = 0
    failures: int = 0
    timed: int = 0
    response_ms_sum: float = 0.0
    times: tuple[int, ...] = NO_TIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one integration served between two samples: for the history. `response_ms` is the mean."""

    requests: int
    errors: int
    response_ms: float | None = None
    times: tuple[int, ...] = NO_TIMES


def served_since(before: RequestReading | None, now: RequestReading) -> Served:
    """What came between two readings; of a meter that began anew, all that it has counted since."""
    fresh = before is None or before.requests > now.requests
    past = RequestReading(at=0.0, within_s=1.0, rate=0.0) if fresh or before is None else before
    timed = now.timed - past.timed
    return Served(
        requests=now.requests - past.requests,
        errors=now.failures - past.failures,
        response_ms=(now.response_ms_sum - past.response_ms_sum) / timed if timed > 0 else None,
        times=between(past.times, now.times),
    )


def spiking(reading: RequestReading, spike: Spike, *, already: bool) -> bool:
    """Whether requests have jumped to `factor` times the normal rate within `within`; and whether that still lasts.

    A rise that took longer is no spike: twice that time ago the rate must have been nearer to normal than to the
    spike. Without a known normal rate there is none.
    """
    normal = reading.normal_rate
    if normal is None or not math.isfinite(reading.rate) or reading.rate < spike.factor * normal:
        return False
    if not _more_than_chance(reading.rate * reading.within_s, normal * reading.within_s):
        return False
    before = reading.rate_before
    return already or (before is not None and before <= 0.5 * (normal + spike.factor * normal))


def _more_than_chance(seen: float, expected: float) -> bool:
    return seen - expected > CHANCE * math.sqrt(max(expected, FEWEST_EXPECTED))

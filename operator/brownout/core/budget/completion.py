"""Whether a run can still be completed within its limits, from what it used for each part of its work.

Usage is taken as a random walk with drift, over progress instead of time: each part of the work costs its share on
average, and the scatter adds up. The forecast is the drift method with its interval, standard deviation
s * sqrt(h * (1 + h / T)) for the h that is left after the T that is done (Hyndman and Athanasopoulos, Forecasting:
Principles and Practice, 3rd edition, 5.2 and 5.5). Points need not be evenly spaced: each step is weighted by the
progress it made. Student's t takes the place of the normal, because there are few points.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from brownout.core.budget.limits import Limits, whole_limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.points import Point
from brownout.core.budget.usage import NOTHING_USED
from brownout.core.linear import student_quantile

CONFIDENCE_PERCENT = 90.0
FEWEST_STEPS = 4  # of fewer the scatter is unknown: with 4, Student's t is 2.4 where the normal is 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a measure will have taken at the end, with the bounds of a 90 % interval, and its limit."""

    needed: float
    lower: float
    upper: float
    limit: float

    @property
    def possible(self) -> bool | None:
        """Whether it suffices; None where the limit lies within the interval."""
        return True if self.upper <= self.limit else False if self.lower > self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Whether completion is possible; None: not known, because of too few points or of a limit within the interval.

    `likely_stop` is the limit that the run will hit first at its present rate, None where none is expected to be hit.
    As a truth value it is False only where completion is known to be impossible.
    """

    possible: bool | None
    likely_stop: Measure | None = None
    estimates: Mapping[Measure, Estimate] = field(default_factory=lambda: MappingProxyType({}))
    message: str = ""

    def __bool__(self) -> bool:
        return self.possible is not False


def completion(limits: Limits, points: Sequence[Point]) -> Completion:
    """From the points so far, oldest first, the last of them now. A run begins with nothing done and nothing used."""
    if not (bounds := whole_limits(limits)):
        return Completion(possible=True, message="there is no limit")
    now = points[-1] if points else Point(progress=0.0, usage=NOTHING_USED)
    if spent := [measure for measure, limit in bounds.items() if _spent(now, measure, limit)]:
        return Completion(possible=False, likely_stop=spent[0], message=f"{', '.join(spent)}: the limit is reached")
    steps = _steps(points)
    if now.progress < 1.0 and len(steps) < FEWEST_STEPS:
        known = f"only {len(steps)} steps of progress are known, an estimate needs {FEWEST_STEPS}"
        return Completion(possible=None, message=known)
    estimates = {measure: _estimate(measure, limit, now, steps) for measure, limit in bounds.items()}
    return _verdict(estimates, now)


def completion_document(found: Completion) -> dict[str, Any]:
    """An estimate as JSON."""
    return {
        "possible": found.possible,
        "likelyStop": str(found.likely_stop) if found.likely_stop else None,
        "message": found.message,
        "estimates": {
            str(measure): {"needed": each.needed, "lower": each.lower, "upper": each.upper, "limit": each.limit}
            for measure, each in found.estimates.items()
        },
    }


def _spent(now: Point, measure: Measure, limit: float) -> bool:
    used = now.usage.of(measure)
    return used > limit or (now.progress < 1.0 and used >= limit > 0)


def _steps(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Pairs between which there was progress. After a step back (work done anew) it counts from where it was before."""
    steps, last = [], Point(progress=0.0, usage=NOTHING_USED)
    for point in points:
        if point.progress > last.progress:
            steps.append((last, point))
            last = point
    return steps


def _estimate(measure: Measure, limit: float, now: Point, steps: Sequence[tuple[Point, Point]]) -> Estimate:
    used, left = now.usage.of(measure), 1.0 - now.progress
    if left <= 0.0:
        return Estimate(needed=used, lower=used, upper=used, limit=limit)
    made = [(b.progress - a.progress, b.usage.of(measure) - a.usage.of(measure)) for a, b in steps]
    done = sum(progress for progress, _ in made)
    rate = sum(amount for _, amount in made) / done
    scatter = sum((amount - rate * progress) ** 2 / progress for progress, amount in made) / (len(made) - 1)
    half = student_quantile(CONFIDENCE_PERCENT, len(made) - 1) * math.sqrt(scatter * left * (1.0 + left / done))
    needed = used + rate * left
    return Estimate(needed=needed, lower=max(used, needed - half), upper=needed + half, limit=limit)


def _verdict(estimates: Mapping[Measure, Estimate], now: Point) -> Completion:
    answers = {estimate.possible for estimate in estimates.values()}
    possible = False if False in answers else None if None in answers else True
    shares = {measure: _share_left(estimate, now.usage.of(measure)) for measure, estimate in estimates.items()}
    first = min(shares, key=lambda measure: shares[measure])
    likely = first if shares[first] < 1.0 else None
    words = {True: "it fits", False: "it does not fit", None: "it may or may not fit"}[possible]
    return Completion(possible=possible, likely_stop=likely, estimates=MappingProxyType(dict(estimates)), message=words)


def _share_left(estimate: Estimate, used: float) -> float:
    """Which share of what is still needed the limit has room for; the least of them is hit first."""
    return (estimate.limit - used) / (estimate.needed - used) if estimate.needed > used else math.inf

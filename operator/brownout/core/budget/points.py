"""What a run had used when so much of its work was done: the points that an estimate is made from. A few of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from brownout.core.budget.advice import checked_progress
from brownout.core.budget.usage import Usage

MOST_POINTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was used in all by the time that this much of the work was done."""

    progress: float
    usage: Usage


def added(points: Sequence[Point], point: Point) -> tuple[Point, ...]:
    """The points with a newer one; of more than 64 every second is left out, so that the whole run stays in view."""
    checked_progress(point.progress)
    kept = (*points, point)
    return kept if len(kept) <= MOST_POINTS else (*kept[:-1][::2], point)

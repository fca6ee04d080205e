"""Anomalies: samples of a resource that lie far from what its own window holds usual (requirement S5). Pure.

The centre is the median and the spread the median absolute deviation (MAD), which the anomalies themselves do not
move: 1.4826 * MAD is the standard deviation of normal data (Hampel 1974, "The influence curve and its role in robust
estimation"). A mean and its deviation would be drawn along by the very samples that they are to find.
"""

from dataclasses import dataclass
from statistics import median

from brownout.core.instant import Instant
from brownout.core.sample import Resource
from brownout.core.window import Window

SIGMAS = 3.0
SIGMA_OF_MAD = 1.4826
# Where more than half of the samples are equal the MAD is 0, and any other sample would be endlessly far off. A tenth
# of a point is what a machine at rest moves by itself.
LEAST_SIGMA_PERCENT = 0.1
# Of fewer samples half says nothing about what is usual.
ENOUGH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One sample that is unusual: its percentage, and how many sigmas above (or below, negative) the centre it is."""

    at: Instant
    percent: float
    sigmas: float


def anomalies(window: Window, resource: Resource, *, beyond: float = SIGMAS) -> tuple[Anomaly, ...]:
    """The samples more than `beyond` sigmas from the window's centre, oldest first; none of fewer than ten samples."""
    points = window.points(resource)
    if len(points) < ENOUGH:
        return ()
    centre = median(value for _, value in points)
    mad = median(abs(value - centre) for _, value in points)
    sigma = max(LEAST_SIGMA_PERCENT, SIGMA_OF_MAD * mad)
    far = ((at, value, (value - centre) / sigma) for at, value in points)
    return tuple(Anomaly(at=at, percent=value, sigmas=sigmas) for at, value, sigmas in far if abs(sigmas) > beyond)

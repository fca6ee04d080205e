"""Signals: what every forecaster may look at, worked out once for all of them when a point arrives."""

from dataclasses import dataclass

from brownout.core.instant import Instant
from brownout.core.window import Point

# The last value is looked at as far back as the longest line that the default policy fits, and a little more.
KEPT = 61
# Shares of the new value in the running means: a mean of about 2, 3, 6, 14, 25 and 500 points.
SHARES = (0.5, 0.3, 0.15, 0.07, 0.04, 0.002)
# What the regressions see of a point, each a distance in percentage points; the constant lets them learn a drift.
FEATURES = (
    "constant",
    "step",
    "step before",
    "to 5 ago",
    "to 10 ago",
    "to mean of 3",
    "to mean of 25",
    "to mean of 500",
)
# Weights that bring the features to a like size, which keeps the recursive fit well conditioned.
_CONSTANT = 0.3
_FAR_SHARE = 1.0 / 3.0

Features = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The newest points (oldest first) of a series with even steps, and its running means, one for each of SHARES."""

    points: tuple[Point, ...] = ()
    means: tuple[float, ...] = ()

    @property
    def at(self) -> Instant:
        """The instant of the newest point; there must be one."""
        return self.points[-1][0]

    @property
    def value(self) -> float:
        """The newest value; there must be one."""
        return self.points[-1][1]

    def add(self, at: Instant, value: float) -> "Signals":
        """The signals after one more point."""
        before = self.means or (value,) * len(SHARES)
        means = tuple([mean + share * (value - mean) for mean, share in zip(before, SHARES, strict=True)])
        return Signals(points=(*self.points[1 - KEPT :], (at, value)), means=means)

    def ago(self, steps: int) -> float:
        """The value so many steps before the newest; the oldest one where there are not so many."""
        return self.points[max(-len(self.points), -1 - steps)][1]

    def features(self) -> Features:
        """What a regression explains the next steps with, in the order of FEATURES."""
        value, before = self.value, self.ago(1)
        return (
            _CONSTANT,
            value - before,
            before - self.ago(2),
            value - self.ago(5),
            value - self.ago(10),
            value - self.means[1],
            value - self.means[4],
            _FAR_SHARE * (value - self.means[5]),
        )

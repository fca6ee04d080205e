"""Residuals: how far the truth lay above what was foretold, and what that promises for the next time.

Their empirical distribution around a forecast is a split-conformal predictive distribution (Vovk et al. 2005; Lei et
al. 2018, "Distribution-free predictive inference for regression", section 2.2): with exchangeable residuals the share
of the truth below its p-quantile is p within 1 / (n + 1). Only resolved forecasts go in, so it never sees the future.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

# 300 of them are 2.5 hours of ticks: enough for the 5th and 95th percentile to move by little, and young enough to
# follow a box whose load has changed.
KEPT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """The last residuals, in order of time and in order of size."""

    recent: tuple[float, ...] = ()
    ordered: tuple[float, ...] = ()

    @property
    def count(self) -> int:
        """How many forecasts have met their future."""
        return len(self.recent)

    def add(self, residual: float) -> "Residuals":
        """With one more; the oldest goes."""
        ordered = list(self.ordered)
        if len(self.recent) >= KEPT:
            del ordered[bisect_left(ordered, self.recent[0])]
        insort(ordered, residual)
        return Residuals(recent=(*self.recent[1 - KEPT :], residual), ordered=tuple(ordered))

    def at_or_above(self, distance: float) -> float:
        """The chance that the next residual is at least `distance`; never quite 0 or 1. There must be one."""
        count = len(self.ordered)
        return (count - bisect_left(self.ordered, distance) + 0.5) / (count + 1.0)

    def quantile(self, share: float) -> float:
        """The residual below which this share lies, between two of them in proportion. There must be one."""
        place = min(max(share, 0.0), 1.0) * (len(self.ordered) - 1)
        below = int(place)
        above = min(below + 1, len(self.ordered) - 1)
        return self.ordered[below] + (place - below) * (self.ordered[above] - self.ordered[below])

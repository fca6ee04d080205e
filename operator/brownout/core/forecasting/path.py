"""A path: the distribution of a series at each step ahead, as far as the horizon."""

from bisect import bisect_left
from dataclasses import dataclass, replace

from brownout.core.forecasting.residuals import Residuals


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What a series may be at `steps` ahead: a value, and how far truth lay above such values before."""

    steps: int
    value: float
    residuals: Residuals

    def at_or_above(self, level: float) -> float:
        """The chance that it is at or above a level."""
        return self.residuals.at_or_above(level - self.value)

    def quantile(self, share: float) -> float:
        """The level below which it is with this chance."""
        return self.value + self.residuals.quantile(share)

    def shifted(self, by_percent: float) -> "Spread":
        """The same with something constant added."""
        return replace(self, value=self.value + by_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Spreads at some steps ahead, nearest first, the last at the horizon; `highest` is that of the highest value
    on the whole way. `step_s` is the length of a step.
    """

    step_s: float
    spreads: tuple[Spread, ...]
    highest: Spread

    @property
    def steps(self) -> int:
        """How many steps it reaches ahead."""
        return self.spreads[-1].steps

    def at_or_above(self, level: float) -> list[float]:
        """The chance to be at or above a level, for each step from 1 to the horizon; between spreads in proportion."""
        known = [(spread.steps, spread.at_or_above(level)) for spread in self.spreads]
        return [_between(known, step) for step in range(1, self.steps + 1)]


def _between(known: list[tuple[int, float]], step: int) -> float:
    place = bisect_left(known, (step, -1.0))
    if place == 0:
        return known[0][1]
    (before, low), (after, high) = known[place - 1], known[place]
    return low + (high - low) * (step - before) / (after - before)

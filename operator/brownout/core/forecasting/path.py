"""A path: the distribution of a series at each step ahead, as far as the horizon."""

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
    on the whole way. `step_s` is the length of a step. `next` is the next value, where it is known far better than the
    errors of all the past say (see Bends).
    """

    step_s: float
    spreads: tuple[Spread, ...]
    highest: Spread
    next: Spread | None = None

    @property
    def steps(self) -> int:
        """How many steps it reaches ahead."""
        return self.spreads[-1].steps

    def top(self, share: float) -> float:
        """What it stays under with this chance until the horizon: no less than what is known of the next step."""
        highest = self.highest.quantile(share)
        return highest if self.next is None else max(highest, self.next.quantile(share))

    def at_or_above(self, level: float) -> list[float]:
        """The chance to be at or above a level, for each step from 1 to the horizon; between spreads in proportion."""
        chances = self._at_or_above(level)
        return chances if self.next is None else [self.next.at_or_above(level), *chances[1:]]

    def _at_or_above(self, level: float) -> list[float]:
        nearest, *farther = self.spreads
        before, low = nearest.steps, nearest.at_or_above(level)
        chances = [low] * before
        for spread in farther:
            after, high = spread.steps, spread.at_or_above(level)
            rise, apart = high - low, after - before
            # Far from all that the series may be the chance is the same all the way, and most places are far from it.
            chances += [low + rise * step / apart for step in range(1, apart + 1)] if rise else [low] * apart
            before, low = after, high
        return chances

"""Damped Holt: a level and a trend that fades."""

from dataclasses import dataclass
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals

# Shares of the new in level and trend, and what is left of the trend after each step: after 10 steps a tenth, so that
# 4.5 steps' worth of trend is all that it ever adds.
_LEVEL, _TREND, _DAMPING = 0.8, 0.3, 0.8


@dataclass(frozen=True, slots=True)
class Holt:
    """Damped trend: Gardner and McKenzie 1985; Hyndman and Athanasopoulos, FPP3, section 8.2."""

    level: float | None = None
    trend: float = 0.0

    model: ClassVar[Model] = Model.HOLT

    def learn(self, signals: Signals, _past: tuple[Features, ...]) -> "Holt":
        """Level and trend after the newest point; from the first one of a series that begins anew there is no trend."""
        if self.level is None or len(signals.points) == 1:
            return Holt(signals.value)
        expected = self.level + _DAMPING * self.trend
        level = _LEVEL * signals.value + (1.0 - _LEVEL) * expected
        return Holt(level, _TREND * (level - self.level) + (1.0 - _TREND) * _DAMPING * self.trend)

    def ahead(self, signals: Signals, steps: int) -> float:
        """The level and what is left of the trend by then."""
        level = signals.value if self.level is None else self.level
        return level + self.trend * _DAMPING * (1.0 - _DAMPING**steps) / (1.0 - _DAMPING)

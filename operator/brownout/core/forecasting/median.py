"""The moving median: a level that single spikes do not move."""

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals


@dataclass(frozen=True, slots=True)
class Median:
    """The median of the last `count` points; the same for every step ahead."""

    count: int
    value: float | None = None

    model: ClassVar[Model] = Model.MEDIAN

    def learn(self, signals: Signals, _past: tuple[Features, ...]) -> "Median":
        """The median with the newest point."""
        return Median(self.count, median([value for _, value in signals.points[-self.count :]]))

    def ahead(self, signals: Signals, _steps: int) -> float:
        """The median; the newest value before there is one."""
        return signals.value if self.value is None else self.value

"""The exponential moving average: where noise goes up and down around a level."""

from dataclasses import dataclass
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import SHARES, Features, Signals


@dataclass(frozen=True, slots=True)
class Average:
    """The running mean with this share of the new value (one of SHARES); the same for every step ahead.

    Simple exponential smoothing: Hyndman and Athanasopoulos, FPP3, section 8.1.
    """

    share: float

    model: ClassVar[Model] = Model.AVERAGE

    def learn(self, _signals: Signals, _past: tuple[Features, ...]) -> "Average":
        """The signals keep the mean."""
        return self

    def ahead(self, signals: Signals, _steps: int) -> float:
        """The running mean."""
        return signals.means[SHARES.index(self.share)]

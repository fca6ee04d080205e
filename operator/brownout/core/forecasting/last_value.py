"""The last value: what every other model has to beat."""

from dataclasses import dataclass
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals


@dataclass(frozen=True, slots=True)
class LastValue:
    """Nothing will change. On a random walk nothing beats it (Hyndman and Athanasopoulos, FPP3, section 5.2)."""

    model: ClassVar[Model] = Model.LAST_VALUE

    def learn(self, _signals: Signals, _past: tuple[Features, ...]) -> "LastValue":
        """It has nothing to learn."""
        return self

    def ahead(self, signals: Signals, _steps: int) -> float:
        """The newest value."""
        return signals.value

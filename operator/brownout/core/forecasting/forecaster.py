"""The interface of the family: what it takes to be a candidate."""

from typing import Protocol, Self

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals


class Forecaster(Protocol):
    """One way to foretell a series. A value: it never changes, it gives its successor.

    It is called once for each point, in order, and never sees what is not known yet.
    """

    @property
    def model(self) -> Model:
        """Its name, in the closed vocabulary."""
        ...

    def learn(self, signals: Signals, past: tuple[Features, ...]) -> Self:
        """Itself after the newest point. `past` holds the features of the points before, oldest first."""
        ...

    def ahead(self, signals: Signals, steps: int) -> float:
        """What the series will be so many steps after the newest point, in its own unit."""
        ...

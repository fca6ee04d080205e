"""A regression whose coefficients come from training: what a batch fit on weeks of history knows of such steps."""

from dataclasses import dataclass
from typing import ClassVar

from brownout.core.forecasting.daily import Profile, rise
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals

Coefficients = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """For each of `steps` a row of coefficients on the features, and an intercept: the change until then.

    With a `profile` each row has one coefficient more, for the rise of the profile until then. Frozen: it learns
    nothing here. `step_s` is the length of a step.
    """

    steps: tuple[int, ...]
    step_s: float
    coefficients: tuple[Coefficients, ...]
    intercepts: tuple[float, ...]
    profile: Profile = ()

    model: ClassVar[Model] = Model.TRAINED

    def learn(self, _signals: Signals, _past: tuple[Features, ...]) -> "Trained":
        """Training has learnt for it."""
        return self

    def ahead(self, signals: Signals, steps: int) -> float:
        """The newest value and the change that it expects."""
        place = self.steps.index(steps)
        features = signals.features()
        if self.profile:
            features = (*features, rise(self.profile, signals.at, steps * self.step_s))
        return signals.value + self.intercepts[place] + sum(map(float.__mul__, self.coefficients[place], features))

"""Lagged regressions: what usually follows steps and distances like these, learnt from this very series."""

from dataclasses import dataclass, replace
from itertools import compress
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.recursive import Recursive
from brownout.core.forecasting.signals import Features, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """One recursive regression for each of `steps` on a choice of the features: the change until then."""

    chosen: tuple[bool, ...]
    steps: tuple[int, ...]
    fits: tuple[Recursive, ...]

    model: ClassVar[Model] = Model.LAGS

    @classmethod
    def blank(cls, chosen: tuple[bool, ...], steps: tuple[int, ...], *, memory: float) -> "Lags":
        """A regression that has seen nothing yet and foretells no change."""
        fit = Recursive.blank(sum(chosen), memory=memory)
        return cls(chosen=chosen, steps=steps, fits=(fit,) * len(steps))

    def learn(self, signals: Signals, past: tuple[Features, ...]) -> "Lags":
        """Itself after the newest value has resolved one forecast for each of its steps."""
        return replace(
            self,
            fits=tuple(self._fit(fit, signals, past, steps) for fit, steps in zip(self.fits, self.steps, strict=True)),
        )

    def ahead(self, signals: Signals, steps: int) -> float:
        """The newest value and the change that it expects."""
        return signals.value + self.fits[self.steps.index(steps)].value(self._choice(signals.features()))

    def _fit(self, fit: Recursive, signals: Signals, past: tuple[Features, ...], steps: int) -> Recursive:
        if len(past) < steps:
            return fit
        return fit.after(self._choice(past[-steps]), signals.value - signals.ago(steps))

    def _choice(self, features: Features) -> Features:
        return tuple(compress(features, self.chosen))

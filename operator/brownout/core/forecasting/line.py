"""The user's rule: a straight line through the last 50 points, smoothed (requirements F1 and F3)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals
from brownout.core.linear import Line, fit


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothedLine:
    """Least squares on the last `train_on` points; successive forecasts are smoothed with the share `smoothing`.

    What is smoothed is how far the line's forecast lies above the newest value, `above`, for each of `steps`.
    """

    train_on: int
    smoothing: float
    steps: tuple[int, ...]
    line: Line | None = None
    smoothed: tuple[float, ...] = ()

    model: ClassVar[Model] = Model.LINEAR

    def learn(self, signals: Signals, _past: tuple[Features, ...]) -> "SmoothedLine":
        """The line through the points with the newest one, and the smoothed forecasts; none from before a gap."""
        points = signals.points[-self.train_on :]
        line = fit(points)
        step_s = (points[-1][0] - points[0][0]) / max(1, len(points) - 1)
        raw = tuple(line.value(signals.at + steps * step_s) for steps in self.steps)
        old = self.smoothed if self.smoothed and len(points) > 1 else raw
        mixed = tuple(was + self.smoothing * (new - was) for new, was in zip(raw, old, strict=True))
        return replace(self, line=line, smoothed=mixed)

    def ahead(self, signals: Signals, steps: int) -> float:
        """The smoothed forecast; the newest value before there is any."""
        return self.smoothed[self.steps.index(steps)] if self.smoothed else signals.value

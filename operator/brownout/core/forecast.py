"""The forecast of one series: a value, a band that tells how far to trust it, and whether it may vote.

What is foretold comes from the panel of forecasters; here it is judged. A straight line alone (requirement F1) was
worse than the last value on 24 of 40 real series, so with Auto a forecast votes only where its own past errors are
smaller than last-value's; a line that the owner has pinned votes as soon as it has its samples.
"""

import math
from dataclasses import dataclass, replace

from brownout.api.policy import ForecastModel
from brownout.core.forecasting.line import SmoothedLine
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import CALIBRATED, Panel
from brownout.core.instant import Instant

__all__ = ["EARNS_BELOW", "Forecast", "Model", "foretold"]

# It must beat last-value by 5 % to vote, so that luck does not switch it on and off.
EARNS_BELOW = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is expected at `at`, in percent. `votes` says whether a decision may rest on it, `why` why not."""

    at: Instant
    value: float
    lower: float
    upper: float
    model: Model
    confidence_percent: float
    votes: bool
    why: str
    slope_per_s: float = 0.0

    @property
    def width(self) -> float:
        """The width of the band, percentage points."""
        return self.upper - self.lower

    def shifted(self, by_percent: float) -> "Forecast":
        """The same forecast with something constant added: the footprints of what is on."""
        return replace(
            self, value=self.value + by_percent, lower=self.lower + by_percent, upper=self.upper + by_percent
        )

    def silenced(self, why: str) -> "Forecast":
        """The same forecast without a vote."""
        return replace(self, votes=False, why=why)


def foretold(panel: Panel) -> Forecast | None:
    """What the panel says of the horizon; None before it has seen anything since the last gap."""
    if not panel.ready:
        return None
    value, lower, upper = panel.bounds()
    if math.isinf(upper):
        lower, upper = _textbook(panel, value)
    why = _why_not(panel)
    horizon_s = panel.settings.horizon
    return Forecast(
        at=panel.at + horizon_s,
        value=value,
        lower=lower,
        upper=upper,
        model=_model(panel),
        confidence_percent=panel.settings.confidence,
        votes=not why,
        why=why,
        slope_per_s=(value - panel.signals.value) / horizon_s,
    )


def _model(panel: Panel) -> Model:
    """The name of the candidate that counts most; a line through too few points is only a trend (requirement F2)."""
    model = panel.leader.model
    return Model.TREND if model is Model.LINEAR and _few(panel) else model


def _few(panel: Panel) -> bool:
    return len(panel.signals.points) < panel.settings.min_samples


def _why_not(panel: Panel) -> str:
    """Why the forecast has not earned its vote; empty when it has. Pinned by the owner it needs only its samples."""
    settings, resolved = panel.settings, panel.tracks[-1].residuals.count
    if settings.model is ForecastModel.OFF:
        return "the policy lets no forecast vote"
    if _few(panel):
        return f"only {len(panel.signals.points)} of {settings.min_samples} samples"
    if settings.model is ForecastModel.LINEAR:
        return ""
    if not panel.calibrated:
        return f"only {resolved} of {CALIBRATED} past forecasts can be judged yet"
    if panel.ratio > EARNS_BELOW:
        return f"its past errors are {panel.ratio:.2f} times those of the last value"
    return ""


def _textbook(panel: Panel, value: float) -> tuple[float, float]:
    """The textbook's band, where a pinned line has too few errors for one of its own; else none.

    On real load it covers 81 to 85 % where it promises 90.
    """
    pinned = panel.settings.model is ForecastModel.LINEAR
    line = next((each.line for each in panel.forecasters if pinned and isinstance(each, SmoothedLine)), None)
    at, confidence = panel.at + panel.settings.horizon, panel.settings.confidence
    half = line.half_width(at, confidence_percent=confidence) if line else math.inf
    return max(0.0, value - half), value + half

"""The forecast of one series: a value, a band that tells how far to trust it, and whether it may vote.

The line is fitted on the last 50 points (requirement F1); with fewer than 10 it is a plain trend (F2), with one
it is the last value. Auto lets the line vote only when its own past errors on this window beat last-value's:
measured on 40 real series it is worse on 24 of them. The band comes from those errors where there are enough of
them (split conformal prediction: Vovk et al. 2005; Lei et al. 2018, "Distribution-free predictive inference for
regression", section 2.2), else from the textbook.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from brownout.api.policy import Forecasting, ForecastModel
from brownout.core.backtest import Backtest, backtest
from brownout.core.instant import Instant
from brownout.core.linear import Line, fit
from brownout.core.window import Point

# Fewer resolved errors than this say little: with 10, a line as good as last-value beats it by luck every
# second time, but its band is then honest; with 3 neither is.
ENOUGH_ERRORS = 10
# It must beat last-value by 5 % to vote, so that luck does not switch it on and off.
EARNS_BELOW = 0.95


class Model(StrEnum):
    """Which rule made a forecast."""

    LINEAR = "linear-regression"
    TREND = "linear-trend"  # the same line on too few samples
    LAST_VALUE = "last-value"


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
        """The same forecast with something constant added: a footprint, a smoothing correction."""
        return replace(
            self, value=self.value + by_percent, lower=self.lower + by_percent, upper=self.upper + by_percent
        )

    def silenced(self, why: str) -> "Forecast":
        """The same forecast without a vote."""
        return replace(self, votes=False, why=why)


def forecast(points: Sequence[Point], settings: Forecasting, *, interval_s: float) -> Forecast | None:
    """What the series will be `settings.horizon` after its last point; None of an empty series."""
    if not points:
        return None
    ahead = max(1, round(settings.horizon / interval_s))
    errors = backtest(points, ahead=ahead, train_on=settings.train_on, min_samples=settings.min_samples)
    made = _line_forecast(points, settings, errors)
    if settings.model is ForecastModel.LINEAR or made.votes:
        return made
    return _last_value(points, settings, errors, why=made.why)


def smoothed(new: Forecast, previous: float | None, *, factor: float) -> Forecast:
    """Exponential smoothing of successive forecasts: 0.7 of the new, 0.3 of the previous (requirement F3)."""
    if previous is None or new.model is Model.LAST_VALUE:
        return new
    return new.shifted((1.0 - factor) * (previous - new.value))


def _line_forecast(points: Sequence[Point], settings: Forecasting, errors: Backtest) -> Forecast:
    line = fit(points[-settings.train_on :])
    at = points[-1][0] + settings.horizon
    enough = len(points) >= settings.min_samples
    half = _half_width(errors.line, line, at, settings)
    why = _why_not(errors, settings, samples=len(points))
    value = line.value(at)
    return Forecast(
        at=at,
        value=value,
        lower=max(0.0, value - half),
        upper=value + half,
        model=Model.LINEAR if enough else Model.TREND,
        confidence_percent=settings.confidence,
        votes=not why,
        why=why,
        slope_per_s=line.slope_per_s,
    )


def _why_not(errors: Backtest, settings: Forecasting, *, samples: int) -> str:
    """Why the line has not earned its vote; empty when it has. Pinned by the owner it needs only its samples."""
    if samples < settings.min_samples:
        return f"only {samples} of {settings.min_samples} samples"
    if settings.model is ForecastModel.OFF:
        return "the policy lets no forecast vote"
    if settings.model is ForecastModel.LINEAR:
        return ""
    if errors.resolved < ENOUGH_ERRORS:
        return f"only {errors.resolved} of {ENOUGH_ERRORS} past forecasts can be judged yet"
    if errors.ratio > EARNS_BELOW:
        return f"its past errors are {errors.ratio:.2f} times those of the last value"
    return ""


def _last_value(points: Sequence[Point], settings: Forecasting, errors: Backtest, *, why: str) -> Forecast:
    at, value = points[-1][0] + settings.horizon, points[-1][1]
    half = conformal(errors.last_value, settings.confidence)
    return Forecast(
        at=at,
        value=value,
        lower=max(0.0, value - half),
        upper=value + half,
        model=Model.LAST_VALUE,
        confidence_percent=settings.confidence,
        votes=False,
        why=why,
    )


def _half_width(errors: Sequence[float], line: Line, at: Instant, settings: Forecasting) -> float:
    """The conformal half-width, or the textbook's where errors are too few for one."""
    half = conformal(errors, settings.confidence)
    return half if math.isfinite(half) else line.half_width(at, confidence_percent=settings.confidence)


def conformal(errors: Sequence[float], confidence_percent: float) -> float:
    """The smallest half-width that past errors promise at this confidence; infinite when they are too few.

    The ceil((n + 1) * q)-th smallest absolute error: with exchangeable errors it covers at least q. For 90 %
    that takes 9 errors, for 99 % it takes 99.
    """
    rank = math.ceil((len(errors) + 1) * confidence_percent / 100.0)
    return sorted(errors)[rank - 1] if errors and rank <= len(errors) else math.inf

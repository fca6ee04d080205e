"""The panel: every forecaster side by side on one series, each with its record, and the forecast that they give.

A value: `seen` gives the panel after one more point. One point costs about half a millisecond, whatever is asked
of the panel afterwards.
"""

import math
from dataclasses import dataclass, field, replace

from brownout.api.policy import Forecasting, ForecastModel
from brownout.core.forecasting.average import Average
from brownout.core.forecasting.beat import Bends
from brownout.core.forecasting.coverage import Coverage
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.holt import Holt
from brownout.core.forecasting.lags import Lags
from brownout.core.forecasting.last_value import LastValue
from brownout.core.forecasting.line import SmoothedLine
from brownout.core.forecasting.median import Median
from brownout.core.forecasting.path import Path, Spread
from brownout.core.forecasting.residuals import Residuals
from brownout.core.forecasting.signals import FEATURES, Features, Signals
from brownout.core.forecasting.track import Made, Track
from brownout.core.instant import Instant

# However short the interval, a horizon is looked at in this many steps at most: points that come closer together are
# passed over. At 30 s and 5 min there are 10.
MOST_STEPS = 50
# Distributions from fewer resolved forecasts than this are not acted on: ten steps ahead, 60 of them overlap so much
# that they are worth six that do not.
CALIBRATED = 60

_ALL = (True,) * len(FEATURES)
_NEAR = tuple(name in ("step", "to mean of 3", "to mean of 25", "to mean of 500") for name in FEATURES)
_LEVELS = tuple(name in ("to mean of 3", "to mean of 25") for name in FEATURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`step_s` is the least distance of two points; `past` are the features of earlier points, oldest first;
    `highest` how far the highest value until the horizon lay above the forecast for its end; `trained` counts the
    candidates that come from training, which are the last; `bends` tells whether the load bends on a beat.
    """

    settings: Forecasting
    step_s: float
    forecasters: tuple[Forecaster, ...]
    tracks: tuple[Track, ...]
    bends: Bends
    signals: Signals = field(default_factory=Signals)
    past: tuple[Features, ...] = ()
    highest: Residuals = field(default_factory=Residuals)
    trained: int = 0

    @classmethod
    def blank(cls, settings: Forecasting, *, interval_s: float) -> "Panel":
        """A panel that has seen nothing yet."""
        step_s = max(interval_s, settings.horizon / MOST_STEPS)
        steps = distances(max(1, round(settings.horizon / step_s)))
        coverage = Coverage.of(settings.confidence)
        return cls(
            settings=settings,
            step_s=step_s,
            forecasters=candidates(settings, steps),
            tracks=tuple(Track(steps=each, coverage=coverage, voter=_voter(settings)) for each in steps),
            bends=Bends.blank(step_s),
        )

    @property
    def at(self) -> Instant:
        """The instant of the newest point; 0 before there is any."""
        return self.signals.at if self.signals.points else 0.0

    @property
    def calibrated(self) -> bool:
        """Whether enough forecasts have met their future for a band to mean something."""
        return self.tracks[-1].residuals.count >= CALIBRATED

    @property
    def ready(self) -> bool:
        """Whether there is a forecast."""
        return bool(self.tracks[-1].made)

    def fits(self, settings: Forecasting, *, interval_s: float) -> bool:
        """Whether it was made for these settings."""
        return self.settings == settings and self.step_s == max(interval_s, settings.horizon / MOST_STEPS)

    def due(self, at: Instant) -> bool:
        """Whether a point at this instant is far enough from the last."""
        return at - self.at >= 0.9 * self.step_s

    def with_candidates(self, extra: tuple[Forecaster, ...]) -> "Panel":
        """With these in place of those that came from training before; the family and its records stay as they are.

        A newcomer has to earn its weight (see Track). A pinned line has no rivals.
        """
        if self.settings.model is ForecastModel.LINEAR:
            return self
        own = len(self.forecasters) - self.trained
        return replace(
            self,
            forecasters=(*self.forecasters[:own], *extra),
            tracks=tuple(track.with_newcomers(own) for track in self.tracks),
            trained=len(extra),
        )

    def broken(self) -> "Panel":
        """After a gap in the series: what it has learnt stays, what it was about to be told does not."""
        return replace(self, signals=Signals(), past=(), tracks=tuple(track.broken() for track in self.tracks))

    def seen(self, at: Instant, value: float) -> "Panel":
        """The panel after one more point: forecasts resolved, lessons learnt, new forecasts made."""
        signals, past = self.signals.add(at, value), self.past
        learnt = tuple([forecaster.learn(signals, past) for forecaster in self.forecasters])
        ceiling = 1.1 * max(100.0, value)
        tracks = tuple(
            [
                track.resolve(value).foretell(
                    tuple([min(ceiling, max(0.0, each.ahead(signals, track.steps))) for each in learnt])
                )
                for track in self.tracks
            ]
        )
        return replace(
            self,
            signals=signals,
            past=(*past, signals.features())[-self.tracks[-1].steps :],
            forecasters=learnt,
            tracks=tracks,
            highest=self._highest(signals),
            bends=self.bends.after(signals, step_s=self.step_s),
        )

    def path(self) -> Path | None:
        """What the series may do until the horizon; None before that is known well enough to be acted on."""
        if not self.calibrated or not self.ready:
            return None
        spreads = tuple(track.spread() for track in self.tracks)
        top = Spread(steps=spreads[-1].steps, value=spreads[-1].value, residuals=self.highest)
        pinned = self.settings.model is ForecastModel.LINEAR
        following = None if pinned else self.bends.ahead(self.signals)
        return Path(step_s=self.step_s, spreads=spreads, highest=top, next=following)

    def high_since(self, since: Instant) -> float | None:
        """The highest value seen after an instant; None where none was."""
        return max((value for at, value in self.signals.points if at > since), default=None)

    @property
    def leader(self) -> Forecaster:
        """The candidate that counts most at the horizon."""
        weights = self.tracks[-1].weights()
        return self.forecasters[max(range(len(weights)), key=weights.__getitem__)] if weights else self.forecasters[0]

    @property
    def ratio(self) -> float:
        """The mixture's mean error over last-value's at the horizon; 1 where nothing has moved."""
        track = self.tracks[-1]
        return track.mixed_error / track.errors[0] if track.errors and track.errors[0] > 0.0 else 1.0

    def bounds(self) -> tuple[float, float, float]:
        """Value, lower and upper bound of the forecast at the horizon; there must be one."""
        made: Made = self.tracks[-1].newest
        lower, upper = made.band
        return made.mixed, max(0.0, made.mixed + lower) if math.isfinite(lower) else 0.0, made.mixed + upper

    def _highest(self, signals: Signals) -> Residuals:
        """With how far the highest of the last steps lay above what was foretold for the newest of them."""
        horizon = self.tracks[-1]
        if len(horizon.made) < horizon.steps:
            return self.highest
        top = max(value for _, value in signals.points[-horizon.steps :])
        return self.highest.add(top - horizon.made[0].mixed)


def _voter(settings: Forecasting) -> int | None:
    """The place of the pinned line among the candidates."""
    return 1 if settings.model is ForecastModel.LINEAR else None


def distances(horizon_steps: int) -> tuple[int, ...]:
    """At how many steps ahead a forecast is made: the next one, half of the way, and the horizon."""
    return tuple(sorted({1, max(1, horizon_steps // 2), horizon_steps}))


def candidates(settings: Forecasting, steps: tuple[int, ...]) -> tuple[Forecaster, ...]:
    """The family. The last value is the first: the others are measured against it. A pinned line has no rivals."""
    line = SmoothedLine(train_on=settings.train_on, smoothing=settings.smoothing, steps=steps)
    if settings.model is ForecastModel.LINEAR:
        return (LastValue(), line)
    return (
        LastValue(),
        Average(0.5),
        Average(0.3),
        Average(0.15),
        Average(0.07),
        Median(9),
        Median(31),
        Holt(),
        line,
        Lags.blank(_LEVELS, steps, memory=0.998),
        Lags.blank(_NEAR, steps, memory=0.999),
        Lags.blank(_ALL, steps, memory=0.998),
        Lags.blank(_ALL, steps, memory=0.9995),
    )

"""Forecasts scored: each candidate of the panel, what the product says of them, and the plain regression.

400 origins, evenly spaced over the scored window, 10 ticks ahead. Every method sees only what lies before: the panel
warms up on the base's past and learns on its way; bands rest on errors that are resolved at the origin.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from brownout.api.policy import Forecasting
from brownout.core.forecast import foretold
from brownout.core.forecasting.average import Average
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.lags import Lags
from brownout.core.forecasting.median import Median
from brownout.core.forecasting.panel import Panel
from brownout.core.linear import fit
from brownout.core.window import Point
from brownout.simulate.rivals.plain_regression import POINTS, SMOOTHING, PlainRegression
from brownout.simulate.traces import TICK_S, WARM_UP_TICKS, Base, Mode

ORIGINS, AHEAD_TICKS, CONFIDENCE_PERCENT = 400, 10, 90.0
# A candidate's band: split conformal (Lei et al. 2018, section 2.2) on the sizes of its last errors.
KEPT_ERRORS = 300
LIVE = "live"
HORIZONS: Mapping[Mode, str] = {Mode.NATIVE: "10ticks", Mode.INTERP: "5min"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """How one model did on one base load. None where nothing moved, or where there was never a band.

    `mase` is its mean error over last-value's; `votes` the share of origins at which the live forecast had its vote,
    and for the others 1 where they beat last-value, else 0. Coverage and width are of the origins that had a band.
    """

    trace: str
    horizon: str
    model: str
    mase: float | None
    coverage_90: float | None
    width_90: float | None
    votes: float

    def document(self) -> dict[str, str | float | None]:
        """The row as JSON has it."""
        figures = {"mase": self.mase, "coverage_90": self.coverage_90, "width_90": self.width_90, "votes": self.votes}
        names = {"trace": self.trace, "horizon": self.horizon, "model": self.model}
        return {**names, **{name: None if it is None else round(it, 4) for name, it in figures.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One forecast: a value and how far its band reaches below and above; infinite where there is none."""

    value: float
    lower: float = -math.inf
    upper: float = math.inf
    votes: bool = False


@dataclass(slots=True)
class _Record:
    """What one model said at the origins, and what came."""

    said: list[Said] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)

    def error(self) -> float:
        return fmean(abs(truth - said.value) for said, truth in zip(self.said, self.truths, strict=True))

    def banded(self) -> list[tuple[Said, float]]:
        pairs = zip(self.said, self.truths, strict=True)
        return [(said, truth) for said, truth in pairs if math.isfinite(said.upper - said.lower)]


class _Conformal:
    """One candidate's own errors, and the band that follows from them."""

    def __init__(self) -> None:
        self._sizes: deque[float] = deque(maxlen=KEPT_ERRORS)

    def add(self, error: float) -> None:
        self._sizes.append(abs(error))

    def said(self, value: float) -> Said:
        rank = math.ceil((len(self._sizes) + 1) * CONFIDENCE_PERCENT / 100.0)
        reach = sorted(self._sizes)[rank - 1] if 0 < rank <= len(self._sizes) else math.inf
        return Said(value=value, lower=value - reach, upper=value + reach)


class _Plain:
    """The plain regression: a line through the last 50 points, smoothed, with the textbook's band."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._smoothed: float | None = None
        self._said = Said(value=0.0)

    def see(self, at: float, value: float) -> None:
        self._points.append((at, value))
        line, then = fit(tuple(self._points)), at + AHEAD_TICKS * TICK_S
        raw = line.value(then)
        before = raw if self._smoothed is None else self._smoothed
        self._smoothed = SMOOTHING * raw + (1.0 - SMOOTHING) * before
        half = line.half_width(then, confidence_percent=CONFIDENCE_PERCENT)
        self._said = Said(value=self._smoothed, lower=self._smoothed - half, upper=self._smoothed + half)

    @property
    def said(self) -> Said:
        return self._said


def forecast_steps(base: Base) -> int:
    """How many points are looked at: what a progress bar counts."""
    return len(base.past[-WARM_UP_TICKS:]) + len(base.values)


def forecast_rows(base: Base, *, on_tick: Callable[[], None] | None = None) -> tuple[ForecastRow, ...]:
    """A row for each candidate, for the plain regression and for the live forecast; none where a base is too short."""
    past = base.past[-WARM_UP_TICKS:]
    origins = frozenset(_origins(len(base.values)))
    panel = Panel.blank(Forecasting(), interval_s=TICK_S)
    names, plain = names_of(panel.forecasters), _Plain()
    bands = [_Conformal() for _ in names]
    records: dict[str, _Record] = {name: _Record() for name in (*names, PlainRegression.name, LIVE)}
    for tick, value in enumerate((*past, *base.values), start=-len(past)):
        _resolve(panel, bands, value)
        panel = panel.seen(tick * TICK_S, value)
        plain.see(tick * TICK_S, value)
        if tick in origins:
            said = [band.said(its) for band, its in zip(bands, panel.tracks[-1].newest.values, strict=True)]
            _note(records, (*said, plain.said, _live(panel)), base.values[tick + AHEAD_TICKS])
        if on_tick is not None:
            on_tick()
    return tuple(_row(base, name, record, records[names[0]]) for name, record in records.items() if record.said)


def names_of(forecasters: Sequence[Forecaster]) -> tuple[str, ...]:
    """A name for each: its model's, with what tells it from others of the same model."""
    models = Counter(each.model for each in forecasters)
    return tuple(_name(each) if models[each.model] > 1 else each.model.value for each in forecasters)


def _name(forecaster: Forecaster) -> str:
    match forecaster:
        case Average(share=share):
            return f"{forecaster.model.value}-{share:g}"
        case Median(count=count):
            return f"{forecaster.model.value}-{count}"
        case Lags(chosen=chosen, fits=fits):
            return f"{forecaster.model.value}-{sum(chosen)}-{fits[0].memory:g}"
    return forecaster.model.value


def _origins(count: int) -> list[int]:
    """Ticks of the scored window whose future is in it, evenly spaced, 400 at most."""
    last = count - AHEAD_TICKS
    return [place * last // min(ORIGINS, last) for place in range(min(ORIGINS, last))] if last > 0 else []


def _resolve(panel: Panel, bands: Sequence[_Conformal], truth: float) -> None:
    """The oldest forecast in hand was about this value."""
    track = panel.tracks[-1]
    if len(track.made) == track.steps:
        for band, value in zip(bands, track.made[0].values, strict=True):
            band.add(truth - value)


def _live(panel: Panel) -> Said:
    made = foretold(panel)
    if made is None:
        return Said(value=panel.signals.value)
    return Said(value=made.value, lower=made.lower, upper=made.upper, votes=made.votes)


def _note(records: Mapping[str, _Record], said: Sequence[Said], truth: float) -> None:
    for record, its in zip(records.values(), said, strict=True):
        record.said.append(its)
        record.truths.append(truth)


def _row(base: Base, name: str, record: _Record, last_value: _Record) -> ForecastRow:
    error, reference, banded = record.error(), last_value.error(), record.banded()
    mase = error / reference if reference > 0.0 else None
    hits = [said.lower <= truth <= said.upper for said, truth in banded]
    votes = fmean(said.votes for said in record.said) if name == LIVE else float(mase is not None and mase < 1.0)
    return ForecastRow(
        trace=base.name,
        horizon=HORIZONS[base.mode],
        model=name,
        mase=mase,
        coverage_90=fmean(hits) if hits else None,
        width_90=fmean(said.upper - said.lower for said, _ in banded) if banded else None,
        votes=votes,
    )

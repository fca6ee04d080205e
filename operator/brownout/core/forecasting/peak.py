"""The daily peak: the highest that the next hour brings by the time of day (requirements F7 and D5)."""

from brownout.api.policy import ForecastModel
from brownout.core.forecast import EARNS_BELOW, Forecast
from brownout.core.forecasting.champions import Champions
from brownout.core.forecasting.daily import QUARTER_S, level
from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import Panel
from brownout.core.instant import Instant

AHEAD_S = 3600.0
# A smaller rise, in percentage points, is nothing that has to be prepared for; nor is it judged by such.
WORTH_PERCENT = 1.0


def peak_at(profile: tuple[float, ...], now: Instant) -> Instant:
    """The instant within the next hour at which the profile is highest; `now` where it only falls.

    The profile is straight between the middles of quarter-hours, so that it is highest at one of them or at an end.
    """
    first = (now // QUARTER_S + 0.5) * QUARTER_S
    middles = (first + QUARTER_S * place for place in range(int(AHEAD_S / QUARTER_S) + 1))
    instants = (now, *(at for at in middles if now < at < now + AHEAD_S), now + AHEAD_S)
    return max(instants, key=lambda at: (level(profile, at), -at))


def daily_peak(champions: Champions | None, panel: Panel | None, *, now: Instant) -> Forecast | None:
    """The base load at the next hour's highest point by the profile; None where it hardly rises.

    The band holds what the profile's own errors at such peaks promise. Where it was no better there than the last value
    it says nothing. A pinned line does not matter, this is a trigger of its own; with `Off` nothing is foretold.
    """
    daily = champions.daily if champions else None
    if champions is None or daily is None or panel is None or not panel.signals.points:
        return None
    if panel.settings.model is ForecastModel.OFF:
        return None
    at, peak = peak_at(daily.profile, now), daily.peak
    rises = daily.shrink * (level(daily.profile, at) - level(daily.profile, panel.at))
    if peak is None or peak.ratio > EARNS_BELOW or at <= now or rises < WORTH_PERCENT:
        return None
    value = panel.signals.value + rises
    return Forecast(
        at=at,
        value=value,
        lower=max(0.0, value + peak.lower),
        upper=value + peak.upper,
        model=Model.DAILY,
        confidence_percent=champions.confidence_percent,
        votes=True,
        why="",
    )

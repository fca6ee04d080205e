"""Rules between the times of a BrownoutPolicy: they must fit each other."""

from collections.abc import Mapping
from typing import Final

from brownout.api.durations import DURATION_PATTERN, InvalidDuration, parse_duration
from brownout.api.leaves import cel_string
from brownout.api.rules import Location, Rule

__all__ = ["DEFAULT_HORIZON_S", "MAX_SAMPLES", "MIN_HORIZON_S", "PACE_RULES"]

#: Most samples of a window. At some 200 bytes each it stays under 4 MB whatever a policy says.
MAX_SAMPLES: Final = 20_000
#: How far ahead a forecast looks that does not say it.
DEFAULT_HORIZON_S: Final = 300.0
MIN_HORIZON_S: Final = 0.1


def _are_durations(*fields: str) -> str:
    """Say in CEL that a text is no duration: its own rule tells that, so the rule between the fields is silent."""
    return " || ".join(f"!self.{field}.matches({cel_string(f'^{DURATION_PATTERN}$')})" for field in fields)


def _milliseconds(field: str) -> str:
    """Give a duration in CEL as a number. By its specification getMilliseconds is what is left over a second, in the
    API server's engine (cel-go) it is all of it: this is right under both.
    """
    return f"(duration(self.{field}).getSeconds() * 1000 + duration(self.{field}).getMilliseconds() % 1000)"


def _horizon(forecast: object) -> float | None:
    """Give the horizon in seconds, of a model or as it was written; None where it is not sound."""
    if not isinstance(forecast, Mapping):
        return getattr(forecast, "horizon", None)
    if (written := forecast.get("horizon")) is None:
        return DEFAULT_HORIZON_S
    try:
        horizon_s = parse_duration(written) if isinstance(written, str) else 0.0
    except InvalidDuration:
        return None
    return horizon_s if horizon_s >= MIN_HORIZON_S else None


def _short_sighted(interval: float, forecast: object) -> Location | None:
    horizon = _horizon(forecast)
    return None if horizon is None or horizon >= interval else ("interval",)


PACE_RULES: Final = (
    Rule(
        fields=("interval", "window"),
        fault=lambda interval, window: None if interval <= window else ("interval",),
        message="interval must be at most window",
        cel=f"{_are_durations('interval', 'window')} || duration(self.interval) <= duration(self.window)",
        compares=True,
    ),
    Rule(
        fields=("interval", "window"),
        fault=lambda interval, window: None if window <= interval * MAX_SAMPLES else ("window",),
        message=f"window must be at most {MAX_SAMPLES} intervals",
        cel=f"{_are_durations('interval', 'window')} || "
        f"{_milliseconds('window')} <= {_milliseconds('interval')} * {MAX_SAMPLES}",
        compares=True,
    ),
    Rule(
        fields=("interval", "forecast"),
        fault=_short_sighted,
        message="interval must be at most forecast.horizon",
        cel=f"{_are_durations('interval', 'forecast.horizon')} || "
        "duration(self.interval) <= duration(self.forecast.horizon)",
    ),
)

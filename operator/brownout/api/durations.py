"""Durations on the wire: text such as `1h30m` (see duration_text.py), within bounds, and seconds inside."""

from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from brownout.api.duration_text import (
    ALLOWED,
    DURATION_PATTERN,
    LONGEST,
    MAX_DURATION_S,
    InvalidDuration,
    format_duration,
    parse_duration,
)
from brownout.api.leaves import Declared, cel_string, refuse

__all__ = ["DURATION_PATTERN", "Duration", "InvalidDuration", "Seconds", "format_duration", "parse_duration"]


@dataclass(frozen=True, kw_only=True)
class Duration(Declared):
    """A duration within bounds, both included, in seconds. Python code may pass the seconds."""

    at_least: float = 0.0
    at_most: float = MAX_DURATION_S

    def allowed(self) -> str:
        """Say the bounds."""
        return f"must be a duration from {format_duration(self.at_least)} to {format_duration(self.at_most)}"

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        seconds = self._seconds(value, wire=wire)
        if not self.at_least <= seconds <= self.at_most:
            refuse(self.allowed())
        return seconds

    def _seconds(self, value: object, *, wire: bool) -> float:
        if not wire and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        try:
            return parse_duration(value if isinstance(value, str) else "")
        except InvalidDuration as refusal:
            # Too large for any field is too large for this one: what is allowed here is what helps.
            refuse(ALLOWED if str(refusal) == ALLOWED else self.allowed())

    @override
    def schema(self) -> dict[str, Any]:
        matches = f"self.matches({cel_string(f'^{DURATION_PATTERN}$')})"
        low, high = cel_string(format_duration(self.at_least)), cel_string(format_duration(self.at_most))
        within = f"duration(self) >= duration({low}) && duration(self) <= duration({high})"
        rules = [
            {"rule": matches, "message": ALLOWED},
            {"rule": f"!{matches} || ({within})", "message": self.allowed()},
        ]
        pattern = f"^{DURATION_PATTERN}$"
        return {"type": "string", "maxLength": LONGEST, "pattern": pattern, "x-kubernetes-validations": rules}

    @override
    def write(self, value: Any) -> object:
        return format_duration(value)


Seconds = Annotated[float, Duration()]

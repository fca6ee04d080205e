"""Durations as Kubernetes writes them: `500ms`, `30s`, `1h30m`. Text on the wire, seconds inside.

The grammar is Go's without a sign, without the Greek letter, and without the bare `0`: a number without a unit is how a
wrong unit comes to be.
Sums are exact (fractions), so that `100ms` is the float 0.1 and not its neighbour.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final

from typing_extensions import override

from brownout.api.leaves import Leaf, cel_string, refuse

__all__ = ["DURATION_PATTERN", "Duration", "InvalidDuration", "Seconds", "format_duration", "parse_duration"]

#: Longest duration, about 31 years. Beyond it a number is a mistake, and arithmetic on timestamps stays safe.
MAX_DURATION_S: Final = 1e9
DURATION_PATTERN: Final = r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+"
_LONGEST: Final = 32
_ALLOWED: Final = "must be a duration such as 500ms, 30s, 5m or 1h30m"
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h)", re.ASCII)
_UNIT_S: Final = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}


class InvalidDuration(ValueError):  # a verdict on the input, not a failure of the program
    """The text is not a duration; the message says what is."""


def parse_duration(text: str) -> float:
    """Give the seconds that `text` means. Raises InvalidDuration."""
    if len(text) > _LONGEST or not re.fullmatch(DURATION_PATTERN, text):
        raise InvalidDuration(_ALLOWED)
    total = sum((Fraction(number) * _UNIT_S[unit] for number, unit in _PART.findall(text)), Fraction(0))
    if total > MAX_DURATION_S:
        raise InvalidDuration(f"must be at most {format_duration(MAX_DURATION_S)}")
    return float(total)


def format_duration(seconds: float) -> str:
    """Give the duration as text, exact to the nanosecond: `0s`, `250ms`, `1h30m`, `2m0.5s`."""
    exact = round(Decimal(repr(float(seconds))), 9)
    if 0 < exact < 1:
        return f"{_plain(exact * 1000)}ms"
    whole_minutes, rest = divmod(exact, 60)
    hours, minutes = divmod(int(whole_minutes), 60)
    words = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count]
    if rest or not words:
        words.append(f"{_plain(rest)}s")
    return "".join(words)


def _plain(number: Decimal) -> str:
    """Give a number without exponent and without zeros at the end of its fraction."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, kw_only=True)
class Duration(Leaf):
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
            refuse(str(refusal))

    @override
    def schema(self) -> dict[str, Any]:
        matches = f"self.matches({cel_string(f'^{DURATION_PATTERN}$')})"
        low, high = cel_string(format_duration(self.at_least)), cel_string(format_duration(self.at_most))
        within = f"duration(self) >= duration({low}) && duration(self) <= duration({high})"
        rules = [
            {"rule": matches, "message": _ALLOWED},
            {"rule": f"!{matches} || ({within})", "message": self.allowed()},
        ]
        pattern = f"^{DURATION_PATTERN}$"
        return {"type": "string", "maxLength": _LONGEST, "pattern": pattern, "x-kubernetes-validations": rules}

    @override
    def write(self, value: Any) -> object:
        return format_duration(value)


Seconds = Annotated[float, Duration()]

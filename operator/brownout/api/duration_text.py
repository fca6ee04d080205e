"""Durations as Kubernetes writes them: `500ms`, `30s`, `1h30m`. Text outside, seconds inside.

The grammar is Go's without a sign, without the Greek letter, and without the bare `0`: a number without a unit is how a
wrong unit comes to be. Sums are exact (fractions), so that `100ms` is the float 0.1 and not its neighbour. It knows no
model of the wire (durations.py does), so that whoever only reads a duration does not load pydantic.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

__all__ = [
    "ALLOWED",
    "DURATION_PATTERN",
    "LONGEST",
    "MAX_DURATION_S",
    "InvalidDuration",
    "format_duration",
    "parse_duration",
]

#: Longest duration, about 31 years. Beyond it a number is a mistake, and arithmetic on timestamps stays safe.
MAX_DURATION_S: Final = 1e9
DURATION_PATTERN: Final = r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+"
LONGEST: Final = 32  # characters
ALLOWED: Final = "must be a duration such as 500ms, 30s, 5m or 1h30m"
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
    if len(text) > LONGEST or not re.fullmatch(DURATION_PATTERN, text):
        raise InvalidDuration(ALLOWED)
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

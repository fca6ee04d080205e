"""Memory as Kubernetes writes it: `512Mi`, `4Gi`, `1.5G`, `4000000000`. Text on the wire, whole bytes inside.

Durations stand in `durations` and are offered from here as well, so that one import gives both units of the wire.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any, Final

from typing_extensions import override

from brownout.api.durations import Duration, InvalidDuration, Seconds, format_duration, parse_duration
from brownout.api.leaves import Declared, refuse

__all__ = [
    "Bytes",
    "Duration",
    "InvalidDuration",
    "InvalidQuantity",
    "MeasuredBytes",
    "Quantity",
    "Seconds",
    "approximate_bytes",
    "format_duration",
    "format_measured",
    "format_quantity",
    "parse_duration",
    "parse_quantity",
]

MAX_BYTES: Final = 2**63 - 1
# Rounded up, the last few would be 8 EiB: one byte more than can be read back.
_LARGEST_ROUNDED: Final = 79 * 2**60 // 10
_PATTERN: Final = r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
#: Longer texts hold no more information than this; it also keeps the arithmetic small.
_LONGEST: Final = 40
_ALLOWED: Final = "must be a memory quantity such as 512Mi, 4Gi or 4000000000"
_STEP: Final = 1024
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_FACTOR: Final = {
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(_BINARY)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(_DECIMAL, -3)},
}


class InvalidQuantity(ValueError):  # a verdict on the input, not a failure of the program
    """The text is not a quantity of memory; the message says what is."""


def parse_quantity(text: str | int) -> int:
    """Give the bytes that a quantity means, rounded up to whole ones as Kubernetes does. Raises InvalidQuantity."""
    if isinstance(text, int) and not isinstance(text, bool):
        return _within(Decimal(text))
    match = re.fullmatch(_PATTERN, text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if match is None:
        raise InvalidQuantity(_ALLOWED)
    suffix = match[3] or ""
    # "1E" is an exabyte and "1E3" a thousand: only an exponent has digits.
    if suffix[-1:].isdigit():
        return _within(Decimal(match[1] + suffix))
    return _within(Decimal(match[1]) * _FACTOR[suffix])


def _within(exact: Decimal) -> int:
    if not 0 <= exact <= MAX_BYTES:
        raise InvalidQuantity(f"{_ALLOWED}, from 0 to {MAX_BYTES} bytes")
    return int(exact.to_integral_value(rounding=ROUND_CEILING))


def format_quantity(size_bytes: int) -> str:
    """Give the quantity as text, exactly: with the largest suffix that leaves a whole number."""
    power = 0
    while size_bytes and size_bytes % 1024 == 0 and power < len(_BINARY) - 1:
        size_bytes //= 1024
        power += 1
    return f"{size_bytes}{_BINARY[power]}"


def _rounded(size_bytes: int) -> tuple[str, str]:
    """Give number and suffix with one decimal: what a person needs, and coarse enough not to change all the time."""
    number, power = float(size_bytes), 0
    while round(abs(number), 1) >= _STEP and power < len(_BINARY) - 1:
        number, power = number / _STEP, power + 1
    return f"{number:.1f}".removesuffix(".0"), _BINARY[power]


def format_measured(size_bytes: int) -> str:
    """Give a measured quantity as a status shows it: `1.9Gi`, one decimal at most."""
    return "".join(_rounded(min(size_bytes, _LARGEST_ROUNDED)))


def approximate_bytes(size_bytes: int) -> str:
    """Give an amount of memory in words for people: `1.9 GiB`."""
    number, suffix = _rounded(size_bytes)
    return f"{number} {suffix}B"


@dataclass(frozen=True, kw_only=True)
class Quantity(Declared):
    """An amount of memory of `at_least` bytes or more."""

    at_least: int = 0

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            size_bytes = parse_quantity(value if isinstance(value, str | int) else "")
        except InvalidQuantity as refusal:
            refuse(str(refusal))
        if size_bytes < self.at_least:
            refuse(f"{_ALLOWED}, at least {format_quantity(self.at_least)}")
        return size_bytes

    @override
    def schema(self) -> dict[str, Any]:
        # No CEL rule: the API server reckons an int-or-string as 3 MB long, so any regular expression breaks its cost
        # limit.
        either = [{"type": "integer"}, {"type": "string"}]
        bounds = {"minimum": self.at_least, "maxLength": _LONGEST}
        return {"x-kubernetes-int-or-string": True, "anyOf": either, "pattern": f"^{_PATTERN}$", **bounds}

    @override
    def write(self, value: Any) -> object:
        return format_quantity(value)


@dataclass(frozen=True, kw_only=True)
class Measured(Quantity):
    """An amount of memory that was measured: rounded when written, so that a status changes only when it matters."""

    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    @override
    def write(self, value: Any) -> object:
        return format_measured(value)


Bytes = Annotated[int, Quantity()]
MeasuredBytes = Annotated[int, Measured()]

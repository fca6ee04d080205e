"""Queries: the parameters of a request, each checked, so that a slip of the pen is answered and not passed over."""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from aiohttp import web

from brownout.api.durations import InvalidDuration, parse_duration
from brownout.gateway.replies import Refusal

__all__ = ["Query", "duration_s", "name_text", "one_of", "share_text", "whole_number"]

_LONGEST_NAME: Final = 317  # a namespace, a slash and a name: 63 + 1 + 253
_LONGEST_NUMBER: Final = 10

T = TypeVar("T")


class Query:
    """The parameters of one request, of which only the known ones may stand there, each once."""

    def __init__(self, request: web.Request, *known: str) -> None:
        given = request.query
        allowed = ", ".join(known) or "none"
        for key in given:
            if key not in known:
                raise Refusal(400, "unknown parameter", allowed=f"parameters: {allowed}")
            if len(given.getall(key)) > 1:
                raise Refusal(400, f"parameter {key} stands there twice", allowed="each parameter once")
        self._given = given

    def read(self, key: str, reader: Callable[[str], T], *, default: T) -> T:
        """The value of a parameter; `default` where it is absent. Refusal (400) where the reader raises ValueError."""
        if key not in self._given:
            return default
        try:
            return reader(self._given[key])
        except ValueError as error:
            raise Refusal(400, f"parameter {key} is not valid", allowed=str(error)) from None


def duration_s(text: str) -> float:
    """Seconds. Raises ValueError."""
    try:
        return parse_duration(text)
    except InvalidDuration as error:
        raise ValueError(str(error)) from None


def name_text(text: str) -> str:
    """A name, or a namespace and a name. Raises ValueError."""
    if not text or len(text) > _LONGEST_NAME or not text.isascii() or not text.isprintable():
        raise ValueError("a name, or namespace/name")
    return text


def share_text(text: str) -> float:
    """A share of the whole, from 0 to 1. Raises ValueError."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:  # which NaN is not either
        raise ValueError("a number from 0 to 1, such as 0.85")
    return share


def one_of(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    """A reader of one word of a closed vocabulary."""

    def read(text: str) -> StrEnum:
        if text not in words.__members__.values():
            raise ValueError(", ".join(words))
        return words(text)

    return read


def whole_number(at_least: int, at_most: int) -> Callable[[str], int]:
    """A reader of a whole number within bounds, both included."""

    def read(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
        if not digits or not at_least <= int(text) <= at_most:
            raise ValueError(f"a whole number from {at_least} to {at_most}")
        return int(text)

    return read

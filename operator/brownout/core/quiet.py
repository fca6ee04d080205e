"""Quiet statuses: a figure stands while the new one is near it, and a part stands while it says the same. Pure."""

from typing import Any, TypeVar

from brownout.api.wire import ReadBack

N = TypeVar("N", int, float)
Part = TypeVar("Part", bound=ReadBack)

# A figure is written again when it has moved by a tenth: fine enough for people, and a process that breathes by a
# few per cent writes nothing.
TOLERANCE = 0.10


def quiet(previous: N | None, new: N | None) -> N | None:
    """The previous figure while the new one is within a tenth of it."""
    if previous is None or new is None:
        return new
    return previous if abs(new - previous) <= TOLERANCE * max(previous, 1) else new


def renewed(previous: Part | None, model: type[Part], /, **values: Any) -> Part:
    """The previous part while it says the same, else a new one; `values` are all of its fields.

    To check a value takes ten times as long as to compare it, and what stood there was checked when it was made.
    """
    return previous if previous is not None and vars(previous) == values else model(**values)

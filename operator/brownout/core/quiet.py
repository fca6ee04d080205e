"""Quiet figures: the previous one stands while the new one is near it, so that nothing is written for a breath."""

from typing import TypeVar

N = TypeVar("N", int, float)

# A figure is written again when it has moved by a tenth: fine enough for people, and a process that breathes by a
# few per cent writes nothing.
TOLERANCE = 0.10


def quiet(previous: N | None, new: N | None) -> N | None:
    """The previous figure while the new one is within a tenth of it."""
    if previous is None or new is None:
        return new
    return previous if abs(new - previous) <= TOLERANCE * max(previous, 1) else new

"""Admission: who would start a workload without a decision of the planner asks here first.

A plugin that is loaded lazily starts with a request, which may come at any moment. The planner answers at once, from
what it knows and from memory as it is now.
"""

from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["Admission"]

_NOT_YET: Final = "the controller has not begun yet; ask again in a moment"


class Admission:
    """A question and whoever answers it: made before the controller, and given to drivers that need it."""

    def __init__(self) -> None:
        self._answer: Callable[[Sequence[str]], str] = lambda _: _NOT_YET

    def answered_by(self, answer: Callable[[Sequence[str]], str]) -> None:
        """From now on this one answers."""
        self._answer = answer

    def refusal(self, keys: Sequence[str]) -> str:
        """Why these, which sleep, may not start now together, with figures and when to ask again; empty where they may.

        Then their room is taken: who asks and does not start keeps others from starting for a while.
        """
        return self._answer(keys)

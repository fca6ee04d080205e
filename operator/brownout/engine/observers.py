"""Telling observers: all of them, in order, and none can hurt the controller or another."""

import logging
from collections.abc import Callable, Sequence

from brownout.engine.ports import Observer, StepDetails, TickDetails

_LOG = logging.getLogger(__name__)


class Observers:
    """One Observer that passes everything on to many; an observer that raises is logged and left behind."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = observers  # not copied: the composition root may still add to it

    def on_tick(self, details: TickDetails) -> None:
        """A tick has ended."""
        self._each(lambda observer: observer.on_tick(details))

    def on_step(self, details: StepDetails) -> None:
        """A step has ended."""
        self._each(lambda observer: observer.on_step(details))

    def on_fault(self, where: str, message: str) -> None:
        """Something of the world failed and was contained."""
        self._each(lambda observer: observer.on_fault(where, message))

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception:  # noqa: BLE001 - an observer's bug must never reach a decision
                _LOG.exception("an observer failed")

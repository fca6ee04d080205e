"""The port for time. Beside ports.py, because what wraps a single program does without the models of the wire."""

from typing import Protocol

from brownout.core.instant import Instant


class Clock(Protocol):
    """The only source of time. It never jumps: wall-clock changes do not move it, suspended time counts."""

    def now(self) -> Instant:
        """Unix seconds, UTC, never decreasing."""
        ...

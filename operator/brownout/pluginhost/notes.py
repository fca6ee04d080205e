"""What plugins write into the controller's log, within bounds: one that writes without end would fill it for everybody.

Unbounded, a plugin in a loop wrote 190 KB a second (measured), 16 GB a day, into a log that others need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from brownout.core.instant import Instant

__all__ = ["MOST_AT_ONCE", "PER_S", "Notes"]

#: Lines that a plugin may write at once, such as a traceback in pieces, and those that it gains each second.
MOST_AT_ONCE: Final = 100
PER_S: Final = 2.0
#: How often it is told that lines are left out.
_TOLD_EACH_S: Final = 60.0


@dataclass(slots=True)
class _Allowance:
    """What one plugin may still write, as of `at`; and how much was left out since that was last told."""

    at: Instant
    lines: float = MOST_AT_ONCE
    left_out: int = 0
    told_at: Instant = 0.0


class Notes:
    """Passes lines on (key, severity, text); what is too much is left out, counted, and told."""

    def __init__(self, on_note: Callable[[str, str, str], None]) -> None:
        self._on_note = on_note
        self._allowances: dict[str, _Allowance] = {}

    def hear(self, key: str, severity: str, message: str, *, now: Instant) -> None:
        """A plugin writes a line."""
        allowance = self._allowances.setdefault(key, _Allowance(at=now))
        allowance.lines = min(MOST_AT_ONCE, allowance.lines + max(0.0, now - allowance.at) * PER_S)
        allowance.at = now
        if allowance.lines < 1.0:
            allowance.left_out += 1
            return
        allowance.lines -= 1.0
        if allowance.left_out and now - allowance.told_at >= _TOLD_EACH_S:
            self._on_note(key, "warning", f"{allowance.left_out} lines were left out: it writes too many")
            allowance.left_out, allowance.told_at = 0, now
        self._on_note(key, severity, message)

    def forget(self, key: str) -> None:
        """It is no longer declared."""
        self._allowances.pop(key, None)

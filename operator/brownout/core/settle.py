"""Settling: after a step the machine gets time to show what it freed, before anybody else has to go.

Memory comes back late (a runtime returns it in its own time, the kernel drops caches lazily); a controller that
does not wait makes a cascade of needless victims (kubernetes 31362).
"""

from dataclasses import dataclass
from enum import StrEnum

from brownout.core.instant import Instant

# Three quarters of what was expected: the rest is shared pages, and the load that moved meanwhile.
ENOUGH = 0.75


class Settled(StrEnum):
    """How a step turned out."""

    WAITING = "waiting"
    FREED = "freed"
    INEFFECTIVE = "ineffective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A shed that has not been verified yet. `expected_bytes` None: nobody knew what it would free."""

    key: str
    rung: int  # the rung it left
    at: Instant
    deadline: Instant
    used_before_bytes: int
    expected_bytes: int | None
    learns: bool = False  # nobody measures this workload: what comes back is what it held
    leaves_bytes: int = 0  # ... and what it holds still, on a lower level

    def freed_bytes(self, used_bytes: int) -> int:
        """What has come back so far."""
        return max(0, self.used_before_bytes - used_bytes)

    def outcome(self, used_bytes: int | None, *, now: Instant) -> Settled:
        """Whether it has shown its effect; unknown memory keeps it waiting until the deadline."""
        freed = self.freed_bytes(used_bytes) if used_bytes is not None else 0
        if self.expected_bytes and freed >= ENOUGH * self.expected_bytes:
            return Settled.FREED
        if now < self.deadline:
            return Settled.WAITING
        return Settled.FREED if self.expected_bytes is None and freed > 0 else Settled.INEFFECTIVE

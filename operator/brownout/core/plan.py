"""Plans: what to do, in which order, and why.

Rule 1: same inputs, same plan. Rule 2: an empty plan is a valid answer. Rule 3: no step without a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from brownout.api.reasons import Reason
from brownout.core.instant import Instant


class Action(StrEnum):
    """What a step does to one integration."""

    LOWER = "Lower"
    DISABLE = "Disable"
    RAISE = "Raise"
    ENABLE = "Enable"
    START = "Start"  # first time, or again after it vanished: nothing of ours to undo

    @property
    def sheds(self) -> bool:
        """Whether it is meant to free memory."""
        return self in (Action.LOWER, Action.DISABLE)


class Verdict(StrEnum):
    """What kind of answer a decision is."""

    HOLD = "Hold"
    SHED = "Shed"
    RESTORE = "Restore"
    START = "Start"
    EMERGENCY = "Emergency"
    OWNER = "Owner"  # carrying out the owner's own wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One switch of one integration. `delta_bytes` is what it is expected to take (+) or free (-); None: unknown."""

    key: str
    name: str
    action: Action
    from_rung: int
    to_rung: int
    level: str  # name of the level it goes to; empty when off or without levels
    reason: Reason
    message: str
    delta_bytes: int | None
    leaves_bytes: int | None = None  # what a step down leaves it holding; None: unknown, or it held nothing before
    must: bool = False  # of a start: something essential needs it, whatever the load
    identity: str = ""  # what it was planned against; checked again before acting
    grace_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer of one tick: which rule, why in a sentence, on which numbers, and the steps (maybe none).

    `afterwards` is what a rehearsal (core/rehearsal.py) shows of the next ticks; what is carried out has none.
    """

    at: Instant
    verdict: Verdict
    reason: Reason
    message: str
    rule: str
    steps: tuple[Step, ...] = ()
    numbers: Mapping[str, float | str | None] = field(default_factory=lambda: MappingProxyType({}))
    afterwards: "Decision | None" = None

    @property
    def holds(self) -> bool:
        """Whether nothing is to be done."""
        return not self.steps

    @property
    def in_turn(self) -> "tuple[Decision, ...]":
        """This decision, and those that a rehearsal shows after it."""
        return (self, *(self.afterwards.in_turn if self.afterwards else ()))

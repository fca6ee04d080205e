"""Parting: what a status says once the controller has ended, and the program of it with the controller. Pure.

What was off stays as it was said, and whatever must outlive a restart (hold, footprint, levels, last decision) is not
touched: the next start reads it.
"""

from typing import Final

from brownout.api.reasons import ConditionType, Reason, State
from brownout.api.status import IntegrationStatus
from brownout.core.capability import Capability, capability_of
from brownout.core.conditions import Statement, conditions
from brownout.core.instant import Instant, to_rfc3339

__all__ = ["known_before", "parted"]

_ENDED: Final = "the controller has ended, and its programs with it"
_NOT_BEGUN: Final = "the controller has ended before this ran"


def parted(status: IntegrationStatus, *, now: Instant) -> IntegrationStatus:
    """The status after the end: it does not run, holds nothing, and nobody looks after it. One that was off is said."""
    if status.state not in (State.ENABLED, State.LOWERED, State.PENDING) or status.message in (_ENDED, _NOT_BEGUN):
        return status
    # What kept it from starting (memory, a failure) is as true as it was; only "about to start" is not.
    ran = status.state is not State.PENDING
    waits = not ran and status.reason is not Reason.STABILIZING
    said = status.reason or Reason.STABILIZING, status.message or ""
    reason, message = said if waits else (Reason.STABILIZING, _ENDED if ran else _NOT_BEGUN)
    statements: tuple[Statement, ...] = (
        (ConditionType.READY, False, reason, message),
        (ConditionType.RECONCILING, False, Reason.STABILIZING, ""),
        (ConditionType.STALLED, False, Reason.STABILIZING, ""),
        (ConditionType.DEGRADED, False, Reason.STABILIZING, ""),
        (ConditionType.HEALTHY, None, Reason.STABILIZING, ""),
    )
    found = conditions(status.conditions, statements, now=now, generation=status.observed_generation)
    accepted = tuple(each for each in status.conditions if each.type is ConditionType.ACCEPTED)
    changes = {
        "state": State.PENDING,
        "since": to_rfc3339(now) if ran else status.since,
        "reason": reason,
        "message": message,
        "memory": None,
        "health": None,
        "circuit": None,
        "conditions": (*found, *accepted),
    }
    return status.model_copy(update=changes)


def known_before(status: IntegrationStatus | None) -> Capability | None:
    """What people know that it can do, from before this controller: what ended with the last one ran until then."""
    if status is None or status.state is not State.PENDING or status.message != _ENDED:
        return capability_of(status)
    lowered = status.hold is not None and status.hold.by_controller and not status.hold.off
    return (State.LOWERED if lowered else State.ENABLED), status.level or ""

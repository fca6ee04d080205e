"""Recalling: holds, and returns, that only the journal knows of. Pure.

An emergency waits for no status to be written. If the controller dies in that moment, the workload stands still and
its status says nothing; in a cluster it would look as if somebody else had scaled it to zero, and stay so for ever.
The intent is in the journal.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from brownout.api.reasons import Reason, State
from brownout.core.holding import Return
from brownout.core.instant import from_rfc3339
from brownout.core.member import Hold, Member, Observation, Presence
from brownout.core.plan import Action
from brownout.engine.ports import DecisionRecord, OutcomeStatus

# Decisions that are read again at the start: what matters are the last seconds before a crash.
NEWEST = 1000
_UP = (Action.ENABLE.value, Action.RAISE.value)


def newest(records: Iterable[DecisionRecord]) -> Mapping[str, DecisionRecord]:
    """The last real decision about each integration; `records` are newest first."""
    found: dict[str, DecisionRecord] = {}
    for record in records:
        if not record.dry_run:
            found.setdefault(record.key, record)
    return MappingProxyType(found)


def recalled(record: DecisionRecord | None, member: Member, seen: Observation) -> Hold | None:
    """The hold that an integration was put under by a decision of which its status has never heard."""
    if record is None or not _unheard_of(record, member) or not _may_have_stopped(record, seen):
        return None
    status = member.integration.status
    return Hold(
        rung=member.ladder.off,
        since=record.at,
        reason=Reason(record.reason),
        message=record.message,
        replicas_before=status.replicas_before if status else None,
    )


def brought_back(record: DecisionRecord | None, hold: Hold | None, member: Member) -> Return | None:
    """The return of what a status says is held, and what runs all the same; None where none is known.

    Either that hold was written ahead of a step down that never came about: then the return which it was to end is on
    trial again. Or the controller was killed when it had brought it back, and before it could say so.
    """
    if hold is None:
        return None
    if hold.rung > _stood(member):
        return (hold.since, hold.undone - 1) if hold.undone else None
    if record is None or record.at < hold.since or record.action not in _UP:
        return None
    return (record.at, hold.undone) if record.outcome in (None, OutcomeStatus.DONE.value) else None


def _stood(member: Member) -> int:
    """The rung on which it stood by its status, before any step that was only written ahead."""
    status = member.integration.status
    if status is not None and status.state is State.DISABLED:
        return member.ladder.off
    return member.ladder.rung_of((status.level if status else None) or "")


def _unheard_of(record: DecisionRecord, member: Member) -> bool:
    """A status that names this decision, or a later one, tells all there is; one that is new is of a successor."""
    status = member.integration.status
    if status is None:
        return False
    last = status.last_decision
    return last is None or (last.id != str(record.id) and (from_rfc3339(last.at) or 0.0) <= record.at)


def _may_have_stopped(record: DecisionRecord, seen: Observation) -> bool:
    """Whether it was to be stopped, nothing is known to have kept it from that, and it does not run."""
    stopping = record.action == Action.DISABLE.value and record.reason in set(Reason)
    return stopping and record.outcome in (None, OutcomeStatus.DONE.value) and seen.presence is Presence.STOPPED

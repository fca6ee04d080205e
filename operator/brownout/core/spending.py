"""Spending: who has to go down because its owner's budget asks for it, and to where.

Nobody is ended in the middle of what it does: a step down is graceful, with the grace of its spec. What depends on it
goes first (owner.py), as it does where the owner switches something off.
"""

from brownout.api.reasons import Reason
from brownout.core.member import Member, Presence
from brownout.core.plan import Step
from brownout.core.shed import step_down
from brownout.core.snapshot import PRESENT, Snapshot


def overspent(snapshot: Snapshot) -> tuple[Step, ...]:
    """Steps for those that stand higher than their budget lets them, the first to go first."""
    return tuple(
        step_down(
            member,
            snapshot.ceiling(member),
            reason=member.allowance.reason or Reason.BUDGET_EXCEEDED,
            because=member.allowance.message,
        )
        for member in snapshot.spent
        if _too_high(member, snapshot) and not _awaited(member, snapshot)
    )


def _too_high(member: Member, snapshot: Snapshot) -> bool:
    """Whether it is ours to take down. One that stands still is held off, so that nobody starts it."""
    ceiling = snapshot.ceiling(member)
    if not member.wanted or member.resting or member.rung >= ceiling:
        return False
    still = member.observed.presence is Presence.STOPPED and member.observed.resumable
    return member.observed.presence in PRESENT or (still and ceiling >= member.ladder.off)


def _awaited(member: Member, snapshot: Snapshot) -> bool:
    """Whether something is under way for which it has to wait: its own switch, or that of what depends on it."""
    if member.key in snapshot.in_flight:
        return True
    going = (snapshot.by_key[key] for key in snapshot.in_flight if key in snapshot.by_key)
    return any(member.key in other.needs for other in going)

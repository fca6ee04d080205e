"""Holds on the wire: what a status must say so that a restarted controller knows what it did, and can undo it."""

from brownout.api.status import Held, IntegrationStatus
from brownout.core.instant import from_rfc3339, to_rfc3339
from brownout.core.member import Hold, Member, Observation
from brownout.core.plan import Action, Step
from brownout.core.wording import sentence


def held(hold: Hold, member: Member) -> Held:
    """What must outlive a restart."""
    return Held(
        by_controller=True,
        off=hold.rung >= member.ladder.off,
        level=member.ladder.level_name(hold.rung),
        since=to_rfc3339(hold.since),
        reason=hold.reason,
        message=sentence(hold.message),
        wait_factor=hold.wait_factor,
    )


def hold_from(status: IntegrationStatus | None, member: Member) -> Hold | None:
    """The hold that a status remembers, after a restart; None where it remembers none that makes sense."""
    kept = status.hold if status else None
    if status is None or kept is None or not kept.by_controller or kept.reason is None:
        return None
    return Hold(
        rung=member.ladder.off if kept.off else member.ladder.rung_of(kept.level),
        since=from_rfc3339(kept.since) or 0.0,
        reason=kept.reason,
        message=kept.message,
        wait_factor=kept.wait_factor,
        replicas_before=status.replicas_before,
    )


def with_hold(status: IntegrationStatus, step: Step, seen: Observation | None) -> IntegrationStatus:
    """The status just before a step down: nothing has changed yet, but a successor of ours would know who did it.

    What goes further down (5 replicas, then 1, then none) still has its owner's number to go back to.
    """
    hold = Held(
        by_controller=True,
        off=step.action is Action.DISABLE,
        level=step.level,
        since=status.since,
        reason=step.reason,
        message=sentence(step.message),
        wait_factor=status.hold.wait_factor if status.hold else 1.0,
    )
    now = seen.replicas if seen else None
    replicas = status.replicas_before if status.hold else now or status.replicas_before
    return status.model_copy(update={"hold": hold, "replicas_before": replicas})

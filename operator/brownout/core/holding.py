"""Holds on the wire: what a status must say so that a restarted controller knows what it did, and can undo it.

A return that is still on trial stands there too, also where nothing is held any more: a controller that is killed in
between must not forget to wait longer after the next one.
"""

from brownout.api.status import Held, IntegrationStatus
from brownout.core.instant import Instant, from_rfc3339, to_rfc3339
from brownout.core.member import Hold, Member, Observation
from brownout.core.plan import Action, Step
from brownout.core.quiet import renewed
from brownout.core.wording import sentence

Return = tuple[Instant, int]  # when we brought it back, and how many returns in a row before it had to be undone


def held(hold: Hold | None, member: Member, *, back: Return | None = None, previous: Held | None = None) -> Held | None:
    """What must outlive a restart; `back` is a return on trial, which a hold that is newer has ended."""
    if hold is None:
        return Held(undone=back[1], returned_at=to_rfc3339(back[0])) if back is not None else None
    return renewed(
        previous,
        Held,
        by_controller=True,
        off=hold.rung >= member.ladder.off,
        level=member.ladder.level_name(hold.rung),
        since=to_rfc3339(hold.since),
        reason=hold.reason,
        message=sentence(hold.message),
        undone=hold.undone,
        returned_at=to_rfc3339(back[0]) if back is not None and hold.since <= back[0] else None,
    )


def return_from(status: IntegrationStatus | None) -> Return | None:
    """The return on trial that a status remembers; None where it remembers none."""
    kept = status.hold if status else None
    at = from_rfc3339(kept.returned_at) if kept else None
    return None if kept is None or at is None else (at, kept.undone)


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
        undone=kept.undone,
        replicas_before=status.replicas_before,
    )


def with_hold(status: IntegrationStatus, step: Step, seen: Observation | None, *, undone: int) -> IntegrationStatus:
    """The status just before a step down: nothing has changed yet, but a successor of ours would know who did it, and
    how many returns in a row had to be undone.

    What goes further down (5 replicas, then 1, then none) still has its owner's number to go back to.
    """
    hold = Held(
        by_controller=True,
        off=step.action is Action.DISABLE,
        level=step.level,
        since=status.since,
        reason=step.reason,
        message=sentence(step.message),
        undone=undone,
    )
    now = seen.replicas if seen else None
    held_already = status.hold is not None and status.hold.by_controller
    replicas = status.replicas_before if held_already else now or status.replicas_before
    return status.model_copy(update={"hold": hold, "replicas_before": replicas})

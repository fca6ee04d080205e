"""Returning: who comes back next, and whether it may.

One at a time, in the reverse of the degradation order, and only what fits: a return that must be undone is worse
than a return that waits. What is off comes back at its lowest level; levels rise when nothing is off any more.
"""

from dataclasses import dataclass

from brownout.api.policy import RestoreStrategy
from brownout.api.quantities import approximate_bytes
from brownout.api.reasons import Reason
from brownout.core import explain
from brownout.core.instant import Instant
from brownout.core.member import Member, Presence
from brownout.core.patience import SURE_AGAIN, may_vouch, wait_s
from brownout.core.plan import Action, Step
from brownout.core.room import Room, spoken_for
from brownout.core.snapshot import Snapshot
from brownout.core.wording import duration, percent, threshold

# How sure it must be that memory stays below the disable threshold until the horizon, beside what returns. Below the
# enable threshold there is a reserve already: 15 points by default. On 8 real series of rough load `BelowEnable` costs
# 1 % more at 0.63 and 1 % less at 0.55; in pure noise around 76 % it makes 3 to 11 flips in 12 h (12 seeds), at 0.55 up
# to 13.
SURE_TO_FIT = {RestoreStrategy.BELOW_ENABLE: 0.6, RestoreStrategy.WHEN_IT_FITS: 0.85}

_AWAY = (Presence.MISSING, Presence.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why the next one does not return yet."""

    member: Member
    reason: Reason
    message: str


def candidate(snapshot: Snapshot) -> Member | None:
    """The next to return: of those that are off the most important; then, of those lowered, the most important.

    Only what we hold ourselves: what its owner switched off stays off. One whose dependency is off, or that
    cannot be resumed, does not block the others.
    """
    held = [member for member in reversed(snapshot.order) if can_return(member, snapshot)]
    off = [member for member in held if member.rung >= member.ladder.off]
    return next(iter(off or held), None)


def can_return(member: Member, snapshot: Snapshot) -> bool:
    """Whether we hold it down and nothing but memory keeps it there: neither its owner nor a budget."""
    if member.hold is None or member.hold.by_owner or not member.wanted:
        return False
    if member.observed.presence in _AWAY or member.resting or explain.kept_by_budget(snapshot, member):
        return False
    if member.next_rung_up() in member.unfit:
        return False
    needed = [snapshot.by_key[key] for key in member.needs if key in snapshot.by_key]
    return all(other.up and other.rung < other.ladder.off for other in needed)


def restore(snapshot: Snapshot, member: Member, *, now: Instant) -> Step | Waiting:
    """The step that brings this member back (or one level up), or why it has to wait."""
    rung = member.next_rung_up()
    if waiting := _stabilizing(snapshot, member, now=now):
        return waiting
    if waiting := _unfit(snapshot, member, rung):
        return waiting
    return step_up(snapshot, member, rung)


def _stabilizing(snapshot: Snapshot, member: Member, *, now: Instant) -> Waiting | None:
    """Calm must have lasted: below the enable threshold where the strategy asks for it, and since the last shed."""
    enable = snapshot.policy.thresholds.enable
    if _below(snapshot) and snapshot.calm_since is None:
        message = f"{explain.ram(snapshot.outlook)}: {member.name} waits until it is below {threshold(enable)}"
        return Waiting(member=member, reason=Reason.STABILIZING, message=message)
    ready_at = max(_calm_at(snapshot, member), snapshot.last_return_at + snapshot.policy.stabilization.settle)
    if now >= ready_at:
        return None
    message = f"{explain.ram(snapshot.outlook)}: {member.name} waits {duration(ready_at - now)} more"
    return Waiting(member=member, reason=Reason.STABILIZING, message=message)


def _below(snapshot: Snapshot) -> bool:
    return snapshot.policy.restore.strategy is RestoreStrategy.BELOW_ENABLE


def _calm_at(snapshot: Snapshot, member: Member) -> Instant:
    """When it has been calm for long enough, if it stays so.

    What is asked of calm itself is always the same: in rough load more of it hardly ever comes, and the waits that
    double count since the last step down.
    """
    usual_s = snapshot.policy.stabilization.enable
    if _below(snapshot) and _vouched(snapshot, member):
        return snapshot.last_shed_at + usual_s
    calm = (snapshot.calm_since or 0.0) + usual_s if _below(snapshot) else 0.0
    return max(calm, snapshot.last_shed_at + wait_s(snapshot, member))


def _vouched(snapshot: Snapshot, member: Member) -> bool:
    """Whether the path stands in for calm: at its word the first time, and after an undone return if it is surer."""
    if not may_vouch(snapshot, member):
        return False
    return not member.undone or fits(snapshot, member, member.next_rung_up(), share=SURE_AGAIN)


def _unfit(snapshot: Snapshot, member: Member, rung: int) -> Waiting | None:
    """It must fit under the disable threshold on the worse of what is measured and what is foreseen."""
    if fits(snapshot, member, rung):
        return None
    return Waiting(member=member, reason=Reason.DOES_NOT_FIT, message=does_not_fit(snapshot, member, rung))


def does_not_fit(
    snapshot: Snapshot, member: Member, rung: int, *, already_bytes: int = 0, room: Room | None = None
) -> str:
    """The sentence that says by how much it does not; `room` is what it must leave to others, if not all of that."""
    takes, top = member.takes_bytes(rung) or 0, top_percent(snapshot) or 0.0
    room = spoken_for(snapshot, member, top_percent=top) if room is None else room
    with_it = top + snapshot.outlook.percent_of(takes + already_bytes + room.size_bytes)
    return (
        f"{explain.ram(snapshot.outlook)}: with {member.name}, which takes up to {approximate_bytes(takes)}"
        f"{room.beside()}, it would be {percent(with_it)}, not under {threshold(snapshot.policy.thresholds.disable)}"
    )


def fits(snapshot: Snapshot, member: Member, rung: int, *, already_bytes: int = 0, share: float | None = None) -> bool:
    """Whether a member fits under the disable threshold beside `already_bytes` planned in the same tick.

    What is spoken for is not free, though nobody holds it yet. `share` is how sure that must be; by default as sure as
    the strategy asks.
    """
    expected = top_percent(snapshot) if share is None else snapshot.outlook.top_percent(share)
    if expected is None:
        return False
    takes = (member.takes_bytes(rung) or 0) + already_bytes
    takes += spoken_for(snapshot, member, top_percent=expected).size_bytes
    return expected + snapshot.outlook.percent_of(takes) < snapshot.policy.thresholds.disable


def top_percent(snapshot: Snapshot) -> float | None:
    """What memory must stay under for the whole horizon beside what returns, as surely as the strategy asks."""
    return snapshot.outlook.top_percent(SURE_TO_FIT[snapshot.policy.restore.strategy])


def step_up(snapshot: Snapshot, member: Member, rung: int) -> Step:
    """The step of one held member up to a rung, with its sentence."""
    action = Action.ENABLE if member.rung >= member.ladder.off else Action.RAISE
    takes = member.takes_bytes(rung)
    size = "what it takes is not known yet" if takes is None else f"it takes up to {approximate_bytes(takes)}"
    expected = (top_percent(snapshot) or 0.0) + snapshot.outlook.percent_of(takes or 0)
    message = (
        f"{explain.ram(snapshot.outlook)}: {explain.done(action, member, to_rung=rung)} again; {size}, "
        f"{percent(expected)} in all, under {threshold(snapshot.policy.thresholds.disable)}"
    )
    return Step(
        key=member.key,
        name=member.name,
        action=action,
        from_rung=member.rung,
        to_rung=rung,
        level=member.ladder.level_name(rung),
        reason=Reason.RESTORED,
        message=message,
        delta_bytes=takes,
        identity=member.observed.identity,
        grace_s=member.integration.spec.stop.grace,
    )

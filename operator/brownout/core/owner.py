"""The owner's own wishes: what is to be off because its spec says so, and what is to be started for the first time.

The owner's word is never overridden: `enabled: false` is carried out whatever the load, and what the owner wants
on is started as soon as it fits. What does not fit is held off by us, so that it returns like anything else.
"""

from dataclasses import replace

from brownout.api.reasons import Reason
from brownout.core import explain
from brownout.core.member import Member, Presence
from brownout.core.plan import Action, Step
from brownout.core.restore import does_not_fit, fits
from brownout.core.shed import step_down
from brownout.core.snapshot import PRESENT, Snapshot

_STOPPED = Presence.STOPPED  # asked for of each; see UP in member.py


def switched_off(snapshot: Snapshot) -> tuple[Step, ...]:
    """Steps for what its owner switched off, or what lost something it depends on, and still runs."""
    steps = [
        _owner_off(member) for member in snapshot.order if not member.wanted and _stands(member) and not member.resting
    ]
    needy = (member for member in snapshot.order if member.integration.spec.depends_on)
    steps += [_dependency_off(member) for member in needy if _lost_dependency(member, snapshot)]
    return tuple(steps)


def first_starts(snapshot: Snapshot) -> tuple[Step, ...]:
    """Steps for what should run, does not, and is not held by us: the most important first, as far as it fits."""
    steps: list[Step] = []
    planned_bytes = 0
    still = (member for member in reversed(snapshot.order) if _may_start(member))
    waiting = [member for member in still if snapshot.ceiling(member) < member.ladder.off]
    up = {member.key for member in snapshot.members if member.up} if waiting else set()
    for member in waiting:
        why = _why_start(member, up)
        if not why:
            continue
        rung = max(snapshot.ceiling(member), member.rung if member.rung < member.ladder.off else 0)
        free = member.running or member.key in snapshot.untouchable
        if free or fits(snapshot, member, rung, already_bytes=planned_bytes):
            planned_bytes += member.takes_bytes(rung) or 0
            up.add(member.key)
            steps.append(_start(member, rung, why=why, must=member.key in snapshot.untouchable))
        elif snapshot.outlook.measured_percent is not None:
            steps.append(_does_not_fit(snapshot, member, rung, already_bytes=planned_bytes))
    return tuple(steps)


def _may_start(member: Member) -> bool:
    """Whether there is anything to ask about it: most run, and run what their spec says."""
    return member.observed.presence is _STOPPED or member.observed.outdated


def _why_start(member: Member, up: set[str]) -> str:
    """Why it is to be started; empty where it is not. What runs already is started anew and takes no more than now."""
    if _outdated(member):
        plugin = member.integration.spec.workload.plugin is not None
        return "its plugin or its spec has changed" if plugin else "its spec has changed"
    return "its owner wants it on" if _startable(member, up) else ""


def _stands(member: Member) -> bool:
    return member.observed.presence in PRESENT


def _owner_off(member: Member) -> Step:
    return step_down(
        member,
        member.ladder.off,
        reason=Reason.DISABLED_BY_OWNER,
        because="its owner wants it off (spec.enabled: false)",
    )


def _lost_dependency(member: Member, snapshot: Snapshot) -> bool:
    """A dependency that is off on purpose takes its dependents along; one that is merely slow or unknown does not.

    The essential stays: it may serve less without what its owner took from it, but it serves.
    """
    needs = member.depends_on
    if not needs or not _stands(member):
        return False
    needed = [snapshot.by_key[key] for key in needs if key in snapshot.by_key]
    free = member.wanted and member.rung < member.ladder.off and not member.resting
    return free and member.key not in snapshot.untouchable and any(_goes(other, snapshot) for other in needed)


def _goes(member: Member, snapshot: Snapshot) -> bool:
    """Off by its owner's word, or by the budget that its owner has set."""
    return not member.wanted or snapshot.ceiling(member) >= member.ladder.off


def _dependency_off(member: Member) -> Step:
    names = ", ".join(member.integration.spec.depends_on)
    return step_down(
        member, member.ladder.off, reason=Reason.DEPENDENCY_DISABLED, because=f"what it depends on ({names}) is off"
    )


def _outdated(member: Member) -> bool:
    """Runs, or fails again and again, but not what its spec says now: whoever mends a misspelt command sees it start.

    One that is held off and still ending is not started again.
    """
    free = member.wanted and not member.resting and member.rung < member.ladder.off
    return free and _stands(member) and member.observed.outdated


def _startable(member: Member, up: set[str]) -> bool:
    """Stopped though wanted, by nobody's decision; and what it depends on runs (or starts before it in this plan)."""
    resumable = member.observed.resumable or (member.hold is not None and member.hold.replicas_before is not None)
    standing_still = member.observed.presence is Presence.STOPPED and resumable
    free = member.wanted and not member.resting and _may_serve(member)
    return free and standing_still and all(key in up for key in member.needs)


def _may_serve(member: Member) -> bool:
    """Not held off: what is only lowered serves on at its level, also when it was ended meanwhile."""
    hold = member.hold
    return hold is None or hold.by_owner or hold.rung < member.ladder.off


def _start(member: Member, rung: int, *, why: str, must: bool) -> Step:
    return Step(
        key=member.key,
        name=member.name,
        action=Action.START,
        from_rung=member.rung if member.running else member.ladder.off,
        to_rung=rung,
        level=member.ladder.level_name(rung),
        reason=Reason.WITHIN_LIMITS,
        message=f"{why}: {explain.done(Action.START, member, to_rung=rung)}",
        delta_bytes=member.takes_bytes(rung),
        must=must,
        identity=member.observed.identity,
        grace_s=member.integration.spec.stop.grace,
    )


def _does_not_fit(snapshot: Snapshot, member: Member, rung: int, *, already_bytes: int) -> Step:
    """Hold it off: it is not running yet, and comes back like anything else that we hold."""
    message = does_not_fit(snapshot, member, rung, already_bytes=already_bytes)
    step = step_down(member, member.ladder.off, reason=Reason.DOES_NOT_FIT, because=message)
    return replace(step, message=f"{message}; it waits")

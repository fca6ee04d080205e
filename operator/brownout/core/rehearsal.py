"""Rehearsing: what would be decided in turn if nothing is carried out. Pure.

Where nothing is done the owner's wish, or a budget that is spent, answers at every tick, and what memory asks for would
never be seen. So the steps of such an answer are taken as done: what they hold is free, and the rules are asked again.
"""

from dataclasses import replace

from brownout.core.decide import decide
from brownout.core.gather import growth_bytes
from brownout.core.instant import Instant
from brownout.core.member import Hold, Member, Presence
from brownout.core.outlook import Outlook
from brownout.core.plan import Action, Decision, Step, Verdict
from brownout.core.snapshot import Snapshot
from brownout.core.wording import listing


def rehearse(snapshot: Snapshot, *, now: Instant) -> Decision:
    """The first rule's answer; after one for the owner, what is decided once that is done.

    It ends: whoever is taken down for the owner is not asked for again.
    """
    return _rehearse(snapshot, (), now=now)


def _rehearse(snapshot: Snapshot, taken: tuple[Step, ...], *, now: Instant) -> Decision:
    decision = decide(snapshot, now=now)
    told = _told(decision, after=taken) if taken else decision
    if decision.verdict is not Verdict.OWNER:
        return told
    then = _rehearse(as_if(snapshot, decision.steps, now=now), (*taken, *decision.steps), now=now)
    return told if then.holds else replace(told, afterwards=then)


def as_if(snapshot: Snapshot, steps: tuple[Step, ...], *, now: Instant) -> Snapshot:
    """The snapshot with these steps down taken, and with what they are expected to free, where that is known."""
    taken = {step.key: step for step in steps}
    members = tuple(_down(each, taken[each.key], now=now) if each.key in taken else each for each in snapshot.members)
    freed_bytes = -sum(step.delta_bytes or 0 for step in steps)
    horizon_s = snapshot.policy.forecast.horizon
    before, after = (growth_bytes(each, within_s=horizon_s) for each in (snapshot.members, members))
    outlook = _relieved(snapshot.outlook, freed_bytes, round(before - after), horizon_s=horizon_s)
    return replace(snapshot, members=members, outlook=outlook)


def _down(member: Member, step: Step, *, now: Instant) -> Member:
    """The member where a step puts it."""
    seen, kept = member.observed, member.hold
    hold = Hold(rung=step.to_rung, since=now, reason=step.reason, message=step.message)
    if kept is not None:
        hold = replace(hold, undone=kept.undone, replicas_before=kept.replicas_before)
    if step.action is Action.DISABLE:
        gone = replace(seen, presence=Presence.STOPPED, memory_bytes=None, asleep=False)
        return replace(member, hold=hold, observed=gone)
    left = step.leaves_bytes if seen.memory_bytes is not None else None
    return replace(member, hold=hold, observed=replace(seen, memory_bytes=left))


def _relieved(outlook: Outlook, freed_bytes: int, calmed_bytes: int, *, horizon_s: float) -> Outlook:
    """The outlook with so much less in use now, and so much less growth until the horizon."""
    if outlook.measured_percent is None:
        return outlook
    freed, calmed = outlook.percent_of(freed_bytes), outlook.percent_of(calmed_bytes)
    return replace(
        outlook,
        measured_percent=max(0.0, outlook.measured_percent - freed),
        ours_percent=outlook.ours_percent - freed,
        growth_percent=outlook.growth_percent - calmed,
        growth_percent_per_s=outlook.growth_percent_per_s - calmed / horizon_s,
        total=outlook.total.shifted(-freed - calmed) if outlook.total else None,
    )


def _told(decision: Decision, *, after: tuple[Step, ...]) -> Decision:
    """The decision with the words that it rests on what has not been done."""
    state = "off" if all(step.action is Action.DISABLE for step in after) else "down"
    names = list(dict.fromkeys(step.name for step in after))
    once = f"once {listing(names)} {'is' if len(names) == 1 else 'are'} {state}"
    steps = tuple(replace(step, message=f"{once}: {step.message}") for step in decision.steps)
    return replace(decision, message=f"{once}: {decision.message}", steps=steps)

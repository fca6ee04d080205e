"""Shedding: which steps free enough memory, in which order, and no more than that.

Lowering comes before disabling: everybody gives a little before anybody gives all. Then the members go whole, in
degradation order, so that what is off is always a prefix of that order.
"""

from collections.abc import Iterator

from brownout.api.reasons import Reason
from brownout.core import explain
from brownout.core.member import Member
from brownout.core.plan import Action, Step
from brownout.core.snapshot import Snapshot

Rungs = dict[str, int]


def shed(snapshot: Snapshot, *, need_bytes: int, reason: Reason, because: str) -> tuple[Step, ...]:
    """The fewest steps in order whose expected effect is more than `need_bytes`.

    A step whose effect nobody knows ends the plan: it is verified before anyone else has to go. One that is only
    guessed goes alone, so that what comes back can be told to be its own, and the next guess is none.
    """
    members = snapshot.sheddable(emergency=False)
    targets: Rungs = {}
    freed: dict[str, int] = {}
    total = 0
    for member, rung in descent(members):
        guessed = member.guessed(rung)
        if guessed and targets:
            break
        targets[member.key] = rung
        size = member.frees_bytes(rung)
        if size is None:
            break
        total += size - freed.get(member.key, 0)  # its deeper step takes the place of its shallower one
        freed[member.key] = size
        if total > need_bytes or guessed:
            break
    return steps_down(members, targets, reason=reason, because=because)


def shed_all(snapshot: Snapshot, *, reason: Reason, because: str) -> tuple[Step, ...]:
    """Everything but the essential, at once."""
    members = snapshot.sheddable(emergency=True)
    return steps_down(members, {member.key: member.ladder.off for member in members}, reason=reason, because=because)


def descent(members: tuple[Member, ...], *, from_the_top: bool = False) -> Iterator[tuple[Member, int]]:
    """Every single step down, in the order in which they are taken: from where each stands, or from its best level.

    A level that fails is passed over: the next one down is taken in its turn, and in the end off.
    """
    lowerable = [member for member in members if member.ladder.levels]  # few of many: the others have nothing between
    deepest = max((member.ladder.lowest for member in lowerable), default=0)
    for rounds in range(1, deepest + 1):
        for member in lowerable:
            rung = rounds if from_the_top else member.rung + rounds
            if rung <= member.ladder.lowest and (rung not in member.unfit or rung == member.rung):
                yield member, rung
    for member in members:
        yield member, member.ladder.off


def steps_down(members: tuple[Member, ...], targets: Rungs, *, reason: Reason, because: str) -> tuple[Step, ...]:
    """One step for each member that moves. Lowered ones come first: they are quick and may be enough."""
    moving = [(member, targets[member.key]) for member in members if member.key in targets]
    moving.sort(key=lambda move: move[1] >= move[0].ladder.off)
    return tuple(step_down(member, rung, reason=reason, because=because) for member, rung in moving)


def step_down(member: Member, rung: int, *, reason: Reason, because: str) -> Step:
    """The step of one member down to a rung, with its sentence."""
    action = Action.DISABLE if rung >= member.ladder.off else Action.LOWER
    freed = member.frees_bytes(rung)
    return Step(
        key=member.key,
        name=member.name,
        action=action,
        from_rung=member.rung,
        to_rung=rung,
        level=member.ladder.level_name(rung),
        reason=reason,
        message=f"{because}: {explain.done(action, member, to_rung=rung)}{explain.frees(freed)}",
        delta_bytes=None if freed is None else -freed,
        leaves_bytes=member.leaves_bytes(rung),
        identity=member.observed.identity,
        grace_s=member.integration.spec.stop.grace,
    )

"""Admission: whether what is asleep may start now, because somebody asks something of it. Pure.

The question is that of every start: nothing starts beside pressure, on unknown memory, into the settling of a step, or
where it does not fit. Room that is kept for what is asleep does not count here: who is asked first, is served first.
What is being started already does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from brownout.core import explain
from brownout.core.decide import pressing
from brownout.core.instant import Instant
from brownout.core.member import Member
from brownout.core.restore import does_not_fit, top_percent
from brownout.core.room import starting
from brownout.core.snapshot import Snapshot
from brownout.core.wording import duration, percent

__all__ = ["refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _No:
    """Why it may not start, and when to ask again: after so many seconds, or as soon as something is so."""

    why: str
    when: str

    def __str__(self) -> str:
        return f"{self.why}; {self.when}"


def refusal(snapshot: Snapshot, keys: Sequence[str], *, now: Instant) -> str:
    """Why these may not start now together, with the figures and when to ask again; empty where they may.

    What must serve starts whatever the load, as with any other start.
    """
    whys = (_refusal(snapshot, key, before=keys[:at], now=now) for at, key in enumerate(keys))
    return next(filter(None, whys), "")


def _refusal(snapshot: Snapshot, key: str, *, before: Sequence[str], now: Instant) -> str:
    """Why one may not start beside those that start together with it."""
    member = snapshot.by_key.get(key)
    if member is None or not member.ours:
        return "it is not declared here"
    if key in snapshot.untouchable:
        return ""
    beside = replace(snapshot, waking=snapshot.waking.union(before)) if before else snapshot
    found = _held(snapshot, member) or _pressed(snapshot, now) or _unknown(snapshot, member) or _unfit(beside, member)
    return str(found) if found else ""


def _held(snapshot: Snapshot, member: Member) -> _No | None:
    """By its owner, by us or by its budget; it is about to be switched off, if it is not yet."""
    if not member.wanted:
        return _No(why="its owner wants it off", when="it starts when spec.enabled is true")
    if snapshot.ceiling(member) >= member.ladder.off:
        return _No(why=member.allowance.message, when=f"it returns when {member.allowance.returns_when}")
    if member.hold is not None and member.rung >= member.ladder.off:
        return _No(why=member.hold.message, when=f"it returns when {explain.returns_when(snapshot, member)}")
    return None


def _pressed(snapshot: Snapshot, now: Instant) -> _No | None:
    """Memory is short, will be, or is not known. Other switches under way are counted, and not waited for."""
    answer = pressing(replace(snapshot, in_flight=frozenset()), now)
    if answer is None:
        return None
    rest_s = snapshot.pending.deadline - now if snapshot.pending is not None else 0.0
    return _No(why=answer.message, when=_again(rest_s if rest_s > 0.0 else snapshot.policy.interval))


def _unknown(snapshot: Snapshot, member: Member) -> _No | None:
    """One whose size nobody knows starts alone, so that two of them cannot be too much together."""
    blind = [snapshot.by_key[key] for key in snapshot.unspent if key in snapshot.waking and key != member.key]
    for other in blind:
        if other.yet_bytes is None:
            why = f"{other.name} is being started, and what it takes is not known yet"
            return _No(why=why, when=_again(snapshot.policy.stabilization.settle))
    return None


def _unfit(snapshot: Snapshot, member: Member) -> _No | None:
    """It must fit under the disable threshold, at its highest, beside what is measured, foreseen and being started."""
    room, limit = starting(snapshot, member.key), snapshot.policy.thresholds.disable
    needs = snapshot.outlook.percent_of((member.takes_bytes(member.rung) or 0) + room.size_bytes)
    if (top_percent(snapshot) or 0.0) + needs < limit:
        return None
    why = does_not_fit(snapshot, member, member.rung, room=room)
    below = f"it fits when RAM stays below {percent(limit - needs)}, " if needs < limit else "it does not fit here, "
    return _No(why=why, when=f"{below}{_again(snapshot.policy.interval)}")


def _again(after_s: float) -> str:
    return f"ask again in {duration(max(1.0, after_s))}"

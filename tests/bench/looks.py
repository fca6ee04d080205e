"""Looks at a real box, made into a record that the simulator's own score can count. Pure.

A look is a Tick of the simulator: what was in use, who was there and who served. Several looks are made in each tick
of the box, so that what happens between two decisions counts for as long as it lasted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from brownout.simulate.loop import Record, Tick
from brownout.simulate.plant import Thing
from brownout.simulate.score import Score, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The memory that percentages are of: `size_bytes` above the `floor_bytes` that are nobody's concern."""

    size_bytes: int
    floor_bytes: int = 0

    @property
    def budget_bytes(self) -> int:
        """What a controller is told."""
        return self.floor_bytes + self.size_bytes

    def percent(self, used_bytes: float) -> float:
        """What is in use on the machine, as percent of the room."""
        return 100.0 * (used_bytes - self.floor_bytes) / self.size_bytes

    def bytes_of(self, percent: float) -> int:
        """Percent of the room, in bytes."""
        return round(self.size_bytes * percent / 100.0)

    def threshold(self, percent: float) -> float:
        """Percent of the room, as percent of the budget."""
        return round(100.0 * (self.floor_bytes + self.bytes_of(percent)) / self.budget_bytes, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing at a look: whether its process lives, whether it has said that it serves, what it holds."""

    lives: bool = False
    serves: bool = False
    held_bytes: int = 0


def look_of(room: Room, used_bytes: int, things: Sequence[Thing], seen: Sequence[Seen]) -> Tick:
    """A look as a tick: the base is what is in use without what our things hold."""
    ours = sum(one.held_bytes for one in seen)
    return Tick(
        base=room.percent(used_bytes - ours),
        total=room.percent(used_bytes),
        rungs=tuple(0 if one.lives else thing.off for thing, one in zip(things, seen, strict=True)),
        serving=tuple(float(one.lives and one.serves) for one in seen),
        chosen={},
        told=None,
    )


def record_of(name: str, things: Sequence[Thing], looks: Sequence[Tick]) -> Record:
    """The looks as a record."""
    return Record(trace="real", mode="native", contender=name, things=tuple(things), ticks=tuple(looks))


def score_of_looks(record: Record, looks_a_tick: int) -> Score:
    """The score of a record of looks. Minutes per day need no more than the score; days are shorter than their looks
    are many, and the flips are so many more a day.
    """
    counted = score(record)
    return replace(counted, days=counted.days / looks_a_tick, flips=counted.flips * looks_a_tick)


def base_by_tick(looks: Sequence[Tick], looks_a_tick: int) -> tuple[float, ...]:
    """The base that really was, at each tick: the median of its looks, since two readings of a look differ by a moment
    in which something may start or end.
    """
    starts = range(0, len(looks), looks_a_tick)
    found = (median(look.base for look in looks[start : start + looks_a_tick]) for start in starts)
    return tuple(min(100.0, max(0.0, base)) for base in found)

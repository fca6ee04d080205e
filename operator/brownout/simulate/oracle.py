"""The oracle: what could be had by one who knows the base load of the next 20 ticks.

An exact dynamic programme on that base and the nominal footprints (the noise it does not know), planned anew at each
tick. It may switch off the essential too. What is off is a prefix of the degradation order, lowering first: in the
benchmark's four a prefix frees more and costs less than any other choice of as many (a test compares with all 16).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.plant import Thing
from brownout.simulate.score import EMERGENCY_PERCENT, MINUTES_A_TICK, PRESSURE_PERCENT, Weights

AHEAD_TICKS = 20

Rungs = tuple[int, ...]
State = tuple[Rungs, tuple[int, ...]]  # where each stands, and the ticks of its start that are left


def prefixes(things: Sequence[Thing]) -> tuple[Rungs, ...]:
    """The choices: everything at its best; then each a level down, round by round; then each off, in order."""
    rungs = [0] * len(things)
    found = [tuple(rungs)]
    for at, rung in _descent(things):
        rungs[at] = rung
        found.append(tuple(rungs))
    return tuple(found)


def _descent(things: Sequence[Thing]) -> Iterator[tuple[int, int]]:
    deepest = max((thing.off for thing in things), default=1)
    for rung in range(1, deepest):
        yield from ((at, rung) for at, thing in enumerate(things) if rung < thing.off)
    yield from ((at, thing.off) for at, thing in enumerate(things))


def arrival(state: State, choice: Rungs, things: Sequence[Thing]) -> State:
    """The state at the next tick: what comes on begins its start, what starts is a tick further."""
    starts = []
    for thing, was, now, left in zip(things, state[0], choice, state[1], strict=True):
        begins = now < thing.off <= was
        starts.append(thing.start_ticks if begins else 0 if now >= thing.off else max(0, left - 1))
    return choice, tuple(starts)


def lost(state: State, things: Sequence[Thing]) -> float:
    """The weighted minutes that a tick in this state loses."""
    parts = zip(things, *state, strict=True)
    return MINUTES_A_TICK * sum(
        thing.weight * (1.0 - (0.0 if left else thing.value_at(rung))) for thing, rung, left in parts
    )


def pressure(total: float, weights: Weights) -> float:
    """What a tick at this total costs."""
    high = weights.pressure if total >= PRESSURE_PERCENT else 0.0
    return MINUTES_A_TICK * (high + (weights.emergency if total >= EMERGENCY_PERCENT else 0.0))


@dataclass(frozen=True, slots=True)
class _Move:
    to: int
    flips: float


class Programme:
    """The states that can be reached by some choices, and the cheapest way through a stretch of base load."""

    def __init__(self, things: Sequence[Thing], choices: Sequence[Rungs], weights: Weights) -> None:
        self._things, self._weights = tuple(things), weights
        first: State = (tuple(0 for _ in things), tuple(0 for _ in things))
        self.index: dict[State, int] = {first: 0}
        self._moves: list[tuple[tuple[int, float], ...]] = []
        states = [first]
        for state in states:  # grows while it is walked: whatever is reached is walked too
            self._moves.append(tuple(self._reach(state, choice, states) for choice in _nearest(state[0], choices)))
        self.states = tuple(states)
        self._lost = [lost(state, self._things) for state in states]
        taken = {choice: sum(map(Thing.percent_at, things, choice)) for choice in choices}
        self._choices = tuple(taken)
        self._percents = tuple(taken.values())
        self._place = [self._choices.index(state[0]) if state[0] in taken else 0 for state in states]

    def _reach(self, state: State, choice: Rungs, states: list[State]) -> tuple[int, float]:
        there = arrival(state, choice, self._things)
        if there not in self.index:
            self.index[there] = len(states)
            states.append(there)
        flips = sum(was != now for was, now in zip(state[0], choice, strict=True))
        return self.index[there], self._weights.flip * flips

    def penalties(self, base: float) -> tuple[float, ...]:
        """What pressure costs at a tick with this base, for each choice."""
        return tuple(pressure(base + percent, self._weights) for percent in self._percents)

    def costs(self, ahead: Sequence[tuple[float, ...]]) -> list[float]:
        """What arriving in each state at the first of these ticks costs, and all that follows at its cheapest."""
        arriving = [0.0] * len(self.states)
        for step, penalty in enumerate(reversed(ahead)):
            follows = arriving if step == 0 else [self._cheapest(moves, arriving) for moves in self._moves]
            arriving = [
                penalty[place] + lost_here + then
                for place, lost_here, then in zip(self._place, self._lost, follows, strict=True)
            ]
        return arriving

    def best(self, state: int, arriving: Sequence[float]) -> Rungs:
        """The choice to make in a state, by what arriving costs; of equals the one that moves least."""
        to, _ = min(self._moves[state], key=lambda move: arriving[move[0]] + move[1])
        return self.states[to][0]

    @staticmethod
    def _cheapest(moves: tuple[tuple[int, float], ...], arriving: Sequence[float]) -> float:
        return min([arriving[to] + flips for to, flips in moves])


def _nearest(rungs: Rungs, choices: Sequence[Rungs]) -> list[Rungs]:
    """The choices, those that move least first."""
    return sorted(choices, key=lambda choice: sum(was != now for was, now in zip(rungs, choice, strict=True)))


class Oracle:
    """Chooses the first step of the cheapest way through the next ticks."""

    name: ClassVar[str] = "oracle"

    def __init__(
        self,
        things: Sequence[Thing],
        base: Sequence[float],
        *,
        weights: Weights | None = None,
        ahead: int = AHEAD_TICKS,
        choices: Sequence[Rungs] | None = None,
    ) -> None:
        self._things, self._ahead = tuple(things), ahead
        self._programme = Programme(things, choices or prefixes(things), weights or Weights())
        kinds: dict[tuple[float, ...], tuple[float, ...]] = {}
        # Ticks that cost the same share one tuple, so that stretches that are alike are planned once.
        self._penalties = [kinds.setdefault(found, found) for found in map(self._programme.penalties, base)]
        self._planned: dict[tuple[int, ...], list[float]] = {}

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """The rungs of the first step."""
        ahead = self._penalties[seen.tick + 1 : seen.tick + 1 + self._ahead]
        alike = tuple(map(id, ahead))
        if alike not in self._planned:
            self._planned[alike] = self._programme.costs(ahead)
        state = tuple(one.rung for one in seen.things), tuple(one.starting for one in seen.things)
        best = self._programme.best(self._programme.index[state], self._planned[alike])
        return {thing.name: rung for thing, rung in zip(self._things, best, strict=True)}

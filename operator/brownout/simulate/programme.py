"""An exact dynamic programme: the cheapest way through a stretch of base load that is known.

A state is where each thing stands and how much of its start is left; a move chooses where each stands next. Costs are
the score's, on nominal footprints.
"""

from collections.abc import Iterator, Sequence

from brownout.simulate.plant import Thing
from brownout.simulate.score import EMERGENCY_PERCENT, MINUTES_A_TICK, PRESSURE_PERCENT, Weights

Rungs = tuple[int, ...]
State = tuple[Rungs, tuple[int, ...]]  # where each stands, and the ticks of its start that are left
Penalties = tuple[float, ...]  # what pressure costs at one tick, for each choice


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
    """What pressure costs in a tick at this total."""
    high = weights.pressure if total >= PRESSURE_PERCENT else 0.0
    return MINUTES_A_TICK * (high + (weights.emergency if total >= EMERGENCY_PERCENT else 0.0))


def flips(before: Rungs, after: Rungs) -> int:
    """How many things change their rung."""
    return sum(was != now for was, now in zip(before, after, strict=True))


class Programme:
    """The states that some choices reach, and what it costs to go on from each."""

    def __init__(self, things: Sequence[Thing], choices: Sequence[Rungs], weights: Weights) -> None:
        self._things, self._choices, self._weights = tuple(things), tuple(choices), weights
        self._percents = [sum(map(Thing.percent_at, things, choice)) for choice in choices]
        self._index: dict[State, int] = {}
        self._states: list[State] = []
        self._moves: list[tuple[tuple[int, float], ...]] = []  # to which state, and what the flips cost
        self._place: list[int] = []  # the choice in which each state stands
        self._lost: list[float] = []

    def know(self, state: State) -> int:
        """The number of a state; one that is new is walked from, to all that it reaches."""
        found = self._number(state)
        while len(self._moves) < len(self._states):
            here = self._states[len(self._moves)]
            nearest = sorted(self._choices, key=lambda choice: flips(here[0], choice))
            self._moves.append(tuple(self._move(here, choice) for choice in nearest))
        return found

    def __len__(self) -> int:
        return len(self._states)

    def penalties(self, base: float) -> Penalties:
        """What pressure costs at a tick with this base, for each choice."""
        return tuple(pressure(base + percent, self._weights) for percent in self._percents)

    def costs(self, ahead: Sequence[Penalties]) -> list[float]:
        """What it costs to arrive in each state at the first of these ticks, and to go on at its cheapest."""
        follows = arriving = [0.0] * len(self)
        for penalty in reversed(ahead):
            arriving = [
                penalty[place] + here + then for place, here, then in zip(self._place, self._lost, follows, strict=True)
            ]
            follows = [min([arriving[to] + cost for to, cost in moves]) for moves in self._moves]
        return arriving

    def best(self, state: int, arriving: Sequence[float]) -> Rungs:
        """The choice to make in a state, by what arriving costs; of equals the one that moves least."""
        to, _ = min(self._moves[state], key=lambda move: arriving[move[0]] + move[1])
        return self._states[to][0]

    def _move(self, state: State, choice: Rungs) -> tuple[int, float]:
        there = self._number(arrival(state, choice, self._things))
        return there, self._weights.flip * flips(state[0], choice)

    def _number(self, state: State) -> int:
        if state not in self._index:
            self._index[state] = len(self._states)
            self._states.append(state)
            self._lost.append(lost(state, self._things))
            # A state that no choice leads to is only ever left: what arriving there costs is never asked.
            self._place.append(self._choices.index(state[0]) if state[0] in self._choices else 0)
        return self._index[state]

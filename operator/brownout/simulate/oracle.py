"""The oracle: what could be had by one who knows the base load of the next 20 ticks.

It plans anew at each tick, on nominal footprints: their noise it does not know. It may switch off the essential too.
What it switches off is a prefix of the degradation order, lowering first: of the benchmark's four a prefix frees more
and costs less than any other choice of as many (a test compares with all 16).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.plant import Thing
from brownout.simulate.programme import Penalties, Programme, Rungs, prefixes
from brownout.simulate.score import Weights

AHEAD_TICKS = 20


class Oracle:
    """Takes the first step of the cheapest way through the next ticks. `things` in degradation order."""

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
        kinds: dict[Penalties, int] = {}
        # Ticks that cost the same get one number, so that stretches that are alike are planned once.
        self._kinds = tuple(kinds.setdefault(self._programme.penalties(value), len(kinds)) for value in base)
        self._penalties = tuple(kinds)
        self._planned: dict[tuple[int, ...], list[float]] = {}

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """The rungs of the first step."""
        known = len(self._programme)
        state = tuple(one.rung for one in seen.things), tuple(one.starting for one in seen.things)
        here = self._programme.know(state)
        if len(self._programme) > known:
            self._planned.clear()  # the plans say nothing of states that nobody had met yet
        best = self._programme.best(here, self._costs(self._kinds[seen.tick + 1 : seen.tick + 1 + self._ahead]))
        return {thing.name: rung for thing, rung in zip(self._things, best, strict=True)}

    def _costs(self, ahead: tuple[int, ...]) -> list[float]:
        if ahead not in self._planned:
            self._planned[ahead] = self._programme.costs([self._penalties[kind] for kind in ahead])
        return self._planned[ahead]

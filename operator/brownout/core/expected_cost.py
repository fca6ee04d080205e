"""Expected cost: which steps down are worth what they prevent, and when a return is worth its risk. Pure.

All steps that could be taken stand in one line, from everything on to everything off, in degradation order; a place in
that line says what is on. For each place and each step of time ahead the forecast's distribution tells how likely
memory is at or above the thresholds; with the prices of the policy that is a cost. A dynamic programme over places and
steps of time finds the cheapest way from the present place, switches included (Bertsekas, Dynamic Programming and
Optimal Control, vol. 1: open-loop feedback control). Only its first move is made; the next tick plans anew.

It is the oracle's programme with chances in place of knowledge: on the 7 real series that nothing was tuned on it costs
1.41 (rough load) and 1.11 (smooth load) of what the oracle pays that knows the next ten minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from brownout.api.policy import Costs, Thresholds
from brownout.core.forecasting.path import Path

# The far end of a path is the least certain, and what happens there is better decided when it is nearer: plans to 0.8
# of the horizon cost 1 % less than plans to the whole of it.
REACH = 0.8
# A start serves nothing for about so many steps: a minute at a look every 30 s. In the benchmark's plant it is one or
# two; learnt start times would be better, and differ by little here.
START_STEPS = 2.0
# More places than this are thinned out: near the present one each counts, far from it powers of two do.
MOST_PLACES = 33

# Two neighbouring places by what it costs to come to each: the difference is what it costs from one to the other.
Edge = tuple[float, float]


class Place(NamedTuple):
    """What is on at one place of the line: memory beside the base in percent, and the service lost per minute there.

    `returning` is the service that the step from the next place up to this one has to wait for.
    """

    ours_percent: float
    lost_per_min: float
    returning: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All places, from everything on to everything off, a column for each of a place's figures.

    A line of 1000 integrations has 1001 places at every tick, of which a decision looks at some 30: no others are made.
    """

    ours_percent: tuple[float, ...]
    lost_per_min: tuple[float, ...]
    returning: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ours_percent)

    def __getitem__(self, index: int) -> Place:
        return Place(self.ours_percent[index], self.lost_per_min[index], self.returning[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the policy weighs: the cost of a minute at or above each threshold, and of a switch."""

    costs: Costs
    thresholds: Thresholds

    def per_minute(self, path: Path, place: Place) -> list[float]:
        """The expected cost of a minute at a place, for each step ahead."""
        disable = path.at_or_above(self.thresholds.disable - place.ours_percent)
        emergency = path.at_or_above(self.thresholds.emergency - place.ours_percent)
        pressure, worst, lost = self.costs.pressure, self.costs.emergency, place.lost_per_min
        return [pressure * over + worst * far + lost for over, far in zip(disable, emergency, strict=True)]


def cheapest(line: Line, path: Path, prices: Prices, *, at: int) -> int:
    """The place to move to now from the place `at`: where the cheapest way leads first; to stay wins a tie."""
    places = thinned(len(line), at)
    steps = max(1, round(REACH * path.steps))
    minutes = path.step_s / 60.0
    costs = [[minutes * each for each in prices.per_minute(path, line[place])[:steps]] for place in places]
    down, up = _switching(line, places, prices.costs.switch, start_min=minutes * START_STEPS)
    # In the end everything has to come back: that price keeps the programme from leaving things off for nothing.
    ahead: Sequence[float] = up
    downs, ups = [*pairwise(down)][::-1], [*pairwise(up)]
    for step in range(steps - 1, 0, -1):
        ahead = _moved([cost[step] + rest for cost, rest in zip(costs, ahead, strict=True)], downs, ups)
    first = [cost[0] + rest for cost, rest in zip(costs, ahead, strict=True)]
    here = places.index(at)
    total = [value + _between(down, up, here, index) for index, value in enumerate(first)]
    best = min(total)
    return at if total[here] <= best + 1e-9 else places[total.index(best)]


def expected_minutes(path: Path, level_percent: float) -> float:
    """How many of the planned minutes the base is expected at or above a level."""
    steps = max(1, round(REACH * path.steps))
    return path.step_s / 60.0 * sum(path.at_or_above(level_percent)[:steps])


def thinned(count: int, at: int) -> list[int]:
    """The places that are looked at: all of them, or those at distances of 1, 2, 3, 4, 6, 8, 12 ... and both ends."""
    if count <= MOST_PLACES:
        return list(range(count))
    far = [0, 1, *(base << power for power in range(count.bit_length()) for base in (2, 3))]
    near = {at + sign * distance for distance in far for sign in (1, -1)}
    return sorted({place for place in near if 0 <= place < count} | {0, count - 1})


def _switching(line: Line, places: Sequence[int], price: float, *, start_min: float) -> tuple[list[float], list[float]]:
    """The cost of going down to each place from the first, and of coming back up from each to the first."""
    # A level that fails may serve less than the one below it: there is nothing to wait for.
    waits = list(accumulate((start_min * each if each > 0.0 else 0.0 for each in line.returning), initial=0.0))
    return [price * place for place in places], [price * place + waits[place] for place in places]


def _between(down: Sequence[float], up: Sequence[float], here: int, there: int) -> float:
    return down[there] - down[here] if there >= here else up[here] - up[there]


def _moved(values: list[float], downs: Sequence[Edge], ups: Sequence[Edge]) -> list[float]:
    """The least of staying and of moving first, at each place: switches add up along the line, so two sweeps do."""
    deeper = reversed(_swept(values[::-1], downs))
    return list(map(min, deeper, _swept(values, ups)))


def _swept(values: list[float], edges: Sequence[Edge]) -> list[float]:
    """The least of staying at each and of going to one of those before it, which costs what lies between."""
    least = values[0]
    found = [least]
    for value, (near, far) in zip(values[1:], edges, strict=True):
        there = least + far - near
        least = there if there < value else value  # noqa: FURB136 - in a third of the time of min
        found.append(least)
    return found

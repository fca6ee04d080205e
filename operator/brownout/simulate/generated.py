"""Generated loads: seeded families, each a base load of the box that shows one thing. For tests, and where no trace is.

Percent at each tick of 30 s; `base_as_it_is` makes a base of one. With everything on the total is 26 points higher.
"""

import math
import random
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice

from brownout.simulate.traces import SCORED_TICKS, TICK_S, Trace

DAY_TICKS = 2880


class Family(StrEnum):
    """What the load does."""

    NOISE = "noise"
    SPIKE = "spike"
    DAILY = "daily"
    LEAK = "leak"
    BURSTS = "bursts"
    STEPS = "steps"
    PAGE_CACHE = "page-cache"
    RANDOM_WALK = "random-walk"


def generated(family: Family, *, seed: int = 0, ticks: int = SCORED_TICKS) -> Trace:
    """A load of one family. The same seed gives the same load, and a longer one begins like a shorter one."""
    chance = random.Random(f"{family.value}:{seed}")  # noqa: S311 - a model, not a secret
    values = islice(_FAMILIES[family](chance), ticks)
    return Trace(
        name=f"{family.value}-{seed}", step_s=TICK_S, values=tuple(max(0.0, min(100.0, value)) for value in values)
    )


def _noise(chance: random.Random) -> Iterator[float]:
    """White noise, standard deviation 3, around a total of 76 %: nothing to foresee and nothing to do."""
    while True:
        yield chance.gauss(50.0, 3.0)


def _spike(chance: random.Random) -> Iterator[float]:
    """A calm base of 52 % with one rise of five minutes after an hour: voice fits again, but not below 65 %."""
    tick = 0
    while True:
        yield chance.gauss(52.0, 0.2) + (8.0 if 120 <= tick < 130 else 0.0)
        tick += 1


def _daily(chance: random.Random) -> Iterator[float]:
    """A curve of a day from 34 to 64 %, with noise."""
    phase, tick = chance.random(), 0
    while True:
        yield chance.gauss(49.0 - 15.0 * math.cos(2.0 * math.pi * (tick / DAY_TICKS + phase)), 0.5)
        tick += 1


def _leak(chance: random.Random) -> Iterator[float]:
    """Something of somebody else's grows by 4 points an hour, and is started anew at 70 %."""
    level = 40.0
    while True:
        yield chance.gauss(level, 0.3)
        level = 40.0 if level >= 70.0 else level + 4.0 * TICK_S / 3600.0


def _bursts(chance: random.Random) -> Iterator[float]:
    """A base of 45 % and, once in 40 min on average, 15 to 40 points more for 1 to 15 min."""
    left, height = 0, 0.0
    while True:
        if left == 0 and chance.random() < 1.0 / 80.0:
            left, height = chance.randint(2, 30), chance.uniform(15.0, 40.0)
        yield chance.gauss(45.0, 0.5) + (height if left else 0.0)
        left = max(0, left - 1)


def _steps(chance: random.Random) -> Iterator[float]:
    """Somebody comes and goes: a new level between 35 and 68 % every 50 min on average."""
    level = 45.0
    while True:
        if chance.random() < 0.01:
            level = chance.uniform(35.0, 68.0)
        yield chance.gauss(level, 0.4)


def _page_cache(chance: random.Random) -> Iterator[float]:
    """Page cache floods the box and is dropped again. It is no use of memory: only the 3 points of pages that must be
    written first are seen, while it fills for 20 min of each 100.
    """
    tick = 0
    while True:
        yield chance.gauss(48.0, 0.3) + (3.0 if tick % 200 < 40 else 0.0)
        tick += 1


def _random_walk(chance: random.Random) -> Iterator[float]:
    """A walk between 20 and 75 %: last-value is the best forecast that there is."""
    level = 47.0
    while True:
        level = max(20.0, min(75.0, level + chance.gauss(0.0, 0.8)))
        yield level


_FAMILIES: dict[Family, Callable[[random.Random], Iterator[float]]] = {
    Family.NOISE: _noise,
    Family.SPIKE: _spike,
    Family.DAILY: _daily,
    Family.LEAK: _leak,
    Family.BURSTS: _bursts,
    Family.STEPS: _steps,
    Family.PAGE_CACHE: _page_cache,
    Family.RANDOM_WALK: _random_walk,
}

"""The plant: the box as a model. What runs on it takes memory, wavers, and takes a while to start.

One tick is 30 s. Total = base + the footprints of what is on, each with its own noise, at most 100 %. The noise of a
thing at a tick is the same whoever decides (common random numbers), so that two policies differ by what they do.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from brownout.simulate.hardships import Hardship, Situation
from brownout.simulate.traces import TICKS_A_DAY

# AR(1) noise of a footprint, a share of it: its standard deviation is 0.03 / sqrt(1 - 0.9^2) = 0.069.
PERSISTENCE, INNOVATION, LARGEST_NOISE = 0.9, 0.03, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that runs on the box. `percent` of its memory at its best level; `levels` are the lower ones, best
    first, as (percent, share of the service's value). `weight` is what a minute without it costs.
    """

    name: str
    percent: float
    start_ticks: int = 1  # memory is used and nothing is served
    weight: float = 1.0
    levels: tuple[tuple[float, float], ...] = ()
    essential: bool = False

    @property
    def off(self) -> int:
        """The rung on which it does not run."""
        return 1 + len(self.levels)

    def percent_at(self, rung: int) -> float:
        """What it takes at a rung, without noise."""
        return 0.0 if rung >= self.off else (self.percent, *(size for size, _ in self.levels))[rung]

    def value_at(self, rung: int) -> float:
        """The share of its service at a rung."""
        return 0.0 if rung >= self.off else (1.0, *(value for _, value in self.levels))[rung]


#: The benchmark's, in degradation order: the first to go first.
THE_FOUR = (
    Thing(name="voice", percent=12.0, start_ticks=2, weight=1.0),
    Thing(name="android", percent=8.0, start_ticks=2, weight=2.0),
    Thing(name="discord", percent=5.0, start_ticks=1, weight=3.0),
    Thing(name="stubs", percent=1.0, start_ticks=1, weight=4.0, essential=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A box to be run: its things in degradation order, the seed of its noise, and what makes it harder."""

    things: tuple[Thing, ...] = THE_FOUR
    seed: int = 0
    hardships: tuple[Hardship, ...] = ()


@lru_cache(maxsize=256)
def noise(seed: int, name: str, ticks: int) -> tuple[float, ...]:
    """The noise of one thing at each tick, on or off: it depends on nothing that anybody decides."""
    chance = random.Random(f"{seed}:{name}")  # noqa: S311 - a model, not a secret
    values, value = [], 0.0
    for _ in range(ticks):
        value = PERSISTENCE * value + chance.gauss(0.0, INNOVATION)
        value = max(-LARGEST_NOISE, min(LARGEST_NOISE, value))
        values.append(value)
    return tuple(values)


@dataclass(slots=True)
class Running:
    """One thing as it stands now. `starting`: ticks of its start that are left, this one included."""

    thing: Thing
    noise: tuple[float, ...]
    rung: int = 0
    starting: int = 0
    since: int = 0  # the tick at which it last came on or went off
    percent: float = 0.0  # what it holds at this tick
    lingering: float = 0.0  # what it held when it went off

    @property
    def serving(self) -> float:
        """The share of its service at this tick."""
        return 0.0 if self.starting else self.thing.value_at(self.rung)


@dataclass(slots=True)
class Box:
    """The state of a plant at a tick, with the base load in percent. What is decided at a tick acts at the next one.

    `ticks` is how long the noise is before it begins again: the length of the run, or a day where that has no end.
    `asleep` names what holds nothing while it is on, because nobody has asked anything of it yet.
    """

    plant: Plant
    base: float
    ticks: int = TICKS_A_DAY
    tick: int = 0
    asleep: frozenset[str] = frozenset()
    running: tuple[Running, ...] = field(init=False)
    total: float = field(init=False)

    def __post_init__(self) -> None:
        self.running = tuple(
            Running(thing, noise(self.plant.seed, thing.name, self.ticks)) for thing in self.plant.things
        )
        self.total = self._weigh()

    def advance(self, chosen: Mapping[str, int], base: float) -> None:
        """One tick on, to another base load: what was chosen acts now. Who is not named stays."""
        self.tick, self.base = self.tick + 1, base
        for one in self.running:
            rung = chosen.get(one.thing.name, one.rung)
            for hardship in self.plant.hardships:
                rung = hardship.rung(self._situation(one), rung)
            self._move(one, min(rung, one.thing.off))
        self.total = self._weigh()

    def _move(self, one: Running, rung: int) -> None:
        off = one.thing.off
        one.starting = max(0, one.starting - 1)
        if rung >= off > one.rung:
            one.starting, one.since, one.lingering = 0, self.tick, one.percent
        elif rung < off <= one.rung:
            one.since, one.starting = self.tick, one.thing.start_ticks
            for hardship in self.plant.hardships:
                one.starting = hardship.start_ticks(self._situation(one), one.starting)
        one.rung = rung

    def _weigh(self) -> float:
        for one in self.running:
            one.percent = one.thing.percent_at(one.rung) * (1.0 + one.noise[self.tick % self.ticks])
            for hardship in self.plant.hardships:
                one.percent = hardship.size(self._situation(one), one.percent)
            one.percent = 0.0 if one.thing.name in self.asleep else one.percent
        late = sum(hardship.lingers(self._situation(one)) for hardship in self.plant.hardships for one in self.running)
        return min(100.0, self.base + sum(one.percent for one in self.running) + late)

    def _situation(self, one: Running) -> Situation:
        return Situation(
            name=one.thing.name,
            tick=self.tick,
            since=one.since,
            on=one.rung < one.thing.off,
            starting=one.starting,
            held=one.lingering,
            off=one.thing.off,
        )

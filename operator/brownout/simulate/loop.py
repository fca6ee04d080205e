"""The loop: a plant, a base load and a contender, tick by tick. The same three always give the same record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from brownout.simulate.contender import Contender, Seen, SeenThing, Teller, Told
from brownout.simulate.plant import Box, Plant, Thing
from brownout.simulate.traces import TICK_S, Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What was at one tick: percent, the rung and the share of service of each thing; and what was decided on it."""

    base: float
    total: float
    rungs: tuple[int, ...]
    serving: tuple[float, ...]
    chosen: Mapping[str, int]
    told: Told | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A whole run."""

    trace: str
    mode: str
    contender: str
    things: tuple[Thing, ...]
    ticks: tuple[Tick, ...]


def run(plant: Plant, base: Base, contender: Contender, *, on_tick: Callable[[], None] | None = None) -> Record:
    """Let the contender guard the plant over the base's scored ticks. Everything is on, and serving, at the first.

    `on_tick` is called after each, for whoever shows how far it is.
    """
    box, ticks = Box(plant, base.values[0], ticks=len(base.values)), []
    for value in base.values[1:]:
        ticks.append(tick(box, contender))
        box.advance(ticks[-1].chosen, value)
        if on_tick is not None:
            on_tick()
    ticks.append(tick(box, contender))
    if on_tick is not None:
        on_tick()
    return Record(
        trace=base.name, mode=base.mode.value, contender=contender.name, things=plant.things, ticks=tuple(ticks)
    )


def _seen(box: Box) -> Seen:
    things = tuple(
        SeenThing(
            thing=one.thing,
            rung=one.rung,
            starting=one.starting,
            percent=one.percent,
            asleep=one.thing.name in box.asleep,
        )
        for one in box.running
    )
    return Seen(tick=box.tick, now=box.tick * TICK_S, total=box.total, things=things)


def tick(box: Box, contender: Contender) -> Tick:
    """Let the contender look at the box and choose; the box stays as it is."""
    chosen = contender.choose(_seen(box))
    return Tick(
        base=box.base,
        total=box.total,
        rungs=tuple(one.rung for one in box.running),
        serving=tuple(one.serving for one in box.running),
        chosen=chosen,
        told=contender.told if isinstance(contender, Teller) else None,
    )

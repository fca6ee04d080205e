"""Small boxes and loads for the simulator's tests, and contenders that follow a script."""

from collections.abc import Iterable, Mapping, Sequence

from brownout.simulate.contender import Seen, SeenThing
from brownout.simulate.loop import Record, Tick, run
from brownout.simulate.plant import THE_FOUR, Plant, Thing
from brownout.simulate.traces import Base, Mode

VOICE, ANDROID, DISCORD, STUBS = THE_FOUR
ALL_ON = (0, 0, 0, 0)


def make_base(*values: float, name: str = "made", past: Sequence[float] = ()) -> Base:
    """Make a base load of these percents."""
    return Base(name=name, mode=Mode.NATIVE, values=values, past=tuple(past))


class Scripted:
    """Chooses what its script says at each tick, and keeps what it saw."""

    name = "scripted"

    def __init__(self, script: Mapping[int, Mapping[str, int]] | None = None) -> None:
        self.script, self.seen = script or {}, list[Seen]()

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """What stands in the script; nothing where nothing does."""
        self.seen.append(seen)
        return self.script.get(seen.tick, {})


def run_script(script: Mapping[int, Mapping[str, int]], *, ticks: int, base: float = 40.0, **plant: object) -> Record:
    """Run a script on a flat base."""
    return run(Plant(**plant), make_base(*[base] * ticks), Scripted(script))  # type: ignore[arg-type]


def make_seen(tick: int, total: float, rungs: Iterable[int] = ALL_ON, *, things: Sequence[Thing] = THE_FOUR) -> Seen:
    """Make what a contender sees: a total, and where each thing stands."""
    seen = tuple(
        SeenThing(thing=thing, rung=rung, starting=0, percent=thing.percent_at(rung))
        for thing, rung in zip(things, rungs, strict=True)
    )
    return Seen(tick=tick, now=30.0 * tick, total=total, things=seen)


def make_tick(
    total: float, *, rungs: Sequence[int] = (0,), serving: Sequence[float] = (1.0,), base: float = 50.0
) -> Tick:
    """Make a tick of a record."""
    return Tick(base=base, total=total, rungs=tuple(rungs), serving=tuple(serving), chosen={}, told=None)


def make_record(*ticks: Tick, things: Sequence[Thing] = (VOICE,), contender: str = "made") -> Record:
    """Make a record of these ticks."""
    return Record(trace="made", mode="native", contender=contender, things=tuple(things), ticks=ticks)

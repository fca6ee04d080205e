"""The score of a record, per day of 2880 ticks: what pressure, lost service and restlessness cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from brownout.simulate.loop import Record, Tick
from brownout.simulate.plant import Thing
from brownout.simulate.traces import TICKS_A_DAY

MINUTES_A_TICK = 0.5
PRESSURE_PERCENT, EMERGENCY_PERCENT = 80.0, 95.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a minute at or above 80 %, one at or above 95 % (beside it), and one flip cost."""

    pressure: float = 5.0
    emergency: float = 20.0
    flip: float = 1.0


#: The weights that every report is also made under, the benchmark's own second.
WEIGHT_SETS = (
    Weights(pressure=1.0, emergency=10.0, flip=1.0),
    Weights(pressure=5.0, emergency=20.0, flip=5.0),
    Weights(pressure=10.0, emergency=50.0, flip=1.0),
    Weights(pressure=20.0, emergency=100.0, flip=10.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Per day: minutes at or above 80 and 95 %, minutes lost times weight, those of them in which everything would
    have fitted, and flips. `days` is how long the record is.
    """

    days: float
    minutes_80: float
    minutes_95: float
    lost_weighted: float
    lost_needlessly: float
    flips: float

    @property
    def j(self) -> float:
        """The cost of a day; less is better."""
        return self.j_under(Weights())

    def j_under(self, weights: Weights) -> float:
        """The cost of a day under other weights."""
        pressure = weights.pressure * self.minutes_80 + weights.emergency * self.minutes_95
        return pressure + self.lost_weighted + weights.flip * self.flips


def score(record: Record) -> Score:
    """The score of a whole record."""
    ticks, days = record.ticks, len(record.ticks) / TICKS_A_DAY
    lost = [_lost(tick, record.things) for tick in ticks]
    everything = sum(thing.percent for thing in record.things)
    needless = [minutes for tick, minutes in zip(ticks, lost, strict=True) if tick.base + everything < PRESSURE_PERCENT]
    return Score(
        days=days,
        minutes_80=_minutes_at(ticks, PRESSURE_PERCENT) / days,
        minutes_95=_minutes_at(ticks, EMERGENCY_PERCENT) / days,
        lost_weighted=sum(lost) / days,
        lost_needlessly=sum(needless) / days,
        flips=_flips(ticks) / days,
    )


def tick_costs(record: Record, weights: Weights | None = None) -> tuple[float, ...]:
    """What each tick adds to the cost. Their sum over the days is J."""
    by, befores = weights or Weights(), (*record.ticks[:1], *record.ticks)
    return tuple(cost_of(tick, before, record.things, by) for before, tick in zip(befores, record.ticks, strict=False))


def cost_of(tick: Tick, before: Tick, things: Sequence[Thing], by: Weights) -> float:
    """What one tick adds to the cost; a flip counts at the tick on which it shows."""
    high = by.pressure * (tick.total >= PRESSURE_PERCENT) + by.emergency * (tick.total >= EMERGENCY_PERCENT)
    return MINUTES_A_TICK * high + _lost(tick, things) + by.flip * flips_between(before, tick)


def flips_between(before: Tick, after: Tick) -> int:
    """How many things changed their rung from one tick to the next."""
    return sum(was != now for was, now in zip(before.rungs, after.rungs, strict=True))


def minutes_lost(record: Record, name: str) -> float:
    """Minutes of the whole record in which one thing did not serve at all."""
    at = [thing.name for thing in record.things].index(name)
    return MINUTES_A_TICK * sum(tick.serving[at] == 0.0 for tick in record.ticks)


def _minutes_at(ticks: Sequence[Tick], percent: float) -> float:
    return MINUTES_A_TICK * sum(tick.total >= percent for tick in ticks)


def _lost(tick: Tick, things: Sequence[Thing]) -> float:
    """Minutes of this tick that were not served, times weight; a lowered level loses the rest of its value."""
    shares = zip(things, tick.serving, strict=True)
    return MINUTES_A_TICK * sum(thing.weight * (1.0 - served) for thing, served in shares)


def _flips(ticks: Sequence[Tick]) -> int:
    return sum(flips_between(before, after) for before, after in pairwise(ticks))

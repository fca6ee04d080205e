"""Tallies: what ticks in a row came to, so that a run need not be kept tick by tick to be held against another.

A comparison needs the cost of each hour and sums over all of them; an hour of ticks is folded into one tally.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from brownout.simulate.loop import Record, Tick
from brownout.simulate.plant import Thing
from brownout.simulate.score import EMERGENCY_PERCENT, MINUTES_A_TICK, PRESSURE_PERCENT, Weights, cost_of, flips_between
from brownout.simulate.traces import TICKS_A_DAY, TICKS_AN_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What some ticks came to: their cost, minutes at or above the thresholds, flips, and minutes of service of each
    thing in the order of the things, a lowered level by its value.
    """

    ticks: int = 0
    cost: float = 0.0
    minutes_80: float = 0.0
    minutes_95: float = 0.0
    flips: int = 0
    served_min: tuple[float, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        served = (mine + theirs for mine, theirs in zip(self.served_min, other.served_min, strict=True))
        return Tally(
            ticks=self.ticks + other.ticks,
            cost=self.cost + other.cost,
            minutes_80=self.minutes_80 + other.minutes_80,
            minutes_95=self.minutes_95 + other.minutes_95,
            flips=self.flips + other.flips,
            served_min=tuple(served),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A policy's run as far as it has come: the whole hours, oldest first, and what the hour under way came to yet."""

    policy: str
    names: tuple[str, ...]
    hours: tuple[Tally, ...] = ()
    rest: Tally = field(default_factory=Tally)
    last: Tick | None = None

    def after(self, tick: Tick, things: Sequence[Thing], *, most_hours: int | None = None) -> "Run":
        """The run with one tick more; of more hours than `most_hours` the oldest are forgotten."""
        rest = self._blank if not self.rest.ticks else self.rest
        rest += tally_of(tick, self.last or tick, things)
        if rest.ticks < TICKS_AN_HOUR:
            return replace(self, rest=rest, last=tick)
        hours = (*self.hours, rest)
        return replace(self, hours=hours[-most_hours:] if most_hours else hours, rest=self._blank, last=tick)

    @property
    def whole(self) -> Tally:
        """Everything together."""
        return sum(self.hours, self.rest if self.rest.ticks else self._blank)

    @property
    def days(self) -> float:
        """How long it is."""
        return self.whole.ticks / TICKS_A_DAY

    @property
    def _blank(self) -> Tally:
        return Tally(served_min=(0.0,) * len(self.names))


def tally_of(tick: Tick, before: Tick, things: Sequence[Thing]) -> Tally:
    """What one tick came to, under the benchmark's weights."""
    return Tally(
        ticks=1,
        cost=cost_of(tick, before, things, Weights()),
        minutes_80=MINUTES_A_TICK * (tick.total >= PRESSURE_PERCENT),
        minutes_95=MINUTES_A_TICK * (tick.total >= EMERGENCY_PERCENT),
        flips=flips_between(before, tick),
        served_min=tuple(MINUTES_A_TICK * share for share in tick.serving),
    )


def run_of(record: Record) -> Run:
    """A record as a run."""
    run = Run(policy=record.contender, names=tuple(thing.name for thing in record.things))
    for tick in record.ticks:
        run = run.after(tick, record.things)
    return run

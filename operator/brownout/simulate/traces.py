"""Traces: a load as it was recorded, and the base load of the box that is made from it.

The mapping is the benchmark's: with everything on, the median is 70 % and the 95th percentile 90 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

TICK_S = 30.0
TICKS_AN_HOUR, TICKS_A_DAY = 120, 2880
# What is scored: 3000 ticks, 25 hours, from the middle.
SCORED_TICKS = 3000
# What forecasters warm up on: 1500 samples are what the longest memory of a candidate asks for.
WARM_UP_TICKS = 1500
# 44 is the base at which the four integrations (26 %) make 70 %; 20 points above it they make 90 %.
MEDIAN_BASE, RISE = 44.0, 20.0
LARGEST_FACTOR, WIDEST_FACTOR = 8.0, 12.0
LEAST_SPREAD = 0.3
LOWEST_BASE, HIGHEST_BASE = 3.0, 98.0


class Mode(StrEnum):
    """How a step of a trace becomes ticks."""

    NATIVE = "native"  # each step is a tick: rough
    INTERP = "interp"  # linear in physical time: smooth


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A recorded load: percent, one value each `step_s`."""

    name: str
    step_s: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the box uses by itself, percent at each tick of 30 s; `past` are the ticks before those that are scored."""

    name: str
    mode: Mode
    values: tuple[float, ...]
    past: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A trace that cannot be mapped, and why."""

    name: str
    why: str


def base_of(trace: Trace, mode: Mode) -> Base | Unfit:
    """The benchmark's base load: mapped, in ticks of 30 s, the scored 3000 from the middle."""
    middle, high = percentile(trace.values, 50.0), percentile(trace.values, 95.0)
    spread = high - middle
    if spread < LEAST_SPREAD or RISE / spread > WIDEST_FACTOR:
        why = f"its 95th percentile is {spread:.2f} points above its median, under {RISE / WIDEST_FACTOR:.2f}"
        return Unfit(name=trace.name, why=why)
    factor = min(RISE / spread, LARGEST_FACTOR)
    mapped = tuple(
        min(HIGHEST_BASE, max(LOWEST_BASE, MEDIAN_BASE + factor * (value - middle))) for value in trace.values
    )
    return _scored(trace.name, mode, mapped, TICK_S if mode is Mode.NATIVE else trace.step_s)


def base_as_it_is(trace: Trace) -> Base:
    """A trace that already is the base load of the box at each tick: nothing is mapped or left out."""
    return Base(name=trace.name, mode=Mode.NATIVE, values=trace.values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile by linear interpolation between the two nearest ranks.

    >>> percentile([1.0, 2.0, 4.0], 75.0)
    3.0
    """
    ordered = sorted(values)
    place = percent / 100.0 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def interpolated(values: Sequence[float], step_s: float) -> tuple[float, ...]:
    """The same line in ticks of 30 s, from the first value to the last: `ticks_of` says how many."""
    return _window(values, step_s, range(ticks_of(values, step_s)))


def ticks_of(values: Sequence[float], step_s: float) -> int:
    """How many ticks of 30 s there are from the first value to the last."""
    return math.floor((len(values) - 1) * step_s / TICK_S) + 1


def _window(values: Sequence[float], step_s: float, ticks: range) -> tuple[float, ...]:
    return tuple(_between(values, min(tick * TICK_S / step_s, len(values) - 1.0)) for tick in ticks)


def _between(values: Sequence[float], place: float) -> float:
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def _scored(name: str, mode: Mode, values: Sequence[float], step_s: float) -> Base:
    """The scored ticks, and what forecasts warm up on. Only these are made: a file can speak of a thousand years."""
    count = ticks_of(values, step_s)
    start = max(0, (count - SCORED_TICKS) // 2)
    first, end = max(0, start - WARM_UP_TICKS), min(count, start + SCORED_TICKS)
    ticks = _window(values, step_s, range(first, end))
    return Base(name=name, mode=mode, values=ticks[start - first :], past=ticks[: start - first])

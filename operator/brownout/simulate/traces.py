"""Traces: a load as it was recorded, and the base load of the box that is made from it.

The mapping is the benchmark's: with everything on, the median is 70 % and the 95th percentile 90 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from brownout.core.errors import InvalidInput

TICK_S = 30.0
TICKS_AN_HOUR, TICKS_A_DAY = 120, 2880
# What is scored: 3000 ticks, 25 hours, from the middle.
SCORED_TICKS = 3000
# 44 is the base at which the four integrations (26 %) make 70 %; 20 points above it they make 90 %.
MEDIAN_BASE, RISE = 44.0, 20.0
LARGEST_FACTOR, WIDEST_FACTOR = 8.0, 12.0
LEAST_SPREAD = 0.3
LOWEST_BASE, HIGHEST_BASE = 3.0, 98.0
HEADER = "timestamp_s,value_percent"


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


def read_trace(text: str, name: str) -> Trace:
    """The trace of a CSV `timestamp_s,value_percent`; InvalidInput names the line and the value that is wrong."""
    points = [_point(line, f"{name}, line {number}") for number, line in _rows(text, name)]
    if len(points) < 2:
        raise InvalidInput(f"{name}: {len(points)} samples: a trace needs at least 2")
    return Trace(name=name, step_s=_step_s(points, name), values=tuple(value for _, _, value in points))


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
    ticks = mapped if mode is Mode.NATIVE else interpolated(mapped, trace.step_s)
    return _scored(trace.name, mode, ticks)


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
    """The same line in ticks of 30 s, from the first value to the last."""
    count = math.floor((len(values) - 1) * step_s / TICK_S) + 1
    return tuple(_between(values, min(tick * TICK_S / step_s, len(values) - 1.0)) for tick in range(count))


def _between(values: Sequence[float], place: float) -> float:
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def _scored(name: str, mode: Mode, ticks: tuple[float, ...]) -> Base:
    start = max(0, (len(ticks) - SCORED_TICKS) // 2)
    return Base(name=name, mode=mode, values=ticks[start : start + SCORED_TICKS], past=ticks[:start])


def _rows(text: str, name: str) -> list[tuple[int, str]]:
    """The lines that hold samples, with their numbers as an editor shows them."""
    lines = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    filled = [(number, line) for number, line in lines if line]
    first = filled[0][1] if filled else ""
    if "".join(first.split()).lower() != HEADER:
        raise InvalidInput(f"{name}, line 1: {first!r}: the first line must be {HEADER}")
    return filled[1:]


def _point(line: str, where: str) -> tuple[str, float, float]:
    """Where it stands, its instant and its value."""
    cells = line.split(",")
    if len(cells) != 2:
        raise InvalidInput(f"{where}: {line!r}: must be two numbers, {HEADER}")
    at, value = (_number(cell, where) for cell in cells)
    if not 0.0 <= value <= 100.0:
        raise InvalidInput(f"{where}: {cells[1].strip()}: value_percent must be from 0 to 100")
    return where, at, value


def _number(cell: str, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{where}: {cell.strip()!r}: must be a finite number")
    return number


def _step_s(points: Sequence[tuple[str, float, float]], name: str) -> float:
    """The median step: gaps and jitter of a recording do not stretch the rest of it."""
    for (_, before, _), (where, at, _) in pairwise(points):
        if at <= before:
            raise InvalidInput(f"{where}: {at:g}: timestamp_s must be after the one before it, {before:g}")
    step_s = median(after - before for (_, before, _), (_, after, _) in pairwise(points))
    if not math.isfinite(step_s):
        raise InvalidInput(f"{name}: its timestamps are too far apart")
    return step_s

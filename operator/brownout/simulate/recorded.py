"""Recorded: one's own history as the base load of a replay.

What our integrations were measured to hold is taken out of each sample, and what is left is what the box would have
used without them: the load that another policy would have met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from brownout.core.sample import STALE_AFTER_INTERVALS, Sample
from brownout.core.window import Point
from brownout.simulate.traces import TICK_S, WARM_UP_TICKS, Base, Mode

NAME = "history"
# A quarter of a short history goes into warming up: with less than that forecasts are not themselves yet.
PAST_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The base load in percent at each tick of 30 s. Gaps are cut out: `gaps` counts them, `missing_s` is their sum."""

    ticks: tuple[float, ...]
    gaps: int = 0
    missing_s: float = 0.0

    @property
    def hours(self) -> float:
        """How much is recorded."""
        return len(self.ticks) * TICK_S / 3600.0

    def base(self) -> Base:
        """The base load, the oldest quarter (12.5 hours at most) as the past on which forecasts warm up."""
        past = min(WARM_UP_TICKS, int(PAST_SHARE * len(self.ticks)))
        return Base(name=NAME, mode=Mode.NATIVE, values=self.ticks[past:], past=self.ticks[:past])


def recorded(samples: Sequence[Sample]) -> Recorded:
    """The record of these samples, oldest first. What is not known counts as a gap."""
    points = _points(samples)
    steps = [after - before for (before, _), (after, _) in pairwise(points)]
    longest_s = STALE_AFTER_INTERVALS * max(TICK_S, median(steps) if steps else TICK_S)
    gaps = [step for step in steps if step > longest_s]
    runs = _runs(points, longest_s)
    return Recorded(ticks=tuple(tick for run in runs for tick in _ticks(run)), gaps=len(gaps), missing_s=sum(gaps))


def _points(samples: Sequence[Sample]) -> list[Point]:
    """Instants and percents, in order of time; of two at one instant the first."""
    points: list[Point] = []
    for sample in samples:
        base = sample.base_percent
        if base is not None and (not points or sample.at > points[-1][0]):
            points.append((sample.at, min(100.0, base)))
    return points


def _runs(points: Sequence[Point], longest_s: float) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in points:
        if run and point[0] - run[-1][0] > longest_s:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _ticks(run: Sequence[Point]) -> Iterator[float]:
    """The line through the points at every 30 s from the first to the last; a single point is one tick."""
    tick = 0
    start = run[0][0]
    for (before, low), (after, high) in pairwise(run):
        while start + tick * TICK_S < after:
            yield low + (high - low) * (start + tick * TICK_S - before) / (after - before)
            tick += 1
    if start + tick * TICK_S <= run[-1][0] or not tick:
        yield run[-1][1]

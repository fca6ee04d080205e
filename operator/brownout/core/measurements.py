"""Measurements of one integration on one rung: at rest, in its starts, and how fast it grows. Values, bounded.

A start takes more than what runs (models are loaded twice, caches are built) and comes seldom: among the measurements
at rest its peak would be forgotten within half an hour, and the next return would be planned without it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

from brownout.core.instant import Instant

# Measurements at rest kept for each rung: at a tick every 30 s, 60 of them are half an hour. The p95 of 60 is the
# fourth largest, so three one-off peaks do not move it; of fewer than 20 it is the largest.
KEPT = 60
QUANTILE = 0.95
# Starts kept for each rung: the p95 of 8 is the largest, and it falls once 8 smaller ones have come after it.
STARTS = 8
# What is measured so soon after a start belongs to it.
START_S = 120.0
# Growth is told from so many measurements, ten minutes at a tick every 30 s, and only where so many of the differences
# between any two of them have the same sign. Of 20 values in random order that happens in 2 of 10 000 cases
# (Kendall's tau of 0.6).
TRAIL = 20
AGREEING = 0.8
# Two rows of the history further apart than this many intervals have an end and a start between them.
_GAP_INTERVALS = 1.5

# An instant, a rung, and the bytes that were measured then.
Row = tuple[Instant, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One measurement. `interval_s` is the tick's. `came_up_at` is when a step of ours brought it up to this rung.

    `at_rest` is False for a look out of turn, and where it came down so lately that it may still hold what it held.
    """

    at: Instant
    size_bytes: int
    interval_s: float
    starting: bool = False
    came_up_at: Instant | None = None
    at_rest: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start: what is measured before `ends` belongs to it. One that was cut short within a tick has not `lasted`."""

    began: Instant
    ends: Instant
    highest_bytes: int = 0
    lasted: bool = False

    def covers(self, at: Instant) -> bool:
        """Whether an instant belongs to it."""
        return self.began <= at < self.ends

    def seen(self, look: Look) -> "Start":
        """The start after one more look at it; it goes on while the workload itself says that it starts."""
        return replace(
            self,
            ends=max(self.ends, look.at + START_S) if look.starting else self.ends,
            highest_bytes=max(self.highest_bytes, look.size_bytes),
            lasted=self.lasted or look.at - self.began >= look.interval_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Bytes, oldest first. `steady` was measured at rest, `starts` is the highest of each start before the newest,
    `start` is that one. `trail` is what was measured at rest since then, with its instants, and `drift_bytes_per_s`
    how fast that grows.
    """

    steady: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    start: Start | None = None
    trail: tuple[tuple[Instant, int], ...] = ()
    drift_bytes_per_s: float = 0.0

    @property
    def peaks(self) -> tuple[int, ...]:
        """The highest of each of the last starts that lasted."""
        newest = (self.start.highest_bytes,) if self.start is not None and self.start.lasted else ()
        return (*self.starts, *newest)[-STARTS:]

    def seen(self, look: Look) -> "Measured":
        """With one more measurement: of the start that is under way, or at rest."""
        began = self._begins(look)
        if began is not None:
            start = Start(began=began, ends=began + START_S).seen(look)
            return replace(self, starts=self.peaks, start=start, trail=(), drift_bytes_per_s=0.0)
        if self.start is not None and self.start.covers(look.at):
            return replace(self, start=self.start.seen(look))
        if not look.at_rest:
            return self
        later = not self.trail or look.at > self.trail[-1][0]
        trail = (*(self.trail if later else ()), (look.at, look.size_bytes))[-TRAIL:]
        return replace(self, steady=(*self.steady, look.size_bytes)[-KEPT:], trail=trail)

    def _begins(self, look: Look) -> Instant | None:
        """When the start began that this look is the first at; None where it is the first of none."""
        came, known = look.came_up_at, self.start
        if came is not None and came <= look.at < came + START_S and (known is None or came > known.began):
            return came
        return look.at if look.starting and (known is None or not known.covers(look.at)) else None

    def with_drift(self) -> "Measured":
        """With how fast it grows by now; that takes a while, so it is asked once for each measurement."""
        return replace(self, drift_bytes_per_s=drift(self.trail))


NONE = Measured()


def drift(trail: Sequence[tuple[Instant, int]]) -> float:
    """How fast a size grows, bytes/s (negative: shrinks): the median of all slopes (Theil 1950, Sen 1968).

    0 where the differences do not agree, and where there are too few of them.
    """
    if len(trail) < TRAIL:
        return 0.0
    sizes = [size for _, size in trail]
    rises = [size - before for before, size in combinations(sizes, 2)]
    agreeing = max(sum(rise > 0 for rise in rises), sum(rise < 0 for rise in rises))
    if agreeing < AGREEING * len(rises):
        return 0.0
    return median((size - before) / (at - since) for (since, before), (at, size) in combinations(trail, 2))


def quantile(sizes: Sequence[int]) -> int:
    """The 95th percentile by nearest rank; there must be one."""
    return sorted(sizes)[max(1, math.ceil(QUANTILE * len(sizes))) - 1]


def relived(rows: Sequence[Row], *, interval_s: float) -> Mapping[int, Measured]:
    """What one integration was measured to hold on each rung, from its rows in history, oldest first.

    A gap and a step up begin a start; what follows a step down for two minutes is neither a start nor at rest. The
    middle of a long run is passed over: nothing of it would be kept.
    """
    found: dict[int, Measured] = {}
    before: Row | None = None
    for run in _runs(rows, longest_s=_GAP_INTERVALS * interval_s):
        began, rung, _ = run[0]
        lowered = before is not None and rung > before[1] and began - before[0] <= _GAP_INTERVALS * interval_s
        came_up_at = None if lowered or before is None else began
        young = sum(at < began + START_S for at, _, _ in run)
        known = found.get(rung, NONE)
        for at, _, size_bytes in (*run[:young], *run[young:][-KEPT:]):
            at_rest = not lowered or at >= began + START_S
            look = Look(at=at, size_bytes=size_bytes, interval_s=interval_s, came_up_at=came_up_at, at_rest=at_rest)
            known = known.seen(look)
        found[rung], before = known, run[-1]
    return found


def _runs(rows: Sequence[Row], *, longest_s: float) -> list[list[Row]]:
    """Rows on one rung without a gap, run by run."""
    runs: list[list[Row]] = []
    for row in rows:
        last = runs[-1][-1] if runs else None
        if last is not None and row[1] == last[1] and row[0] - last[0] <= longest_s:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs

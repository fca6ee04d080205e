"""The history as rows to learn from: features as the resident process will see them, and what came after.

Features are worked out by the core's own Signals, so that what is fitted here means the same there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from brownout.core.forecasting.daily import Profile, rise
from brownout.core.forecasting.signals import Signals
from brownout.core.instant import Instant
from brownout.core.sample import STALE_AFTER_INTERVALS
from brownout.core.window import Point

Column = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]


def evenly(points: Sequence[Point], step_s: float) -> Iterator[Point]:
    """Points at least a step apart, as the panel takes them in; those in between, and out of turn, are passed over."""
    last: Instant | None = None
    for at, value in points:
        if last is None or at - last >= 0.9 * step_s:
            yield at, value
            last = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One row for each point, oldest first. `later` holds, for each distance in steps, the value so many steps after;
    NaN where the series breaks before that, or ends.
    """

    step_s: float
    at: Column
    value: Column
    features: Column
    later: dict[int, Column]
    known_rises: dict[tuple[int, Profile], Column] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Sequence[Point], *, step_s: float, steps: Sequence[int]) -> "Rows":
        """The rows of a series."""
        even = tuple(evenly(points, step_s))
        at, value = (np.array([point[place] for point in even], dtype=np.float64) for place in (0, 1))
        runs = np.cumsum(np.concatenate(([False], np.diff(at) > STALE_AFTER_INTERVALS * step_s))[: len(at)])
        return cls(
            step_s=step_s,
            at=at,
            value=value,
            features=np.array(list(_features(even, runs.tolist())), dtype=np.float64),
            later={each: _later(value, runs, each) for each in steps},
        )

    def known(self, steps: int, *, since: Instant, until: Instant) -> Chosen:
        """The rows from `since` on whose future at this distance had come by `until`."""
        came = self.at + steps * self.step_s < until
        chosen: Chosen = (self.at >= since) & came & np.isfinite(self.later[steps])
        return chosen

    def rises(self, profile: Profile, steps: int) -> Column:
        """By how much a profile rises until so many steps after each row; worked out once for all who ask."""
        known, ahead_s = self.known_rises, steps * self.step_s
        if (steps, profile) not in known:
            known[steps, profile] = np.array([rise(profile, at, ahead_s) for at in self.at.tolist()], dtype=np.float64)
        return known[steps, profile]

    def instant(self, share: float) -> Instant:
        """The instant before which this share of the rows lies."""
        return float(self.at[min(len(self.at) - 1, int(share * len(self.at)))])


def _features(points: Sequence[Point], runs: Sequence[int]) -> Iterator[tuple[float, ...]]:
    signals, before = Signals(), 0
    for (at, value), run in zip(points, runs, strict=True):
        signals, before = (signals if run == before else Signals()).add(at, value), run
        yield signals.features()


def _later(value: Column, runs: npt.NDArray[np.int64], steps: int) -> Column:
    later = np.full(len(value), np.nan)
    if steps < len(value):
        same = runs[steps:] == runs[:-steps]
        later[:-steps] = np.where(same, value[steps:], np.nan)
    return later

"""The plain regression: a straight line on the last 50 totals, smoothed, and 80/65/95 on what it says.

It is what everybody writes first. It forecasts the total, and so reads its own actions as a trend.
"""

from collections import deque
from collections.abc import Mapping
from typing import ClassVar

from brownout.core.linear import fit
from brownout.simulate.contender import Seen, Told
from brownout.simulate.rivals.moves import NOTHING, all_down, one_down, one_up
from brownout.simulate.traces import TICK_S

DISABLE, ENABLE, EMERGENCY = 80.0, 65.0, 95.0
POINTS, AHEAD_TICKS, SMOOTHING = 50, 10, 0.7


class PlainRegression:
    """At or above 80 %, measured or foreseen, one goes each tick; below 65 %, both, one returns; at 95 % all go."""

    name: ClassVar[str] = "plain-regression"

    def __init__(self) -> None:
        self._totals: deque[tuple[float, float]] = deque(maxlen=POINTS)
        self._smoothed: float | None = None
        self.told: Told | None = None

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """One step a tick by what is foreseen."""
        self._totals.append((seen.now, seen.total))
        line = fit(tuple(self._totals))
        foreseen = line.value(seen.now + AHEAD_TICKS * TICK_S)
        before = foreseen if self._smoothed is None else self._smoothed
        self._smoothed = SMOOTHING * foreseen + (1.0 - SMOOTHING) * before
        self.told = Told(reason="foreseen", value=self._smoothed, model="linear-regression", votes=True)
        return by_thresholds(seen, max(seen.total, self._smoothed))


def by_thresholds(seen: Seen, expected: float) -> Mapping[str, int]:
    """The rule 80/65/95 on an expected total: one step a tick, and none between 65 and 80 %."""
    if seen.total >= EMERGENCY:
        return all_down(seen)
    if expected >= DISABLE:
        return one_down(seen)
    return one_up(seen) if expected < ENABLE else NOTHING

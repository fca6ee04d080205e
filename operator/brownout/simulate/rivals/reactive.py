"""Reactive: what an alert rule does. Over 80 % for 90 s one goes, below 65 % for 5 min one returns."""

from collections.abc import Mapping
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.rivals.lasting import Lasting
from brownout.simulate.rivals.moves import NOTHING, one_down, one_up

DISABLE, ENABLE, HIGH_S, LOW_S = 80.0, 65.0, 90.0, 300.0


class Reactive:
    """Each step has to be sustained anew."""

    name: ClassVar[str] = "reactive"

    def __init__(self) -> None:
        self._high, self._low = Lasting(), Lasting()

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """One step when it has lasted."""
        high = self._high.lasted_s(holds=seen.total >= DISABLE)
        low = self._low.lasted_s(holds=seen.total < ENABLE)
        if high >= HIGH_S:
            return one_down(seen)
        return one_up(seen) if low >= LOW_S else NOTHING

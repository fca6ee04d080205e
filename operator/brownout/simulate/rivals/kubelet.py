"""Like the kubelet: a soft eviction threshold of 80 % with a grace period of 90 s, and a pressure transition of 5 min.

What is evicted first has the least priority; once the pressure is over nothing is evicted, and pods return.
"""

from collections.abc import Mapping
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.rivals.lasting import Lasting
from brownout.simulate.rivals.moves import NOTHING, one_down, one_up

EVICT, GRACE_S, TRANSITION_S = 80.0, 90.0, 300.0


class Kubelet:
    """Over 80 % for 90 s one goes; below it for 5 min one returns, each tick."""

    name: ClassVar[str] = "kubelet"

    def __init__(self) -> None:
        self._above, self._below = Lasting(), Lasting()

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """One eviction or one return."""
        above = self._above.lasted_s(holds=seen.total >= EVICT)
        below = self._below.lasted_s(holds=seen.total < EVICT)
        if above >= GRACE_S:
            return one_down(seen)
        return one_up(seen) if below >= TRANSITION_S else NOTHING

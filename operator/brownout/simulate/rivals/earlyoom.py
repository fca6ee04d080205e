"""Like earlyoom: at 95 % the largest is ended; whatever started it starts it again 5 min later."""

from collections.abc import Mapping
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.rivals.moves import largest_down

KILL, RESTART_S = 95.0, 300.0


class EarlyOom:
    """It ends one a tick and looks at nothing else; what it ended returns whether it fits or not."""

    name: ClassVar[str] = "earlyoom"

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """The largest goes at 95 %; what has been gone for 5 min returns."""
        back = [name for name, at in self._ended.items() if seen.now - at >= RESTART_S]
        for name in back:
            del self._ended[name]
        down = largest_down(seen) if seen.total >= KILL else {}
        self._ended |= dict.fromkeys(down, seen.now)
        return {**dict.fromkeys(back, 0), **down}

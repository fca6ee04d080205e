"""The plain regression's rule without its forecast: 80/65/95 on what is measured."""

from collections.abc import Mapping
from typing import ClassVar

from brownout.simulate.contender import Seen
from brownout.simulate.rivals.plain_regression import by_thresholds


class NoForecast:
    """At or above 80 % one goes, below 65 % one returns, each tick; at 95 % all go."""

    name: ClassVar[str] = "no-forecast"

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """One step a tick by what is measured."""
        return by_thresholds(seen, seen.total)

"""How long something has been so without interruption."""

from brownout.simulate.traces import TICK_S


class Lasting:
    """Since when a condition holds. A look stands for its whole tick, so that 90 s are three looks in a row."""

    def __init__(self) -> None:
        self._looks = 0

    def lasted_s(self, *, holds: bool) -> float:
        """Seconds for which it has held, after one more look; 0 where it does not hold."""
        self._looks = self._looks + 1 if holds else 0
        return self._looks * TICK_S

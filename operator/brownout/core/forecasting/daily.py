"""The time of day: the same hours bring the same load, more or less (requirement F7)."""

from dataclasses import dataclass
from typing import ClassVar

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.signals import Features, Signals
from brownout.core.instant import Instant

QUARTERS = 96
QUARTER_S = 900.0

# How far the base load lies above its day's median, percentage points, for each quarter-hour of the day, UTC.
Profile = tuple[float, ...]


def level(profile: Profile, at: Instant) -> float:
    """The profile at an instant; in proportion between the middles of two quarter-hours."""
    place = (at / QUARTER_S - 0.5) % QUARTERS
    before = int(place) % QUARTERS
    low, high = profile[before], profile[(before + 1) % QUARTERS]
    return low + (place - int(place)) * (high - low)


def rise(profile: Profile, at: Instant, ahead_s: float) -> float:
    """By how much the profile rises from an instant until so many seconds later."""
    return level(profile, at + ahead_s) - level(profile, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """The newest value and a share, `shrink`, of the change that the profile shows until then.

    It comes from training and learns nothing here. `step_s` is the length of a step. Days differ: the share is the one
    that made the smallest errors on past days, 0 where the time of day told nothing.
    """

    profile: Profile
    shrink: float
    step_s: float

    model: ClassVar[Model] = Model.DAILY

    def learn(self, _signals: Signals, _past: tuple[Features, ...]) -> "Daily":
        """Training has learnt for it."""
        return self

    def ahead(self, signals: Signals, steps: int) -> float:
        """The newest value and the usual change."""
        return signals.value + self.shrink * rise(self.profile, signals.at, steps * self.step_s)

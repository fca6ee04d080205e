"""Champions: the models that training has produced and that nothing has beaten since. Values, from a file.

There are two places, each with its own champion: the regression and the profile of the day. Neither is believed: the
panel weighs them by what their forecasts are worth here and now.
"""

from dataclasses import dataclass
from enum import StrEnum

from brownout.core.forecasting.daily import Daily, Profile
from brownout.core.forecasting.forecaster import Forecaster
from brownout.core.forecasting.trained import Coefficients, Trained
from brownout.core.instant import Instant

# Who was hardly better than the last value in its backtest would only be that value once more: on a series that stands
# mostly still (alibaba m_1933) two such took the mixture from 1.000 of last-value's error to 1.011.
WORTH_BELOW = 0.98


class Regression(StrEnum):
    """Which fit made the coefficients."""

    LINEAR = "linear"
    RIDGE = "ridge"
    HUBER = "huber"
    MEDIAN = "median"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A backtest at `steps` ahead: mean absolute errors in percentage points, the model's and last-value's, on `count`
    origins that the model was not fitted on; and the percentage of them that its band held.
    """

    steps: int
    count: int
    error: float
    last_value_error: float
    coverage_percent: float

    @property
    def ratio(self) -> float:
        """The model's error over last-value's; 1 where nothing has moved."""
        return self.error / self.last_value_error if self.last_value_error > 0.0 else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakRecord(Record):
    """The same at the hour's peak by the profile. `lower` and `upper`: how far truth lay above what was foretold, at
    the two ends of the band; `steps` is the longest distance.
    """

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedChampion:
    """A regression for each distance, fitted on what was known until `fitted_until`, with its record at each."""

    made_at: Instant
    fitted_until: Instant
    regression: Regression
    coefficients: tuple[Coefficients, ...]
    intercepts: tuple[float, ...]
    profile: Profile
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyChampion:
    """A profile of the day, fitted likewise, with its record at the horizon and at the hour's peak."""

    made_at: Instant
    fitted_until: Instant
    profile: Profile
    shrink: float
    record: Record
    peak: PeakRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Champions:
    """Both, for a series with points every `step_s` and forecasts so many `steps` ahead; None: nothing worth keeping.

    `confidence_percent` is what their bands promise.
    """

    step_s: float
    steps: tuple[int, ...]
    confidence_percent: float
    trained: TrainedChampion | None = None
    daily: DailyChampion | None = None

    def fits(self, steps: tuple[int, ...], step_s: float) -> bool:
        """Whether they were made for such a series."""
        return self.steps == steps and self.step_s == step_s

    def candidates(self, steps: tuple[int, ...], step_s: float) -> tuple[Forecaster, ...]:
        """What they bring to a panel: who was better than the last value at the horizon of its backtest.

        Coefficients hold for the distances they were fitted at, a profile for all.
        """
        trained = self._regression() if self.fits(steps, step_s) else None
        return tuple(each for each in (trained, self._profile(step_s)) if each is not None)

    def _regression(self) -> Trained | None:
        made = self.trained
        if made is None or made.records[-1].ratio > WORTH_BELOW:
            return None
        return Trained(
            steps=self.steps,
            step_s=self.step_s,
            coefficients=made.coefficients,
            intercepts=made.intercepts,
            profile=made.profile,
        )

    def _profile(self, step_s: float) -> Daily | None:
        made = self.daily
        if made is None or made.record.ratio > WORTH_BELOW:
            return None
        return Daily(profile=made.profile, shrink=made.shrink, step_s=step_s)

"""The backtest: the history is cut twice in order of time, and nothing of a later part reaches an earlier one.

    0 to 55 %     candidates learn
    55 to 70 %    one of them is chosen, and its band is taken from its errors here; then it learns again from both
    70 to 100 %   what is reported: every row is an origin, and its forecast is held to what came

A row belongs to a part only if its future had come by the part's end. Rows are never shuffled.
"""

from dataclasses import dataclass

import numpy as np

from brownout.core.forecasting.champions import Record
from brownout.core.forecasting.coverage import Coverage
from brownout.core.forecasting.residuals import Residuals
from brownout.core.instant import Instant
from brownout.training.series import Chosen, Column, Rows

LEARN, CHOOSE = 0.55, 0.7

Band = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """The instants between the parts, and the end."""

    choose_from: Instant
    judge_from: Instant
    end: Instant

    @classmethod
    def of(cls, rows: Rows) -> "Cuts":
        """By shares of the rows."""
        end = float(rows.at[-1]) + rows.step_s
        return cls(choose_from=rows.instant(LEARN), judge_from=rows.instant(CHOOSE), end=end)

    def learn(self, rows: Rows, steps: int) -> Chosen:
        """What candidates learn from."""
        return rows.known(steps, since=0.0, until=self.choose_from)

    def choose(self, rows: Rows, steps: int) -> Chosen:
        """What one of them is chosen by."""
        return rows.known(steps, since=self.choose_from, until=self.judge_from)

    def both(self, rows: Rows, steps: int) -> Chosen:
        """What the chosen one learns from."""
        return rows.known(steps, since=0.0, until=self.judge_from)

    def judge(self, rows: Rows, steps: int, *, since: Instant = 0.0) -> Chosen:
        """What is reported; only from `since` on, where a model has seen what was before."""
        return rows.known(steps, since=max(since, self.judge_from), until=self.end)


def band_of(residuals: Column, confidence_percent: float) -> Band:
    """The split-conformal band of these residuals; infinite where they are too few."""
    inside = Residuals(recent=tuple(residuals.tolist()), ordered=tuple(np.sort(residuals).tolist()))
    return Coverage.of(confidence_percent).band(inside)


def mean_error(foretold: Column, truth: Column) -> float:
    """The mean absolute error; 0 of nothing."""
    return float(np.abs(truth - foretold).mean()) if len(truth) else 0.0


def record_of(steps: int, foretold: Column, last: Column, truth: Column, band: Band) -> Record:
    """What came of forecasts, beside the last values at the same origins."""
    residuals = truth - foretold
    inside = (residuals >= band[0]) & (residuals <= band[1])
    return Record(
        steps=steps,
        count=len(truth),
        error=mean_error(foretold, truth),
        last_value_error=mean_error(last, truth),
        coverage_percent=100.0 * float(inside.mean()) if len(truth) else 0.0,
    )

"""A study: one history, its cuts, and how any fit does on the parts that it has not seen."""

from dataclasses import dataclass

from brownout.core.forecasting.champions import Record
from brownout.core.instant import Instant
from brownout.training.backtest import Cuts, band_of, mean_error, record_of
from brownout.training.fit import Fit
from brownout.training.series import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """`steps` are the distances of the forecasts, nearest first; `confidence_percent` what their bands promise."""

    rows: Rows
    cuts: Cuts
    steps: tuple[int, ...]
    confidence_percent: float

    @property
    def horizon(self) -> int:
        """The farthest distance, by which models are chosen."""
        return self.steps[-1]

    def error(self, fit: Fit) -> float:
        """The mean error on the part by which one is chosen."""
        chosen = self.cuts.choose(self.rows, fit.steps)
        return mean_error(fit.foretold(self.rows)[chosen], self.rows.later[fit.steps][chosen])

    def judged(self, fit: Fit, *, since: Instant = 0.0) -> Record:
        """The record on the newest part, from `since` on, with the band of the errors on the part before."""
        rows, truth, foretold = self.rows, self.rows.later[fit.steps], fit.foretold(self.rows)
        choose = self.cuts.choose(rows, fit.steps)
        judge = self.cuts.judge(rows, fit.steps, since=since)
        band = band_of((truth - foretold)[choose], self.confidence_percent)
        return record_of(fit.steps, foretold[judge], rows.value[judge], truth[judge], band)

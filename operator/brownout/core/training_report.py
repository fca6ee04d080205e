"""What is kept of training: the champions, the last challenger, and what the last trainings found."""

from dataclasses import dataclass, replace

from brownout.core.forecasting.champions import Champions
from brownout.core.instant import Instant

MOST_REPORTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFigures:
    """One candidate's backtest at `steps` ahead: its mean absolute error over last-value's, the percentage that its
    band held, and on how many origins.
    """

    name: str
    steps: int
    ratio: float
    coverage_percent: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """One training. `why` it was asked for, what came of it in `verdict`, what it cost; `fault` when it failed."""

    at: Instant
    why: str
    samples: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    figures: tuple[CandidateFigures, ...] = ()
    verdict: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that stays between two trainings; `reports` oldest first."""

    champions: Champions | None = None
    challenger: Champions | None = None
    reports: tuple[TrainingReport, ...] = ()

    def reported(self, report: TrainingReport) -> "Kept":
        """With one report more; the oldest goes."""
        return replace(self, reports=(*self.reports, report)[-MOST_REPORTS:])

    @property
    def last_at(self) -> Instant | None:
        """When the last training was."""
        return self.reports[-1].at if self.reports else None

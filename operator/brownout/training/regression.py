"""The regression of a training: four kinds, with and without the time of day; one chosen; its record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from brownout.core.errors import TrainingFault
from brownout.core.forecasting.champions import Record, Regression, TrainedChampion
from brownout.core.forecasting.daily import Profile
from brownout.core.instant import Instant
from brownout.core.retraining import replaces
from brownout.core.training_report import CandidateFigures
from brownout.core.window import Point
from brownout.training.backtest import record_of
from brownout.training.fit import Fit, fitted, line_at
from brownout.training.study import Study

#: The user's line is fitted anew at each origin, 0.5 ms each: at so many of them, evenly taken.
LINE_ORIGINS = 300
LINE_POINTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A kind of regression, with or without the profile, as it learnt from the first part."""

    kind: Regression
    fit: Fit

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.kind} by time of day" if self.fit.profile else str(self.kind)


def regression_of(
    study: Study, profile: Profile | None, *, made_at: Instant
) -> tuple[TrainedChampion, tuple[CandidateFigures, ...]]:
    """The chosen regression, and the figures of all. Raises TrainingFault where none finds a solution."""
    found = _candidates(study, profile)
    if not found:
        raise TrainingFault("no regression finds a solution on this history")
    best = min(found, key=lambda each: study.error(each.fit))
    fits = tuple(_again(study, best, steps) for steps in study.steps)
    champion = TrainedChampion(
        made_at=made_at,
        fitted_until=study.cuts.judge_from,
        regression=best.kind,
        coefficients=tuple(fit.coefficients for fit in fits),
        intercepts=tuple(fit.intercept for fit in fits),
        profile=best.fit.profile,
        records=tuple(study.judged(fit) for fit in fits),
    )
    return champion, tuple(figures_of(each.name, study.judged(each.fit)) for each in found)


def successor(study: Study, new: TrainedChampion, old: TrainedChampion | None) -> tuple[TrainedChampion, str]:
    """Which regression stays, by the errors at the horizon on origins that neither has seen, and why.

    A champion that stays takes its record on the newest origins along: by that, drift is told from now on.
    """
    if old is None:
        return new, f"{new.regression} is the first regression"
    since = max(new.fitted_until, old.fitted_until)
    now, was = (study.judged(_at_horizon(study, each), since=since) for each in (new, old))
    said = f"{new.regression} errs by {now.error:.3f} points, the champion by {was.error:.3f} on {was.count} origins"
    if replaces(now.error, was.error, origins=now.count):
        return new, f"{said}: it replaces it"
    fresh = replace(old, records=(*old.records[:-1], was)) if was.count else old
    return fresh, f"{said}: the champion stays"


def line_figures(study: Study, series: Sequence[Point]) -> CandidateFigures:
    """The user's rule on the newest part: a line through the last 50 points at each origin (requirement F1).

    It has no band here: the resident process, which draws the same line, makes one from its errors there.
    """
    rows, steps = study.rows, study.horizon
    known: list[int] = np.flatnonzero(study.cuts.judge(rows, steps)).tolist()
    places = [place for place in known if place >= LINE_POINTS][:: max(1, len(known) // LINE_ORIGINS)]
    ahead_s = steps * rows.step_s
    foretold = [line_at(series[place - LINE_POINTS + 1 : place + 1], series[place][0] + ahead_s) for place in places]
    line = np.array(foretold, dtype=np.float64)
    record = record_of(steps, line, rows.value[places], rows.later[steps][places], (-np.inf, np.inf))
    return figures_of("line through the last 50", record)


def figures_of(name: str, record: Record) -> CandidateFigures:
    """A record as a line of a report."""
    return CandidateFigures(
        name=name,
        steps=record.steps,
        ratio=record.ratio,
        coverage_percent=record.coverage_percent,
        count=record.count,
    )


def _candidates(study: Study, profile: Profile | None) -> list[Candidate]:
    learn = study.cuts.learn(study.rows, study.horizon)
    profiles: tuple[Profile, ...] = ((), profile) if profile else ((),)
    made = ((kind, fitted(kind, study.rows, study.horizon, learn, each)) for each in profiles for kind in Regression)
    return [Candidate(kind=kind, fit=fit) for kind, fit in made if fit is not None]


def _again(study: Study, best: Candidate, steps: int) -> Fit:
    """The chosen kind, at a distance, on both earlier parts."""
    fit = fitted(best.kind, study.rows, steps, study.cuts.both(study.rows, steps), best.fit.profile)
    if fit is None:
        raise TrainingFault(f"{best.name} finds no solution at {steps} steps")
    return fit


def _at_horizon(study: Study, champion: TrainedChampion) -> Fit:
    coefficients, intercept = champion.coefficients[-1], champion.intercepts[-1]
    return Fit(steps=study.horizon, coefficients=coefficients, intercept=intercept, profile=champion.profile)

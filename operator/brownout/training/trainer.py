"""One training, from points to what is kept afterwards: a challenger for each place, held against its champion."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from brownout.core.errors import TrainingFault
from brownout.core.forecasting.champions import Champions
from brownout.core.training_report import Kept, TrainingReport
from brownout.core.window import Point
from brownout.engine.trainer import TrainingRequest
from brownout.training import day, regression
from brownout.training.backtest import Cuts
from brownout.training.series import Rows, evenly
from brownout.training.study import Study

#: With fewer points the parts are too small: 6 hours at 30 s are 720.
LEAST_POINTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is kept now, and what the report says of it."""

    kept: Kept
    report: TrainingReport


def train(points: Sequence[Point], request: TrainingRequest, kept: Kept) -> Outcome:
    """Train and judge. Raises TrainingFault where the history is too short. What it cost, the caller adds."""
    series = tuple(evenly(points, request.step_s))
    if len(series) < LEAST_POINTS:
        raise TrainingFault(f"the history holds {len(series)} points, at least {LEAST_POINTS} are needed")
    study = _study(series, request)
    profile = day.day_profile(study, series)
    trained, figures = regression.regression_of(study, profile, made_at=request.now)
    daily = day.day_of(study, series, profile, made_at=request.now) if profile else None
    challenger = Champions(
        step_s=request.step_s,
        steps=request.steps,
        confidence_percent=request.confidence_percent,
        trained=trained,
        daily=daily,
    )
    champions, verdict = _champions(study, series, challenger, kept.champions)
    return Outcome(
        kept=replace(kept, champions=champions, challenger=challenger),
        report=TrainingReport(
            at=request.now,
            why=request.why,
            samples=len(series),
            figures=(*figures, regression.line_figures(study, series), *day.day_figures(daily)),
            verdict=verdict,
        ),
    )


def _study(series: Sequence[Point], request: TrainingRequest) -> Study:
    rows = Rows.of(series, step_s=request.step_s, steps=request.steps)
    study = Study(rows=rows, cuts=Cuts.of(rows), steps=request.steps, confidence_percent=request.confidence_percent)
    parts = (study.cuts.learn, study.cuts.choose, study.cuts.judge)
    least = min(int(part(rows, study.horizon).sum()) for part in parts)
    if least < LEAST_POINTS // 10:
        raise TrainingFault(f"the history has too many gaps: {least} forecasts can be judged in a part of it")
    return study


def _champions(
    study: Study, series: Sequence[Point], challenger: Champions, before: Champions | None
) -> tuple[Champions, str]:
    """Who stays and who is replaced, place by place, and the sentence that says so. Of other distances is no rival."""
    if challenger.trained is None:
        raise TrainingFault("there is no regression to judge")
    rival = before if before and before.fits(challenger.steps, challenger.step_s) else None
    trained, said = regression.successor(study, challenger.trained, rival.trained if rival else None)
    daily, also = day.successor(study, series, challenger.daily, rival.daily if rival else None)
    return replace(challenger, trained=trained, daily=daily), f"{said}; {also}"

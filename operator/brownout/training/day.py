"""The day's profile of a training: its share, its record at the horizon, and at the peaks of the hour ahead."""

from collections.abc import Sequence

import numpy as np

from brownout.core.forecasting.champions import DailyChampion, PeakRecord
from brownout.core.forecasting.daily import Profile
from brownout.core.forecasting.peak import AHEAD_S
from brownout.core.forecasting.signals import FEATURES
from brownout.core.instant import Instant
from brownout.core.retraining import replaces
from brownout.core.training_report import CandidateFigures
from brownout.core.window import Point
from brownout.training.backtest import band_of, mean_error, record_of
from brownout.training.fit import Fit
from brownout.training.profiles import DAY_S, peaks_of, profile_of, share_of
from brownout.training.regression import figures_of
from brownout.training.series import Column
from brownout.training.study import Study

#: A shorter history cannot tell what a profile is worth.
LEAST_DAYS = 3

Peaks = tuple[Column, Column, Column]


def day_profile(study: Study, series: Sequence[Point]) -> Profile | None:
    """The profile of the first part, where the whole history reaches far enough back."""
    if series[-1][0] - series[0][0] < LEAST_DAYS * DAY_S:
        return None
    return profile_of(_between(series, 0.0, study.cuts.choose_from))


def day_of(study: Study, series: Sequence[Point], profile: Profile, *, made_at: Instant) -> DailyChampion:
    """The profile with the share that was best on the second part, and its records on the third."""
    cuts = study.cuts
    choose, judge = _between(series, cuts.choose_from, cuts.judge_from), _between(series, cuts.judge_from, cuts.end)
    shrink = share_of(profile, choose, ahead_s=AHEAD_S)
    fit = Fit(steps=study.horizon, coefficients=(*(0.0,) * len(FEATURES), shrink), intercept=0.0, profile=profile)
    return DailyChampion(
        made_at=made_at,
        fitted_until=cuts.judge_from,
        profile=profile,
        shrink=shrink,
        record=study.judged(fit),
        peak=_peak(study, _peaks(profile, shrink, choose), _peaks(profile, shrink, judge)),
    )


def successor(
    study: Study, series: Sequence[Point], new: DailyChampion | None, old: DailyChampion | None
) -> tuple[DailyChampion | None, str]:
    """Which profile stays, by the errors at the hour's peaks that neither has seen, and the sentence that says so.

    Each is asked at its own peaks: how high it will be when it says that it is highest.
    """
    if new is None or old is None:
        return new or old, "the profile of the day has no rival" if new or old else "no profile of the day yet"
    unseen = _between(series, max(new.fitted_until, old.fitted_until), study.cuts.end)
    (made, _, came), (before, _, truth) = (_peaks(each.profile, each.shrink, unseen) for each in (new, old))
    error, was = mean_error(made, came), mean_error(before, truth)
    said = f"the profile of the day errs by {error:.2f} points at peaks, the champion by {was:.2f}"
    if replaces(error, was, origins=min(len(made), len(before))):
        return new, f"{said}: it replaces it"
    return old, f"{said}: the champion stays"


def day_figures(day: DailyChampion | None) -> tuple[CandidateFigures, ...]:
    """What a report says of it."""
    if day is None:
        return ()
    peak = (figures_of("time of day, at the hour's peak", day.peak),) if day.peak else ()
    return (figures_of("time of day", day.record), *peak)


def _peaks(profile: Profile, shrink: float, points: Sequence[Point]) -> Peaks:
    """What was foretold of the peaks ahead, the last values, and the truth."""
    found = tuple(peaks_of(profile, shrink, points))
    foretold, last, truth = np.array(found, dtype=np.float64).reshape(-1, 3).T
    return foretold, last, truth


def _peak(study: Study, choose: Peaks, judge: Peaks) -> PeakRecord | None:
    """The record at peaks: how well a band of the second part held the third, and the band that the third gives."""
    before = band_of(choose[2] - choose[0], study.confidence_percent)
    lower, upper = band_of(judge[2] - judge[0], study.confidence_percent)
    if not np.isfinite((lower, upper)).all():
        return None
    steps = round(AHEAD_S / study.rows.step_s)
    record = record_of(steps, *judge, before)
    return PeakRecord(
        steps=max(1, steps),
        count=record.count,
        error=record.error,
        last_value_error=record.last_value_error,
        coverage_percent=record.coverage_percent,
        lower=lower,
        upper=upper,
    )


def _between(series: Sequence[Point], since: Instant, until: Instant) -> list[Point]:
    return [point for point in series if since <= point[0] < until]

"""A whole training: the profile of the day, its peaks, champions and challengers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.core.errors import TrainingFault
from brownout.core.forecasting.daily import QUARTERS, level, rise
from brownout.core.training_document import kept_document, kept_from
from brownout.core.training_report import Kept
from brownout.training.profiles import peaks_of, profile_of, share_of
from brownout.training.trainer import LEAST_POINTS, train
from tests.training.series import PER_DAY, START, autoregressive, daily, day, make_request, points_of


def test_a_profile_is_the_median_day() -> None:
    """Three days with their own levels and one spike: what they have in common stays."""
    levels = (30.0, 50.0, 40.0)
    points = points_of(lambda place: levels[place // PER_DAY] + day(place), 3 * PER_DAY)
    points[100] = (points[100][0], 95.0)
    profile = profile_of(points)
    assert profile is not None
    assert [level(profile, START + 900.0 * (quarter + 0.5)) for quarter in range(QUARTERS)] == pytest.approx(
        [day(30 * (quarter + 0.5)) for quarter in range(QUARTERS)], abs=0.25
    )


def test_of_one_day_there_is_no_profile() -> None:
    """One day is no habit; nor are many whose hours are not known."""
    assert profile_of(daily(PER_DAY)) is None
    mornings = [(at, value) for at, value in daily(6 * PER_DAY) if at % 86400.0 < 36_000.0]
    assert profile_of(mornings) is None
    assert profile_of([]) is None


def test_a_machine_that_is_off_at_night_has_a_profile() -> None:
    """What is not known of the day lies between its neighbours."""
    days = [(at, value) for at, value in daily(4 * PER_DAY, noise=0.0) if at % 86400.0 >= 28_800.0]
    profile = profile_of(days)
    assert profile is not None
    known = sorted((profile[-1], profile[32]))
    assert all(known[0] - 1e-9 <= each <= known[1] + 1e-9 for each in profile[:32])


@given(st.floats(0.0, 1.5), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_the_share_is_found(share: float, seed: int) -> None:
    """Where the load does a share of what the profile says, that share is found; never more than all of it."""
    profile = profile_of(daily(3 * PER_DAY, noise=0.0, seed=seed))
    assert profile is not None
    points = [(at, 40.0 + share * level(profile, at)) for at, _ in daily(PER_DAY)]
    assert share_of(profile, points, ahead_s=3600.0) == pytest.approx(min(1.0, share), abs=0.02)


def test_peaks_are_foretold_before_they_come() -> None:
    """Only rises that are worth it, only from what was known then, and true where the day repeats."""
    points = daily(4 * PER_DAY, noise=0.0)
    profile = profile_of(points[: 3 * PER_DAY])
    assert profile is not None
    found = list(peaks_of(profile, 1.0, points[3 * PER_DAY :]))
    assert found
    assert all(foretold - last >= 1.0 for foretold, last, _ in found)
    assert all(abs(foretold - truth) < 0.5 for foretold, _, truth in found)
    assert rise(profile, START + 0.7 * 86400.0, 3600.0) > 3.0


def test_a_day_that_repeats_is_prepared_for() -> None:
    """A week of it: a profile, most of its rise, and a record at peaks far better than the last value's."""
    points = daily(7 * PER_DAY)
    outcome = train(points, make_request(points), Kept())
    champions = outcome.kept.champions
    assert champions is not None
    assert champions.daily is not None
    assert champions.daily.peak is not None
    assert champions.daily.shrink > 0.9
    assert champions.daily.peak.ratio < 0.4
    assert champions.daily.peak.lower < 0.0 < champions.daily.peak.upper
    assert outcome.report.samples == len(points)
    assert {"line through the last 50", "time of day", "time of day, at the hour's peak"} <= {
        each.name for each in outcome.report.figures
    }
    assert kept_from(json.loads(json.dumps(kept_document(outcome.kept)))) == outcome.kept


def test_without_days_there_is_a_regression_only() -> None:
    """Six hours of history have no profile, and need none."""
    points = autoregressive(720)
    champions = train(points, make_request(points), Kept()).kept.champions
    assert champions is not None
    assert champions.trained is not None
    assert champions.daily is None


@pytest.mark.parametrize("count", [0, 1, LEAST_POINTS - 1])
def test_too_little_history_is_said(count: int) -> None:
    """In one sentence, with the numbers."""
    points = autoregressive(max(1, count))[:count]
    with pytest.raises(TrainingFault, match=f"holds {count} points"):
        train(points, make_request([(START, 1.0)]), Kept())


def test_a_history_of_gaps_is_refused() -> None:
    """Where no forecast could ever be judged there is nothing to learn."""
    points = [(at + 600.0 * place, value) for place, (at, value) in enumerate(autoregressive(800))]
    with pytest.raises(TrainingFault, match="gaps"):
        train(points, make_request(points), Kept())


def test_the_same_again_keeps_the_champion() -> None:
    """A tie keeps it: champions do not change for nothing; its record is that of the newest origins."""
    points = autoregressive(1500)
    first = train(points, make_request(points), Kept())
    second = train(points, make_request(points, now=START + 10**6), first.kept)
    assert first.kept.champions is not None
    assert second.kept.champions is not None
    assert second.kept.champions.trained is not None
    assert second.kept.champions.trained.made_at == points[-1][0]
    assert "the champion stays" in second.report.verdict
    assert second.kept.challenger != first.kept.challenger


def test_a_better_one_replaces_it() -> None:
    """A champion of another load is beaten on origins that neither has seen."""
    calm = autoregressive(1500, share=0.99)
    restless = autoregressive(1500, share=0.2, seed=5)
    first = train(calm, make_request(calm), Kept())
    later = [(at + 86_400.0, value) for at, value in restless]
    second = train(later, make_request(later), first.kept)
    assert "it replaces it" in second.report.verdict
    assert second.kept.champions is not None
    assert second.kept.champions.trained is not None
    assert second.kept.champions.trained.made_at == later[-1][0]


def test_for_another_series_there_is_no_rival() -> None:
    """A champion for other distances cannot be compared: the new one takes its place."""
    points = autoregressive(1500)
    first = train(points, make_request(points), Kept())
    second = train(points, make_request(points, steps=(1, 6, 12), now=START + 10**6), first.kept)
    assert second.kept.champions == second.kept.challenger

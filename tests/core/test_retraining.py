"""The strategy of training: when, and what replaces what; and the document in which it is kept."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Forecasting
from brownout.core.errors import InvalidInput
from brownout.core.forecasting.panel import Panel
from brownout.core.retraining import DAY_S, HOUR_S, Circumstances, due, live_ratio, pause_s, replaces
from brownout.core.training_document import kept_document, kept_from
from brownout.core.training_report import MOST_REPORTS, CandidateFigures, Kept, TrainingReport
from tests.champions import STEP_S, STEPS, make_champions, make_trained
from tests.worlds import make_dice

NOW = 1_767_323_040.0


def seen(**changes: Any) -> Circumstances:
    """A champion of yesterday, trained 23 hours ago, and enough new samples."""
    parts: dict[str, Any] = {
        "now": NOW,
        "attempted_at": NOW - 23 * HOUR_S,
        "trained_at": NOW - 23 * HOUR_S,
        "history_s": 20 * DAY_S,
        "new_samples": 2000,
        "champion_ratio": 0.8,
        "live_ratio": 0.85,
    }
    return Circumstances(**{**parts, **changes})


CIRCUMSTANCES = st.builds(
    Circumstances,
    now=st.just(NOW),
    attempted_at=st.none() | st.floats(NOW - 3 * DAY_S, NOW),
    trained_at=st.none() | st.floats(NOW - 3 * DAY_S, NOW),
    failures=st.integers(0, 2000),
    history_s=st.floats(0.0, 40 * DAY_S),
    new_samples=st.integers(0, 5000),
    champion_ratio=st.none() | st.floats(0.01, 3.0),
    live_ratio=st.none() | st.floats(0.01, 3.0),
)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"champion_ratio": None}, "there is no model yet"),
        ({"champion_ratio": None, "history_s": 5.9 * HOUR_S}, ""),
        ({"live_ratio": 1.0}, "its errors are 1.00 times last-value's, in its backtest 0.80"),
        ({"live_ratio": 0.99}, ""),
        ({"live_ratio": 1.0, "new_samples": 239}, ""),
        ({"live_ratio": 1.0, "attempted_at": NOW - 3599.0}, ""),
        ({"trained_at": NOW - DAY_S}, "the last training is a day old"),
        ({"trained_at": None}, "the last training is a day old"),
        ({"trained_at": NOW - DAY_S, "new_samples": 239}, ""),
        ({"trained_at": None, "attempted_at": NOW - 3 * HOUR_S, "failures": 3}, ""),
        ({"trained_at": None, "attempted_at": NOW - 4 * HOUR_S, "failures": 3}, "the last training is a day old"),
    ],
)
def test_the_table_of_when(changes: dict[str, Any], why: str) -> None:
    """Each row of the strategy's table, at its edge."""
    assert due(seen(**changes)) == why


@given(CIRCUMSTANCES)
def test_never_more_often_than_hourly(circumstances: Circumstances) -> None:
    """Whatever has happened, an attempt is an hour old before the next, and a day makes an end of every wait."""
    if due(circumstances) and circumstances.attempted_at is not None:
        assert circumstances.now - circumstances.attempted_at >= HOUR_S
    assert HOUR_S <= pause_s(circumstances.failures) <= DAY_S


@given(st.integers(0, 100))
def test_failures_wait_longer_and_longer(failures: int) -> None:
    """The wait never falls with another failure, and doubles until it is a day."""
    assert pause_s(failures) <= pause_s(failures + 1)
    if failures and pause_s(failures + 1) < DAY_S:
        assert pause_s(failures + 1) == 2 * pause_s(failures)


@given(st.floats(0.0, 100.0), st.floats(0.0, 100.0), st.integers(0, 10_000))
def test_two_models_never_replace_each_other(one: float, other: float, origins: int) -> None:
    """On the same origins at most one of two is better by enough: champions do not go back and forth."""
    assert not (replaces(one, other, origins=origins) and replaces(other, one, origins=origins))


@pytest.mark.parametrize(
    ("challenger", "origins", "replaced"),
    [(0.979, 100, True), (0.981, 100, False), (1.0, 100, False), (0.5, 99, False), (1.2, 5000, False)],
)
def test_a_challenger_must_be_better_by_a_margin(challenger: float, origins: int, replaced: bool) -> None:  # noqa: FBT001
    """By 2 % on enough origins; a tie keeps the champion."""
    assert replaces(challenger, 1.0, origins=origins) is replaced
    assert not replaces(0.0, 0.0, origins=5000)


def test_drift_is_told_only_after_enough_forecasts() -> None:
    """Of a newcomer's errors nothing is told before 600 of its forecasts have met their future."""
    dice, panel = make_dice(3), Panel.blank(Forecasting(), interval_s=STEP_S)
    told = []
    for place in range(900):
        if place == 100:
            assert live_ratio(panel) is None
            panel = panel.with_candidates(make_champions().candidates(STEPS, STEP_S))
        panel = panel.seen(NOW + STEP_S * place, 50.0 + dice.gauss(0.0, 1.0))
        told.append(live_ratio(panel) is not None)
    assert told.index(True) in range(699, 720)
    assert live_ratio(None) is None
    ratio = live_ratio(panel)
    assert ratio is not None
    assert ratio > 2.0  # to repeat the last step ten times is a bad rule for noise


def make_report(at: float = NOW, **changes: Any) -> TrainingReport:
    """A report of one training."""
    figures = (CandidateFigures(name="ridge", steps=10, ratio=0.8, coverage_percent=91.0, count=300),)
    return TrainingReport(
        **{"at": at, "why": "there is no model yet", "samples": 900, "seconds": 2.5, "peak_bytes": 10**8,
           "figures": figures, "verdict": "ridge is the first", **changes}
    )  # fmt: skip


KEPT = Kept(champions=make_champions(), challenger=make_champions(daily=None)).reported(make_report())


def test_what_is_kept_comes_back() -> None:
    """Through JSON and back it is the same value; nothing kept is a value too."""
    for kept in (KEPT, Kept(), Kept(champions=make_champions(trained=make_trained(profile=())))):
        assert kept_from(json.loads(json.dumps(kept_document(kept)))) == kept


def test_the_last_twenty_reports_stay() -> None:
    """The oldest goes."""
    kept = Kept()
    for place in range(30):
        kept = kept.reported(make_report(NOW + place))
    assert [report.at for report in kept.reports] == [NOW + place for place in range(30 - MOST_REPORTS, 30)]
    assert kept.last_at == NOW + 29


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inside for found in _places(item, (*path, key)))]


DOCUMENT = json.loads(json.dumps(kept_document(KEPT)))
PLACES = [place for place in _places(DOCUMENT) if place]
ABSURD = st.sampled_from(
    [math.nan, math.inf, -math.inf, "x", "x" * 10_000, True, -1, 10**400, 1e300, [], {}, [1], [[None]], {"": 1}]
)


@given(st.sampled_from(PLACES), ABSURD)
def test_a_damaged_document_never_hurts(place: tuple[Any, ...], absurd: Any) -> None:
    """Whatever stands wherever in it: it is refused in one sentence, or what is read is finite and sound."""
    damaged = json.loads(json.dumps(DOCUMENT))
    inner = damaged
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = absurd
    try:
        kept = kept_from(damaged)
    except InvalidInput:
        return
    panel = Panel.blank(Forecasting(), interval_s=STEP_S)
    for champions in (kept.champions, kept.challenger):
        extra = champions.candidates(STEPS, STEP_S) if champions else ()
        panel = panel.with_candidates(extra).seen(NOW, 50.0)
    json.dumps(kept_document(kept), allow_nan=False)


def test_of_another_version_it_is_refused() -> None:
    """Also where it knows other features: its coefficients would mean something else."""
    for changes in ({"version": 2}, {"features": ["step"]}, {"version": True}):
        with pytest.raises(InvalidInput):
            kept_from({**DOCUMENT, **changes})
    documents: tuple[object, ...] = (None, [], "", 7)
    for document in documents:
        with pytest.raises(InvalidInput):
            kept_from(document)

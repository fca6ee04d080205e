"""The ledger: what is remembered from tick to tick, over a restart, and what is forgotten."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Stabilization
from brownout.api.reasons import Reason
from brownout.core.bookkeeping import (
    FAILED_REST_S,
    LONGEST_REST_S,
    failed,
    return_done,
    said,
    shed_done,
    succeeded,
)
from brownout.core.ledger import Ledger, Said, footprints_measured, forgotten, released, resumed, sampled
from brownout.core.measurements import KEPT, TRAIL
from brownout.core.member import Member, Observation, Presence
from brownout.core.patience import MOST_UNDONE, UNDONE_WITHIN
from brownout.core.plan import Action, Step
from brownout.core.shed import step_down
from tests.worlds import NOW, POLICY, bytes_of, make_hold, make_member, make_sample, make_samples

WAIT_S = POLICY.stabilization.enable


def _fed(text: str, **rest: Any) -> Ledger:
    ledger = Ledger()
    for sample in make_samples(text, **rest):
        ledger = sampled(ledger, sample, POLICY)
    return ledger


def _down(ledger: Ledger, member: Member, *, now: float, rung: int | None = None, **rest: Any) -> Ledger:
    step = step_down(member, member.ladder.off if rung is None else rung, reason=Reason.ABOVE_THRESHOLD, because="x")
    given: dict[str, Any] = {"stabilization": Stabilization(), "measured": True, "replicas_before": None, **rest}
    return shed_done(ledger, step, now=now, **given)


def _up(ledger: Ledger, *, now: float, to: int = 0, action: Action = Action.ENABLE, measured: bool = True) -> Ledger:
    step = Step(
        key="voice",
        name="voice",
        action=action,
        from_rung=ledger.holds["voice"].rung if "voice" in ledger.holds else 1,
        to_rung=to,
        level="",
        reason=Reason.RESTORED,
        message="back",
        delta_bytes=1,
    )
    return return_done(ledger, step, now=now, measured=measured, settle_s=30.0)


def test_calm_lasts_from_the_first_low_sample() -> None:
    """Since when memory is below 65 % without interruption; 65.0 is not below it."""
    assert _fed("flat 70 x3, flat 60 x5").calm_since == NOW - 120.0
    assert _fed("flat 60 x5, flat 65").calm_since is None
    assert _fed("flat 60 x5, flat 65, flat 64.9 x2").calm_since == NOW - 30.0


@pytest.mark.parametrize("interruption", ["none", "flat 65", "gap 90"])
def test_calm_is_interrupted(interruption: str) -> None:
    """By a sample that is not below it, by one that could not be read, and by a silence of over three intervals."""
    assert _fed(f"flat 60 x5, {interruption}, flat 60 x3").calm_since == NOW - 60.0


def test_a_short_silence_is_no_interruption() -> None:
    """A tick that was late by a minute leaves calm as it was."""
    assert _fed("flat 60 x5, gap 60, flat 60 x3").calm_since == NOW - 270.0


def test_a_look_out_of_turn_is_not_kept() -> None:
    """The window's samples stay one interval apart; calm and the newest sample take every look."""
    ledger = sampled(_fed("flat 60 x5"), make_sample(70.0, NOW + 5.0), POLICY)
    assert len(ledger.window.samples) == 5
    assert (ledger.sample and ledger.sample.at, ledger.calm_since) == (NOW + 5.0, None)


@given(text=st.sampled_from(["flat 60 x50", "flat 70 x20, flat 60 x20", "flat 60 x9, gap 300, flat 60 x9", "none x5"]))
def test_a_restart_remembers_what_history_holds(text: str) -> None:
    """Read back from history, window and calm are those of the ledger that lived through it (requirement S2)."""
    lived = _fed(text)
    back = resumed(Ledger(), make_samples(text), POLICY, now=NOW)
    assert (back.window, back.sample, back.calm_since) == (lived.window, lived.sample, lived.calm_since)


def test_history_that_is_too_old_is_not_calm() -> None:
    """A controller that was away for an hour begins its wait anew."""
    back = resumed(Ledger(), make_samples("flat 60 x30"), POLICY, now=NOW + 3600.0)
    assert (back.window.samples, back.calm_since) == ((), None)
    assert sampled(back, make_sample(60.0, NOW + 3600.0), POLICY).calm_since == NOW + 3600.0


@pytest.mark.parametrize(("percent", "cut"), [(50.0, True), (99.5, False)])
def test_another_limit_begins_the_forecast_anew(percent: float, cut: bool) -> None:  # noqa: FBT001 - a table of cases
    """Of half the limit the same bytes are twice the per cent, which is no trend; a few pages are no other limit.

    What was learnt of errors stays; the series, and the forecasts in hand, begin anew.
    """
    ledger = _fed("flat 40 x35")
    sample = replace(make_sample(80.0, NOW + 30.0), memory_limit_bytes=bytes_of(percent))
    after = sampled(ledger, sample, POLICY)
    assert after.forecast_since == (sample.at if cut else 0.0)
    assert ledger.panel is not None
    assert after.panel is not None
    assert len(after.panel.signals.points) == (1 if cut else 36)
    assert after.panel.tracks[-1].residuals.count == ledger.panel.tracks[-1].residuals.count + (not cut)


def _seen(presence: Presence = Presence.RUNNING, size: int | None = 7) -> Mapping[str, Observation]:
    return {"voice": Observation(presence=presence, memory_bytes=size)}


def test_footprints_are_kept_for_each_rung() -> None:
    """What runs is measured where it stands; what stands still or cannot be measured is not."""
    ledger = Ledger(holds={"voice": make_hold(1)})
    (measured,) = footprints_measured(ledger, _seen()).measured.items()
    assert (measured[0], measured[1].steady, measured[1].peaks) == (("voice", 1), (7,), ())
    for seen in (_seen(Presence.STOPPED), _seen(size=None)):
        assert footprints_measured(Ledger(), seen).measured == {}


def test_footprints_are_bounded() -> None:
    """Half an hour of measurements is kept, whatever happens."""
    ledger = Ledger()
    for size in range(KEPT + 20):
        ledger = footprints_measured(ledger, _seen(size=size))
    assert ledger.measured["voice", 0].steady == tuple(range(20, KEPT + 20))
    assert len(ledger.measured["voice", 0].trail) <= TRAIL


def test_returns_that_are_undone_are_counted() -> None:
    """In a row, and no more than six."""
    ledger, now, counts = Ledger(), NOW, []
    for _ in range(8):
        ledger = _down(ledger, make_member(), now=now)
        counts.append(ledger.holds["voice"].undone)
        ledger = _up(ledger, now=now + 400.0)
        now += 500.0
    assert counts == [0, 1, 2, 3, 4, 5, 6, MOST_UNDONE]


def test_a_return_that_lasted_was_right() -> None:
    """Undone after UNDONE_WITHIN times the usual wait it is no mistake, and what was before is forgotten."""
    ledger = _up(_down(Ledger(), make_member(), now=NOW), now=NOW + 400.0)
    late = NOW + 400.0 + UNDONE_WITHIN * WAIT_S
    soon = late - 1.0
    assert _down(ledger, make_member(), now=soon).holds["voice"].undone == 1
    assert _down(ledger, make_member(), now=late).holds["voice"].undone == 0


def test_going_further_down_forgets_no_return() -> None:
    """A member of which two returns were undone remembers them when it is lowered further, also after a restart."""
    voice = make_member("voice", (12.0, 8.0, 4.0), hold=make_hold(1, undone=2))
    ledger = Ledger(holds={"voice": make_hold(1, undone=2)}, returned={"voice": (NOW - 90_000.0, 1)})
    assert _down(ledger, voice, now=NOW, rung=2).holds["voice"].undone == 2
    assert _down(Ledger(holds=ledger.holds), voice, now=NOW, rung=2).holds["voice"].undone == 2


def test_a_rise_that_is_undone_counts_too() -> None:
    """Back to its lower level and down again is a return that was undone."""
    voice = make_member("voice", (12.0, 8.0, 4.0), hold=make_hold(2))
    ledger = _up(Ledger(holds={"voice": make_hold(2)}), now=NOW, to=1, action=Action.RAISE)
    assert ledger.holds["voice"].rung == 1
    assert _down(ledger, voice, now=NOW + 60.0, rung=2).holds["voice"].undone == 1


@pytest.mark.parametrize("action", [Action.RAISE, Action.ENABLE])
def test_back_at_a_lower_level_the_hold_says_what_was_done_last(action: Action) -> None:
    """From off to a lower level it was enabled, not disabled: the sentence goes with the time. The reason stays."""
    held = make_hold(2, undone=1)
    ledger = _up(Ledger(holds={"voice": held}), now=NOW, to=1, action=action)
    assert ledger.holds["voice"] == replace(held, rung=1, since=NOW, message="back")


def test_starting_anew_where_it_stands_is_no_return() -> None:
    """An edited command that is started again at its level leaves the hold and the wait as they are."""
    hold = make_hold(1)
    ledger = _up(Ledger(holds={"voice": hold}), now=NOW, to=1, action=Action.START)
    assert (dict(ledger.holds), dict(ledger.returned)) == ({"voice": hold}, {})


def test_back_at_its_best_nothing_holds_it() -> None:
    """A return ends the hold, and begins the time in which the next one waits."""
    ledger = _up(_down(Ledger(), make_member(), now=NOW), now=NOW + 400.0)
    assert (dict(ledger.holds), ledger.last_return_at, ledger.moved["voice"]) == ({}, NOW + 400.0, NOW + 400.0)


def test_unmeasured_steps_cut_the_forecast() -> None:
    """What cannot be measured apart is in the base series, which begins anew once it has settled."""
    ledger = _fed("flat 84 x3")
    apart, within = (_down(ledger, make_member(), now=NOW, measured=measured) for measured in (True, False))
    assert (apart.forecast_since, within.forecast_since) == (0.0, NOW + 30.0)
    assert _up(apart, now=NOW + 400.0, measured=False).forecast_since == NOW + 430.0


def test_replicas_are_remembered_from_the_first_step() -> None:
    """What it is to return to is what it had before anything of ours, not what a second step found."""
    first = _down(Ledger(), make_member(), now=NOW, replicas_before=3)
    assert first.holds["voice"].replicas_before == 3
    assert _down(first, make_member(), now=NOW + 60.0).holds["voice"].replicas_before == 3


def test_failures_rest_longer_each_time() -> None:
    """5, 10, 20 ... s, at most 5 min; one success and they are past."""
    ledger, rests = Ledger(), []
    for _ in range(40):
        ledger = failed(ledger, "voice", now=NOW, first_rest_s=FAILED_REST_S)
        rests.append(ledger.failures["voice"].until - NOW)
    assert rests[:7] == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0]
    assert max(rests) == LONGEST_REST_S
    assert succeeded(ledger, "voice").failures == {}
    assert succeeded(Ledger(), "voice") == Ledger()


def test_what_is_no_longer_declared_leaves_no_trace() -> None:
    """A later integration of the same name starts afresh, and another one keeps all it has."""
    words = Said(at=NOW, reason=Reason.ABOVE_THRESHOLD, message="x")
    ledger = _fed("flat 84 x3")
    for name in ("voice", "android"):
        ledger = said(failed(_up(ledger, now=NOW), name, now=NOW, first_rest_s=1.0), name, words)
        ledger = _down(footprints_measured(ledger, {name: _seen()["voice"]}), make_member(name), now=NOW)
    gone = forgotten(ledger, frozenset({"voice", "android"}))
    tables = (gone.holds, gone.measured, gone.learned, gone.said, gone.returned, gone.moved, gone.failures)
    assert [dict(table) for table in tables] == [{}] * 7
    assert gone.pending is None
    kept = forgotten(ledger, frozenset({"voice"}))
    assert set(kept.holds) == {"android"} == set(kept.said)
    assert forgotten(ledger, frozenset()) is ledger


def test_who_was_brought_back_by_another_hand_is_let_go() -> None:
    """We do not fight over a workload."""
    ledger = Ledger(holds={"voice": make_hold(), "android": make_hold()})
    assert set(released(ledger, "voice").holds) == {"android"}


@given(percents=st.lists(st.none() | st.floats(0.0, 120.0), max_size=100))
def test_calm_means_what_it_says(percents: list[float | None]) -> None:
    """Calm since an instant means that every look from then on was below 65 %, and the one before was not."""
    ledger = Ledger()
    for index, percent in enumerate(percents):
        ledger = sampled(ledger, make_sample(percent, NOW + 30.0 * index), POLICY)
    low = [percent is not None and percent < 65.0 for percent in percents]
    if ledger.calm_since is None:
        assert not low or not low[-1]
        return
    first = round((ledger.calm_since - NOW) / 30.0)
    assert all(low[first:])
    assert first == 0 or not low[first - 1]


def test_its_tables_cannot_be_changed() -> None:
    """A ledger is a value: who holds an old one sees no later change."""
    assert isinstance(_down(Ledger(), make_member(), now=NOW).holds, MappingProxyType)
    assert math.isclose(Ledger().last_shed_at, 0.0)

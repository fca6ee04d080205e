"""Rehearsals: what would be decided in turn, where nothing is carried out."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given

from brownout.api.reasons import BudgetState, Reason
from brownout.core.decide import decide
from brownout.core.member import Member, Presence
from brownout.core.plan import Action, Decision, Verdict
from brownout.core.rehearsal import as_if, rehearse
from brownout.core.snapshot import Snapshot
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, make_allowance, make_forecast, make_hold, make_member, make_snapshot

Line = tuple[str, str, Action, Reason]


def _lines(decision: Decision) -> list[Line]:
    return [(each.rule, step.name, step.action, step.reason) for each in decision.in_turn for step in each.steps]


def _unwanted() -> Member:
    return make_member("voice", 10.0, priority=10, enabled=False)


def _spent(state: BudgetState = BudgetState.EXCEEDED) -> Member:
    return make_member("voice", (10.0, 4.0), priority=10, allowance=make_allowance(state))


OFF_BY_OWNER = ("owners_wish", "voice", Action.DISABLE, Reason.DISABLED_BY_OWNER)
OFF_BY_BUDGET = ("over_budget", "voice", Action.DISABLE, Reason.BUDGET_EXCEEDED)
DOWN_BY_BUDGET = ("over_budget", "voice", Action.LOWER, Reason.BUDGET_APPROACHING)
THEN_OFF = ("above_threshold", "voice", Action.DISABLE, Reason.ABOVE_THRESHOLD)
ANDROID_GOES = ("above_threshold", "android", Action.DISABLE, Reason.ABOVE_THRESHOLD)


@FEWER
@given(snapshot=any_snapshots())
def test_it_begins_with_the_decision_and_goes_on_only_after_one_for_the_owner(snapshot: Snapshot) -> None:
    """In any world it ends, nobody is taken to the same rung twice, and each later decision has something to do."""
    found, first = rehearse(snapshot, now=NOW), decide(snapshot, now=NOW)
    assert replace(found, afterwards=None) == first
    *before, last = found.in_turn
    assert {each.verdict for each in before} <= {Verdict.OWNER}
    assert not before or last.steps
    times = Counter((step.key, step.to_rung) for each in found.in_turn for step in each.steps if step.action.sheds)
    assert set(times.values()) <= {1}


def test_what_was_known_of_a_hold_is_not_forgotten_by_a_step_further_down() -> None:
    """How many returns were undone, and what it goes back to: what is told of it later rests on that."""
    kept = replace(make_hold(rung=1, undone=2), replicas_before=3)
    lowered = make_member("voice", (10.0, 4.0), priority=10, hold=kept, enabled=False)
    snapshot = make_snapshot(60.0, lowered)
    (member,) = as_if(snapshot, decide(snapshot, now=NOW).steps, now=NOW).members
    assert member.hold is not None
    assert (member.hold.rung, member.hold.undone, member.hold.replicas_before) == (2, 2, 3)


@FEWER
@given(snapshot=any_snapshots())
def test_what_the_owner_wants_is_wanted_once(snapshot: Snapshot) -> None:
    """With the steps of an answer taken as done, the same rule has nothing more to say."""
    decision = decide(snapshot, now=NOW)
    if decision.verdict is Verdict.OWNER:
        assert decide(as_if(snapshot, decision.steps, now=NOW), now=NOW).rule != decision.rule


@pytest.mark.parametrize(
    ("voice", "percent", "plan"),
    [
        (_unwanted(), 92.0, [OFF_BY_OWNER, ANDROID_GOES]),
        (_spent(), 92.0, [OFF_BY_BUDGET, ANDROID_GOES]),
        (_spent(BudgetState.APPROACHING), 88.0, [DOWN_BY_BUDGET, THEN_OFF]),
        (_unwanted(), 85.0, [OFF_BY_OWNER]),
        (_unwanted(), 60.0, [OFF_BY_OWNER]),
        (_unwanted(), None, [OFF_BY_OWNER]),
    ],
)  # fmt: skip
def test_what_memory_asks_for_is_shown_beside_what_the_owner_asks_for(
    voice: Member, percent: float | None, plan: list[Line]
) -> None:
    """Voice frees 10 % (6 where it is lowered): only what is still too much then is taken from others, too."""
    android = make_member("android", 8.0, priority=20)
    assert _lines(rehearse(make_snapshot(percent, voice, android), now=NOW)) == plan


def test_an_owner_and_a_budget_and_memory_each_have_their_turn() -> None:
    """Three rules, one after the other; each says what it takes as done."""
    android = make_member("android", 8.0, priority=20, allowance=make_allowance())
    discord, stubs = make_member("discord", 5.0, priority=30), make_member("stubs", essential=True)
    foreseen = make_forecast(99.0, half=0.1)
    found = rehearse(make_snapshot(94.0, _unwanted(), android, discord, stubs, forecast=foreseen), now=NOW)
    assert [(each.rule, each.steps[0].name, each.message.partition(": ")[0]) for each in found.in_turn] == [
        ("owners_wish", "voice", "its owner wants it off (spec.enabled"),
        ("over_budget", "android", "once voice is off"),
        ("forecast_above", "discord", "once voice and android are off"),
    ]
    assert found.in_turn[2].message.startswith("once voice and android are off: RAM 76.0 % now and 81.0 %")


def test_a_leak_that_would_be_off_leaks_no_more() -> None:
    """What it would have grown until the horizon is no reason to take anybody else."""
    leak = replace(_unwanted(), footprints=(replace(_unwanted().footprint(0), drift_bytes_per_s=1e7),))
    android = make_member("android", 8.0, priority=20)
    seen = make_snapshot(70.0, leak, android, forecast=make_forecast(81.0, half=0.1))
    grown = replace(seen.outlook, growth_percent=3.0, growth_percent_per_s=0.01)
    after = as_if(replace(seen, outlook=grown), decide(seen, now=NOW).steps, now=NOW)
    assert after.outlook.growth_percent == pytest.approx(3.0 - 100.0 * 300.0 * 1e7 / (seen.outlook.limit_bytes or 0))
    assert after.outlook.total is not None
    assert after.outlook.total.value < 71.0
    assert after.by_key["voice"].observed.presence is Presence.STOPPED

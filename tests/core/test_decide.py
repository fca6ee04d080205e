"""The rules in their order: which one answers, and that unknown is never read as low."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Reason
from brownout.core.decide import RULES, decide, within_limits
from brownout.core.member import BUDGET_REASONS, OWNERS_REASONS, Member, Presence
from brownout.core.outlook import look_out
from brownout.core.plan import Action, Step, Verdict
from brownout.core.settle import Pending
from brownout.core.snapshot import Snapshot
from tests.builders import make_policy
from tests.core.drawn import AROUND_80, FEWER, PROMISED, UNKNOWN_PERCENT, any_snapshots, tidy_members, tidy_snapshots
from tests.worlds import NOW, POLICY, make_forecast, make_hold, make_member, make_panel, make_sample, make_snapshot
from tests.worlds import the_four as four

CALM = NOW - 86_400.0
SHEDS = (Verdict.SHED, Verdict.EMERGENCY)


def _names(steps: Sequence[Step]) -> list[str]:
    return [step.name for step in steps]


def _not_owners(steps: Sequence[Step]) -> list[Step]:
    """Give the steps that are not the owner's own wish, said in a spec or in its budget."""
    return [step for step in steps if step.reason not in (*OWNERS_REASONS, *BUDGET_REASONS)]


@pytest.mark.parametrize(
    ("percent", "verdict", "gone"),
    [
        (64.9, Verdict.HOLD, []),
        (65.0, Verdict.HOLD, []),
        (65.1, Verdict.HOLD, []),
        (79.9, Verdict.HOLD, []),
        (80.0, Verdict.SHED, ["voice"]),
        (80.1, Verdict.SHED, ["voice"]),
        (94.9, Verdict.SHED, ["voice", "android"]),
        (95.0, Verdict.EMERGENCY, ["voice", "android", "discord"]),
        (95.1, Verdict.EMERGENCY, ["voice", "android", "discord"]),
        (130.0, Verdict.EMERGENCY, ["voice", "android", "discord"]),
    ],
)
def test_at_each_threshold_to_the_tenth(percent: float, verdict: Verdict, gone: list[str]) -> None:
    """At or above counts: 80.0 sheds and 95.0 is an emergency; a budget smaller than what is in use is one too."""
    decision = decide(make_snapshot(percent, *four()), now=NOW)
    assert (decision.verdict, _names(decision.steps)) == (verdict, gone)


@pytest.mark.parametrize(("percent", "back"), [(64.9, ["voice"]), (65.0, []), (65.1, []), (79.9, [])])
def test_only_below_enable_anything_returns(percent: float, back: list[str]) -> None:
    """64.9 brings back, 65.0 does not, when the sample says so too (requirement D1)."""
    calm = CALM if percent < 65.0 else None
    off = four(voice=make_member("voice", 12.0, priority=10, hold=make_hold()))
    assert _names(decide(make_snapshot(percent, *off, calm_since=calm), now=NOW).steps) == back


def test_at_the_threshold_it_says_at() -> None:
    """The sentence is exact where the figure is: 80 % is at 80 %, not over it."""
    snapshot = make_snapshot(80.0, *four())
    assert decide(snapshot, now=NOW).message == "RAM 80.0 %, at 80 %: disabled voice, which frees about 12 GiB"
    assert decide(replace(snapshot, outlook=make_snapshot(80.1).outlook), now=NOW).message.startswith(
        "RAM 80.1 %, over 80 %: disabled voice"
    )


@PROMISED
@given(snapshot=any_snapshots(), data=st.data())
def test_the_same_world_gives_the_same_decision(snapshot: Snapshot, data: st.DataObject) -> None:
    """Deciding is a function of its snapshot, in whatever order members are listed."""
    members = tuple(data.draw(st.permutations(snapshot.members)))
    assert decide(snapshot, now=NOW) == decide(replace(snapshot, members=members), now=NOW)


@PROMISED
@given(snapshot=any_snapshots())
def test_the_essential_is_never_lowered_nor_disabled(snapshot: Snapshot) -> None:
    """Nor is what it depends on, in any world, an emergency included; only its owner can (invariant I6)."""
    decision = decide(snapshot, now=NOW)
    for step in decision.steps:
        member = snapshot.by_key[step.key]
        assert not step.action.sheds or step.key not in snapshot.untouchable or not member.wanted


@PROMISED
@given(snapshot=any_snapshots())
def test_the_pinned_are_touched_by_an_emergency_alone(snapshot: Snapshot) -> None:
    """No threshold and no forecast lowers or disables them; what never ran may be held off until it fits."""
    decision = decide(snapshot, now=NOW)
    for step in _not_owners(decision.steps):
        member = snapshot.by_key[step.key]
        if step.action.sheds and member.integration.spec.pinned and member.running:
            assert decision.verdict is Verdict.EMERGENCY


@PROMISED
@given(snapshot=any_snapshots())
def test_what_the_owner_switched_off_is_never_brought_up(snapshot: Snapshot) -> None:
    """`enabled: false` is never overridden: its only steps lead down (invariant I10)."""
    for step in decide(snapshot, now=NOW).steps:
        assert snapshot.by_key[step.key].wanted or step.action is Action.DISABLE


@FEWER
@given(snapshot=any_snapshots())
def test_a_step_is_one_of_ours_and_the_only_one(snapshot: Snapshot) -> None:
    """Each member of ours has at most one step in a decision; another node's have none."""
    steps = decide(snapshot, now=NOW).steps
    assert len({step.key for step in steps}) == len(steps)
    assert all(snapshot.by_key[step.key].ours and step.message and step.reason in Reason for step in steps)


@PROMISED
@given(snapshot=any_snapshots(st.none()))
def test_unknown_sheds_nothing_and_restores_nothing(snapshot: Snapshot) -> None:
    """Without a measurement only the owner's wish is done, and the essential starts (invariant I9)."""
    decision = decide(snapshot, now=NOW)
    assert decision.verdict in (Verdict.HOLD, Verdict.OWNER, Verdict.START)
    for step in _not_owners(decision.steps):
        assert step.action is Action.START
        assert step.key in snapshot.untouchable


@pytest.mark.parametrize("percent", UNKNOWN_PERCENT)
@pytest.mark.parametrize("hold", [None, make_hold()])
def test_absurd_figures_are_held_on(percent: float | None, hold: Any) -> None:
    """NaN, infinities and negatives decide nothing, whether things run or are held off."""
    sample = replace(make_sample(50.0), memory_percent=percent)
    outlook = look_out(sample, make_panel("ramp 60..79 x60"), POLICY, now=NOW)
    members = four(voice=make_member("voice", 12.0, priority=10, hold=hold))
    snapshot = replace(make_snapshot(50.0, *members, calm_since=CALM), outlook=outlook)
    decision = decide(snapshot, now=NOW)
    assert (decision.verdict, decision.reason, decision.steps) == (Verdict.HOLD, Reason.METRICS_UNKNOWN, ())
    assert decision.message.startswith("RAM unknown (memory cannot be read)")


def test_a_stale_figure_is_held_on() -> None:
    """What was measured ten minutes ago is not what is."""
    outlook = look_out(make_sample(99.0, NOW - 600.0), make_panel("flat 99 x30"), POLICY, now=NOW)
    decision = decide(replace(make_snapshot(50.0, *four()), outlook=outlook), now=NOW)
    assert (decision.reason, decision.steps) == (Reason.METRICS_UNKNOWN, ())


@FEWER
@given(percent=st.floats(65.0, 79.99), members=tidy_members(known=False))
def test_between_the_thresholds_nothing_changes(percent: float, members: tuple[Member, ...]) -> None:
    """From 65 to under 80 % nothing that runs is touched (hysteresis, requirement D1)."""
    decision = decide(make_snapshot(percent, *members), now=NOW)
    assert (decision.steps, decision.reason) == ((), Reason.WITHIN_LIMITS)


@FEWER
@given(snapshot=tidy_snapshots(least=80.0, known=False))
def test_above_the_threshold_it_acts_while_it_can(snapshot: Snapshot) -> None:
    """At 80 % and over there is a plan as long as anybody may go; else it says that nobody is left."""
    decision = decide(snapshot, now=NOW)
    assert bool(decision.steps) is bool(snapshot.sheddable(emergency=False))
    assert decision.reason is Reason.ABOVE_THRESHOLD
    assert decision.steps or "nothing is left" in decision.message


@FEWER
@given(snapshot=tidy_snapshots(least=80.0))
def test_a_plan_leads_under_the_threshold(snapshot: Snapshot) -> None:
    """What a plan is expected to free brings the total under 80 %, or takes all that may go."""
    decision = decide(snapshot, now=NOW)
    freed = -sum(step.delta_bytes or 0 for step in decision.steps)
    after = (snapshot.outlook.measured_percent or 0.0) - snapshot.outlook.percent_of(freed)
    gone = {step.key for step in decision.steps if step.action is Action.DISABLE}
    assert after < 80.0 + 1e-9 or gone == {member.key for member in snapshot.sheddable(emergency=False)}


@PROMISED
@given(
    members=tidy_members(),
    value=AROUND_80 | st.floats(0.0, 120.0),
    half=st.floats(0.0, 7.5),
    percent=st.floats(0.0, 79.9),
)
def test_a_wider_band_never_sheds_earlier(
    members: tuple[Member, ...], value: float, half: float, percent: float
) -> None:
    """A less certain forecast takes nobody that a certain one would not; without its vote it takes nobody."""
    certain = decide(make_snapshot(percent, *members, forecast=make_forecast(value, half=0.0)), now=NOW)
    less = decide(make_snapshot(percent, *members, forecast=make_forecast(value, half=half)), now=NOW)
    silent = make_forecast(value, half=half).silenced("its band is too wide")
    assert set(_names(less.steps)) <= set(_names(certain.steps))
    assert decide(make_snapshot(percent, *members, forecast=silent), now=NOW).steps == ()


@FEWER
@given(snapshot=any_snapshots(), value=st.floats(0.0, 200.0))
def test_a_forecast_without_a_vote_changes_nothing(snapshot: Snapshot, value: float) -> None:
    """The steps are those of a world without any forecast (requirement F4)."""
    silent, none = (
        replace(snapshot, outlook=replace(snapshot.outlook, total=total))
        for total in (make_forecast(value, votes=False), None)
    )
    first, second = decide(silent, now=NOW), decide(none, now=NOW)
    assert (first.steps, first.verdict, first.reason, first.message) == (
        second.steps,
        second.verdict,
        second.reason,
        second.message,
    )


def test_it_acts_before_it_is_there() -> None:
    """A forecast that votes and reaches 80 % sheds now, and says both figures with the band."""
    decision = decide(make_snapshot(78.9, *four(), forecast=make_forecast(84.1, half=2.1)), now=NOW)
    assert (decision.reason, _names(decision.steps)) == (Reason.FORECAST_ABOVE_THRESHOLD, ["voice"])
    assert decision.message.startswith("RAM 78.9 % now and 84.1 % (82.0 to 86.2) in 5 min, over 80 %: disabled voice")


@pytest.mark.parametrize(("half", "auto"), [(2.0, True), (2.1, False), (7.0, False)])
def test_only_a_sure_forecast_acts_unless_its_line_is_pinned(half: float, auto: bool) -> None:  # noqa: FBT001 - a table
    """With Auto the whole band must lie at 80 % or over; a pinned line is taken at its word (requirement F1)."""
    linear = make_policy(forecast={"model": "Linear"}).spec
    for policy, acts in ((POLICY, auto), (linear, True)):
        snapshot = make_snapshot(78.9, *four(), forecast=make_forecast(82.0, half=half), policy=policy)
        assert bool(decide(snapshot, now=NOW).steps) is acts


def test_what_is_measured_outranks_what_is_foreseen() -> None:
    """At 85 % it is the 85 that counts, though it will be lower or higher soon; no forecast makes an emergency."""
    decision = decide(make_snapshot(85.0, *four(), forecast=make_forecast(99.0)), now=NOW)
    assert (decision.reason, _names(decision.steps)) == (Reason.ABOVE_THRESHOLD, ["voice"])


@PROMISED
@given(snapshot=any_snapshots(st.floats(0.0, 94.9)))
def test_while_a_step_settles_nobody_else_goes(snapshot: Snapshot) -> None:
    """Memory comes back late (kubernetes 31362): until it has, or has had its time, only the owner is obeyed."""
    pending = Pending(key="a", rung=0, at=NOW - 10, deadline=NOW + 20, used_before_bytes=1, expected_bytes=1)
    for waiting in (replace(snapshot, pending=pending), replace(snapshot, in_flight=frozenset({"a"}))):
        decision = decide(waiting, now=NOW)
        assert _not_owners(decision.steps) == []
        assert not decision.steps or decision.verdict is Verdict.OWNER


def test_an_emergency_waits_for_nothing() -> None:
    """Neither a step that settles nor one under way holds it up (kubernetes 123872)."""
    pending = Pending(key="voice", rung=0, at=NOW, deadline=NOW + 30, used_before_bytes=1, expected_bytes=1)
    snapshot = make_snapshot(96.0, *four(), pending=pending, in_flight=frozenset({"voice"}))
    assert _names(decide(snapshot, now=NOW).steps) == ["voice", "android", "discord"]


def test_with_everything_off_an_emergency_has_nothing_left() -> None:
    """All gone and still 97 %: it says so, and repeats no step."""
    off = {name: make_member(name, 5.0, hold=make_hold()) for name in ("voice", "android", "discord")}
    decision = decide(make_snapshot(97.0, *four(**off)), now=NOW)
    assert (decision.verdict, decision.steps) == (Verdict.EMERGENCY, ())
    assert decision.message == "RAM 97.0 %, over 95 %: emergency, and nothing is left to disable"


def test_every_decision_names_its_rule_and_its_numbers() -> None:
    """The audit log needs the rule, the figures, the witness and the model (requirement D7)."""
    decision = decide(make_snapshot(78.9, *four(), forecast=make_forecast(84.1, half=2.1)), now=NOW)
    assert decision.rule == "forecast_above"
    assert decision.numbers["memory_percent"] == 78.9
    assert decision.numbers["witness"] == "MemAvailable"
    assert (decision.numbers["model"], decision.numbers["votes"]) == ("linear-regression", "yes")
    endless = replace(make_forecast(50.0, votes=False), upper=math.inf)
    assert decide(make_snapshot(50.0, forecast=endless), now=NOW).numbers["upper_percent"] is None


def test_the_last_rule_always_answers() -> None:
    """Holding is an answer, and the list ends with it."""
    assert RULES[-1] is within_limits
    decision = decide(make_snapshot(50.0), now=NOW)
    assert (decision.holds, decision.message) == (True, "RAM 50.0 %, under 80 %")


@pytest.mark.parametrize("percent", [None, 50.0, 85.0, 94.0])
def test_the_essential_starts_whatever_the_load(percent: float | None) -> None:
    """On a full box, or a blind one, what must run is started all the same, once nobody else can give way."""
    stubs = make_member("stubs", 1.0, essential=True, presence=Presence.STOPPED)
    decision = decide(make_snapshot(percent, stubs), now=NOW)
    assert [(step.name, step.action) for step in decision.steps] == [("stubs", Action.START)]
    under_way = make_snapshot(percent, stubs, in_flight=frozenset({"stubs"}))
    assert decide(under_way, now=NOW).steps == ()

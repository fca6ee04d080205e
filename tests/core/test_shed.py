"""Shedding: enough, no more than that, in order, lowering before disabling."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Reason
from brownout.core.footprint import Footprint, Source
from brownout.core.member import Member, Presence
from brownout.core.plan import Action, Step
from brownout.core.shed import shed, shed_all, step_down
from brownout.core.snapshot import Snapshot
from tests.core.drawn import FEWER, PROMISED, any_snapshots, tidy_snapshots
from tests.worlds import bytes_of, make_hold, make_member, make_snapshot, the_four

NEED = st.floats(0.0, 60.0)


def _shed(snapshot: Snapshot, need_percent: float) -> tuple[Step, ...]:
    return shed(snapshot, need_bytes=bytes_of(need_percent), reason=Reason.ABOVE_THRESHOLD, because="RAM 90.0 %")


def _told(steps: Sequence[Step]) -> list[str]:
    return [f"{step.action} {step.name}{f' to {step.level}' if step.level else ''}" for step in steps]


def _freed(snapshot: Snapshot, targets: dict[str, int]) -> int:
    return sum(snapshot.by_key[key].frees_bytes(rung) or 0 for key, rung in targets.items())


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        (0.0, ["Disable voice"]),
        (11.9, ["Disable voice"]),
        (12.0, ["Disable voice", "Disable android"]),
        (24.9, ["Disable voice", "Disable android", "Disable discord"]),
        (90.0, ["Disable voice", "Disable android", "Disable discord"]),
    ],
)
def test_it_takes_as_many_as_are_needed(need: float, expected: list[str]) -> None:
    """The expected total must come under the threshold, not just onto it; the essential is never in the plan."""
    assert _told(_shed(make_snapshot(90.0, *the_four()), need)) == expected


def test_everybody_gives_a_little_before_anybody_gives_all() -> None:
    """Lowering comes before disabling, one level a round, the least important first in each round."""
    voice = make_member("voice", (12.0, 8.0, 4.0), priority=10, measured=True)
    android = make_member("android", (8.0, 6.0), priority=20, measured=True)
    snapshot = make_snapshot(90.0, voice, android)
    assert _told(_shed(snapshot, 3.9)) == ["Lower voice to level-1"]
    assert _told(_shed(snapshot, 5.9)) == ["Lower voice to level-1", "Lower android to level-1"]
    assert _told(_shed(snapshot, 9.9)) == ["Lower voice to level-2", "Lower android to level-1"]
    assert _told(_shed(snapshot, 13.9)) == ["Lower android to level-1", "Disable voice"]
    assert _told(_shed(snapshot, 19.9)) == ["Disable voice", "Disable android"]


@FEWER
@given(snapshot=tidy_snapshots(), need=NEED)
def test_never_one_step_more_than_needed(snapshot: Snapshot, need: float) -> None:
    """Without its last step down a plan would not have been enough; with it, it is, or nothing is left."""
    steps = _shed(snapshot, need)
    targets = {step.key: step.to_rung for step in steps}
    if not steps:
        assert snapshot.sheddable(emergency=False) == ()
        return
    enough = _freed(snapshot, targets) > bytes_of(need)
    everything = {member.key: member.ladder.off for member in snapshot.sheddable(emergency=False)}
    assert enough or targets == everything
    assert _freed(snapshot, _without_last(snapshot, targets)) <= bytes_of(need)


def _without_last(snapshot: Snapshot, targets: dict[str, int]) -> dict[str, int]:
    """Take back the last single step down: the last one switched off, else the last of the deepest round."""
    order = [member for member in snapshot.order if member.key in targets]
    off = [member for member in order if targets[member.key] >= member.ladder.off]
    last = off[-1] if off else max(order, key=lambda member: (targets[member.key], order.index(member)))
    rung = last.ladder.lowest if off else targets[last.key] - 1
    return {key: target for key, target in {**targets, last.key: rung}.items() if target > snapshot.by_key[key].rung}


@PROMISED
@given(snapshot=tidy_snapshots(known=False), need=NEED)
def test_what_goes_off_is_a_prefix_of_the_order(snapshot: Snapshot, need: float) -> None:
    """Of those that may go, nobody goes off while one before it in the order stays (invariant I5)."""
    off = {step.key for step in _shed(snapshot, need) if step.action is Action.DISABLE}
    order = [member.key for member in snapshot.sheddable(emergency=False)]
    assert set(order[: len(off)]) == off


@FEWER
@given(snapshot=tidy_snapshots(known=False), need=NEED)
def test_nobody_goes_off_while_another_could_be_lowered(snapshot: Snapshot, need: float) -> None:
    """Once anybody is switched off, everybody else stands at the lowest level."""
    steps = _shed(snapshot, need)
    targets = {step.key: step.to_rung for step in steps}
    if any(step.action is Action.DISABLE for step in steps):
        for member in snapshot.sheddable(emergency=False):
            assert targets.get(member.key, member.rung) >= member.ladder.lowest


@FEWER
@given(snapshot=tidy_snapshots(known=False), need=NEED)
def test_dependents_go_off_before_what_they_need(snapshot: Snapshot, need: float) -> None:
    """Nothing that runs, pinned or not, loses what it depends on; in the plan it goes first."""
    off = [step.key for step in _shed(snapshot, need) if step.action is Action.DISABLE]
    for member in snapshot.members:
        for needed in set(member.needs) & set(off):
            assert member.key in off
            assert off.index(member.key) < off.index(needed)


@FEWER
@given(snapshot=any_snapshots(), need=NEED)
def test_a_plan_only_goes_down(snapshot: Snapshot, need: float) -> None:
    """In any world each member has at most one step, downwards, with its reason and its sentence."""
    for steps in (_shed(snapshot, need), shed_all(snapshot, reason=Reason.EMERGENCY, because="RAM 96.0 %")):
        assert len({step.key for step in steps}) == len(steps)
        for step in steps:
            assert step.from_rung < step.to_rung
            assert step.action is (Action.DISABLE if step.level == "" and step.to_rung else Action.LOWER)
            assert step.message
            assert step.delta_bytes is None or step.delta_bytes <= 0


@PROMISED
@given(snapshot=any_snapshots(), need=NEED)
def test_the_protected_and_the_pinned_are_left_alone(snapshot: Snapshot, need: float) -> None:
    """The essential and what it needs never go; the pinned go in an emergency alone (invariant I6)."""
    planned = {step.key for step in _shed(snapshot, need)}
    at_once = {step.key for step in shed_all(snapshot, reason=Reason.EMERGENCY, because="RAM 96.0 %")}
    assert not (planned | at_once) & snapshot.untouchable
    assert not [key for key in planned if snapshot.by_key[key].integration.spec.pinned]


@FEWER
@given(snapshot=tidy_snapshots(known=False))
def test_an_emergency_takes_everything_else(snapshot: Snapshot) -> None:
    """At 95 % all but the essential and what it needs goes off in one plan, the pinned too (requirement D3)."""
    steps = shed_all(snapshot, reason=Reason.EMERGENCY, because="RAM 96.0 %")
    assert {step.key for step in steps} == {member.key for member in snapshot.members} - snapshot.untouchable
    assert {step.action for step in steps} <= {Action.DISABLE}


def test_an_emergency_takes_what_it_can_give_back() -> None:
    """One that is about to start goes too, and one whose last stop failed; what another hand holds at zero does not."""
    about_to_start = make_member("voice", presence=Presence.STOPPED)
    stuck = make_member("android", resting=True)
    alien = make_member("discord", presence=Presence.STOPPED, observation={"resumable": False})
    snapshot = make_snapshot(96.0, about_to_start, stuck, alien)
    steps = shed_all(snapshot, reason=Reason.EMERGENCY, because="x")
    assert [step.name for step in steps] == ["android", "voice"]


def test_what_nobody_knows_ends_the_plan() -> None:
    """A step whose effect is not known is looked at before anybody else has to go."""
    voice, android = make_member("voice", None, priority=10), make_member("android", 8.0, priority=20)
    (step,) = _shed(make_snapshot(90.0, voice, android), 30.0)
    assert (step.name, step.delta_bytes) == ("voice", None)
    assert step.message == "RAM 90.0 %: disabled voice; what it frees is not known yet"


def _guessed(name: str, priority: int) -> Member:
    guess = Footprint(steady_bytes=bytes_of(5.0), peak_bytes=bytes_of(5.0), source=Source.FIRST_GUESS)
    return replace(make_member(name, 5.0, priority=priority), footprints=(guess,))


def test_what_is_only_guessed_goes_alone() -> None:
    """Of two guesses in one plan nothing could be learned; what is measured goes on together."""
    first, second, sure = _guessed("a", 1), _guessed("b", 2), make_member("c", 5.0, priority=0, measured=True)
    assert _told(_shed(make_snapshot(90.0, first, second), 9.0)) == ["Disable a"]
    assert _told(_shed(make_snapshot(90.0, sure, first, second), 9.0)) == ["Disable c"]
    measured = replace(first, observed=replace(first.observed, memory_bytes=bytes_of(5.0)))
    assert _told(_shed(make_snapshot(90.0, measured, sure), 9.0)) == ["Disable c", "Disable a"]
    everybody = shed_all(make_snapshot(96.0, first, second), reason=Reason.EMERGENCY, because="x")
    assert _told(everybody) == ["Disable a", "Disable b"]


def test_what_is_measured_now_counts_not_what_was() -> None:
    """A member that has grown frees what it holds now."""
    grown = make_member("voice", 10.0, observation={"memory_bytes": bytes_of(30.0)})
    assert grown.frees_bytes(1) == bytes_of(30.0)
    assert step_down(grown, 1, reason=Reason.ABOVE_THRESHOLD, because="x").delta_bytes == -bytes_of(30.0)


def test_who_stands_still_frees_nothing() -> None:
    """A member that has just failed holds nothing, so the next one has to go too."""
    failed = make_member("voice", 12.0, priority=10, presence=Presence.FAILED)
    steps = _shed(make_snapshot(90.0, failed, make_member("android", 8.0, priority=20)), 5.0)
    assert [(step.name, step.delta_bytes) for step in steps] == [("voice", 0), ("android", -bytes_of(8.0))]


def test_a_lowered_member_goes_on_from_where_it_stands() -> None:
    """From its second level it goes to the third, then off; what it has given is not counted again."""
    voice = make_member("voice", (12.0, 8.0, 4.0), hold=make_hold(1), measured=True)
    snapshot = make_snapshot(90.0, voice)
    assert [(step.from_rung, step.to_rung, step.delta_bytes) for step in _shed(snapshot, 3.0)] == [
        (1, 2, -bytes_of(4.0))
    ]
    assert [(step.from_rung, step.to_rung, step.delta_bytes) for step in _shed(snapshot, 5.0)] == [
        (1, 3, -bytes_of(8.0))
    ]


def test_who_rests_after_a_failure_is_passed_over() -> None:
    """A stop that has just failed is not tried again at once; what it depends on stays under it all the same."""
    queue = make_member("queue", 5.0, priority=1)
    stuck = replace(make_member("shop", 5.0, priority=1, depends_on=["queue"]), resting=True)
    other = make_member("game", 5.0, priority=50)
    assert _told(_shed(make_snapshot(90.0, queue, stuck, other), 3.0)) == ["Disable game"]


def test_what_the_pinned_needs_is_left_alone_too() -> None:
    """The planner takes nothing from under a pinned member; an emergency does, in order."""
    members: tuple[Member, ...] = (
        make_member("queue", 5.0, priority=1),
        make_member("shop", 5.0, priority=1, pinned=True, depends_on=["queue"]),
    )
    snapshot = make_snapshot(90.0, *members)
    assert _shed(snapshot, 3.0) == ()
    assert _told(shed_all(snapshot, reason=Reason.EMERGENCY, because="x")) == ["Disable shop", "Disable queue"]


def test_the_sentence_says_what_it_frees() -> None:
    """Why, with the numbers, and what is expected of it."""
    (step,) = _shed(make_snapshot(90.0, make_member("voice", 12.0)), 1.0)
    assert step.message == "RAM 90.0 %: disabled voice, which frees about 12 GiB"

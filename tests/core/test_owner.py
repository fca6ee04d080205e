"""The owner's own wishes: off is off, and what is wanted starts as far as it fits."""

from dataclasses import replace

import pytest
from hypothesis import given

from brownout.api.reasons import Reason
from brownout.core.decide import decide
from brownout.core.member import Member, Presence
from brownout.core.owner import first_starts, switched_off
from brownout.core.plan import Action, Verdict
from brownout.core.restore import SURE_TO_FIT
from brownout.core.snapshot import Snapshot
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, make_hold, make_member, make_snapshot, the_four


def _stopped(*members: Member) -> tuple[Member, ...]:
    stopped = (replace(one, observed=replace(one.observed, presence=Presence.STOPPED)) for one in members)
    return tuple(stopped)


@pytest.mark.parametrize("percent", [None, 10.0, 70.0, 85.0, 97.0])
def test_what_its_owner_switched_off_goes_at_any_load(percent: float | None) -> None:
    """No measurement is needed to obey; in an emergency it goes with the others."""
    decision = decide(make_snapshot(percent, make_member("voice", enabled=False)), now=NOW)
    assert [(step.name, step.action, step.reason) for step in decision.steps] == [
        ("voice", Action.DISABLE, Reason.DISABLED_BY_OWNER)
    ]


def test_the_owner_may_switch_off_the_essential() -> None:
    """Protection is against pressure, not against the owner."""
    (step,) = switched_off(make_snapshot(50.0, make_member("stubs", essential=True, enabled=False)))
    assert step.reason is Reason.DISABLED_BY_OWNER


def test_who_loses_a_dependency_goes_along() -> None:
    """A dependency that is off on purpose takes its dependents with it; the essential stays all the same."""
    off = make_member("queue", enabled=False, presence=Presence.STOPPED)
    shop, stubs = make_member("shop", depends_on=["queue"]), make_member("stubs", essential=True, depends_on=["queue"])
    steps = switched_off(make_snapshot(50.0, off, shop, stubs))
    assert [(step.name, step.reason) for step in steps] == [("shop", Reason.DEPENDENCY_DISABLED)]
    assert "queue" in steps[0].message


def test_what_it_requires_by_its_own_word_takes_nobody_along() -> None:
    """Unlike its owner's word: it may do some of its work without, and says what it lacks."""
    off = make_member("queue", enabled=False, presence=Presence.STOPPED)
    shop = make_member("shop", observation={"requires": ("queue",)}, depends_on=["mail"])
    assert shop.needs == ("mail", "queue")
    assert switched_off(make_snapshot(50.0, off, make_member("mail"), shop)) == ()


@pytest.mark.parametrize("presence", [Presence.UNKNOWN, Presence.STARTING, Presence.FAILED, Presence.STOPPED])
def test_a_dependency_that_only_ails_takes_nobody_along(presence: Presence) -> None:
    """Slow, unseen or failing is not switched off."""
    members = (make_member("queue", presence=presence), make_member("shop", depends_on=["queue"]))
    assert switched_off(make_snapshot(50.0, *members)) == ()


def test_in_an_emergency_nobody_is_told_twice() -> None:
    """Who has lost a dependency and has to go anyway gets one step."""
    members = (make_member("queue", enabled=False), make_member("shop", depends_on=["queue"]))
    decision = decide(make_snapshot(96.0, *members), now=NOW)
    assert (decision.verdict, sorted(step.name for step in decision.steps)) == (Verdict.EMERGENCY, ["queue", "shop"])


def test_the_most_important_starts_first() -> None:
    """What is wanted and stands still starts, the most important first, all that fit together."""
    decision = decide(make_snapshot(30.0, *_stopped(*the_four())), now=NOW)
    assert [(step.name, step.action) for step in decision.steps] == [
        (name, Action.START) for name in ("stubs", "discord", "android", "voice")
    ]


def test_what_does_not_fit_is_held_off() -> None:
    """It is put aside with its reason, and returns later like anything else."""
    decision = decide(make_snapshot(70.0, *_stopped(*the_four())), now=NOW)
    assert [(step.name, step.action, step.reason) for step in decision.steps] == [
        ("stubs", Action.START, Reason.WITHIN_LIMITS),
        ("discord", Action.START, Reason.WITHIN_LIMITS),
        ("android", Action.DISABLE, Reason.DOES_NOT_FIT),
        ("voice", Action.DISABLE, Reason.DOES_NOT_FIT),
    ]
    assert "with android, which takes up to 8 GiB, it would be 84.0 %, not under 80 %" in decision.steps[2].message


def test_dependents_start_after_what_they_need() -> None:
    """In one plan the dependency comes first; without it nobody starts who needs it."""
    queue, shop = _stopped(make_member("queue", priority=1), make_member("shop", priority=9, depends_on=["queue"]))
    assert [step.name for step in first_starts(make_snapshot(30.0, shop, queue))] == ["queue", "shop"]
    assert first_starts(make_snapshot(30.0, shop)) == ()


def test_a_dependency_on_another_node_is_started_there() -> None:
    """Of another node's we believe its agent's status, and start what needs it when that says it serves."""
    (shop,) = _stopped(make_member("shop", depends_on=["queue"]))
    for state, started in (("Enabled", ["shop"]), ("Pending", [])):
        far = make_member("queue", ours=False, presence=Presence.UNKNOWN, status={"state": state})
        assert [step.name for step in first_starts(make_snapshot(30.0, shop, far))] == started


def test_who_was_held_by_the_owner_starts_again_at_once() -> None:
    """Wanted again, it waits for no calm; who is held by pressure does."""
    owner, pressure = make_hold(reason=Reason.DISABLED_BY_OWNER), make_hold()
    assert first_starts(make_snapshot(70.0, make_member("voice", 5.0, hold=owner)))[0].action is Action.START
    assert first_starts(make_snapshot(30.0, make_member("voice", 5.0, hold=pressure))) == ()


def test_what_runs_as_its_spec_no_longer_says_is_started_anew() -> None:
    """An edited command is started again on the rung where it stands; what we hold off stays off."""
    edited = make_member("voice", (12.0, 6.0), hold=make_hold(1), observation={"outdated": True})
    (step,) = first_starts(make_snapshot(70.0, edited))
    assert (step.action, step.from_rung, step.to_rung, step.level) == (Action.START, 1, 1, "level-1")
    leaving = make_member("voice", hold=make_hold(), presence=Presence.RUNNING, observation={"outdated": True})
    assert first_starts(make_snapshot(70.0, leaving)) == ()


def test_who_cannot_be_resumed_is_left_alone() -> None:
    """A Deployment that somebody scaled to zero tells nobody what to return it to, unless we did it ourselves."""
    alien = make_member("shop", presence=Presence.STOPPED, observation={"resumable": False})
    assert first_starts(make_snapshot(30.0, alien)) == ()
    ours = replace(make_hold(reason=Reason.DISABLED_BY_OWNER), replicas_before=2)
    assert len(first_starts(make_snapshot(30.0, replace(alien, hold=ours)))) == 1


def test_what_fails_and_was_edited_starts_where_it_fits() -> None:
    """It holds nothing yet, so its start is a start like any: one that does not fit is held off, and comes back."""
    mended = make_member("voice", 12.0, presence=Presence.FAILED, observation={"outdated": True})
    (start,) = first_starts(make_snapshot(60.0, mended))
    assert (start.action, start.to_rung) == (Action.START, 0)
    (held,) = first_starts(make_snapshot(70.0, mended))
    assert (held.action, held.reason, held.to_rung) == (Action.DISABLE, Reason.DOES_NOT_FIT, 1)
    essential = make_member("stubs", 12.0, essential=True, presence=Presence.FAILED, observation={"outdated": True})
    assert first_starts(make_snapshot(70.0, essential))[0].action is Action.START


def test_what_is_declared_badly_starts_as_last_declared_well() -> None:
    """A file that was broken while nothing ran takes nothing away: after a restart its last good version starts."""
    (refused,) = _stopped(make_member("voice", 12.0, accepted=False))
    (start,) = first_starts(make_snapshot(50.0, refused))
    assert (start.name, start.action) == ("voice", Action.START)


@FEWER
@given(snapshot=any_snapshots())
def test_starts_fit_together(snapshot: Snapshot) -> None:
    """In any world what is started beside the essential fits, all of it at once, at its highest."""
    steps = [step for step in first_starts(snapshot) if step.from_rung > step.to_rung]
    used = snapshot.outlook.top_percent(SURE_TO_FIT[snapshot.policy.restore.strategy])
    taken = 0
    for step in steps:
        member = snapshot.by_key[step.key]
        assert member.wanted
        assert not member.resting
        taken += step.delta_bytes or 0
        if step.key not in snapshot.untouchable:
            assert used is not None
            assert used + snapshot.outlook.percent_of(taken) < 80.0

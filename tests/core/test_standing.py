"""The status of an integration: quiet where nothing changes, and the same reason everywhere."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from brownout.api.problems import Problem
from brownout.api.reasons import ConditionStatus, ConditionType, Health, Reason, State
from brownout.api.status import Condition, IntegrationStatus
from brownout.core.breaker import Breaker
from brownout.core.decide import decide
from brownout.core.footprint import Source
from brownout.core.health import HealthRecord, Wellbeing
from brownout.core.instant import to_rfc3339
from brownout.core.ledger import Said
from brownout.core.member import UNSEEN, Member, Presence
from brownout.core.quiet import quiet
from brownout.core.snapshot import Snapshot
from brownout.core.standing import Standing, rejected_status, status_of
from brownout.core.table import integration_table
from tests.builders import make_integration
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, bytes_of, make_footprint, make_hold, make_member, make_snapshot

LATER = NOW + 3600.0


def _standing(member: Member, snapshot: Snapshot | None = None, **rest: Any) -> Standing:
    snapshot = snapshot or make_snapshot(50.0, member)
    given_: dict[str, Any] = {"said": None, "previous": IntegrationStatus(), "in_flight": False, **rest}
    return Standing(member=member, snapshot=snapshot, decision=decide(snapshot, now=NOW), **given_)


def _status(member: Member, snapshot: Snapshot | None = None, **rest: Any) -> IntegrationStatus:
    return status_of(_standing(member, snapshot, **rest), now=NOW)


def _said(**rest: Any) -> Said:
    return Said(**{"at": NOW - 60, "reason": Reason.ABOVE_THRESHOLD, "message": "disabled voice", "id": 7, **rest})


def _condition(status: IntegrationStatus, kind: ConditionType) -> Condition:
    return next(one for one in status.conditions if one.type is kind)


@FEWER
@given(snapshot=any_snapshots())
def test_the_same_world_writes_nothing(snapshot: Snapshot) -> None:
    """An hour later, with nothing changed, the status is equal to the one before, in any world."""
    for member in snapshot.members:
        first = status_of(_standing(member, snapshot, said=_said()), now=NOW)
        again = replace(_standing(member, snapshot, said=_said()), previous=first)
        assert status_of(again, now=LATER) == first


@FEWER
@given(snapshot=any_snapshots())
def test_reasons_are_of_the_closed_list(snapshot: Snapshot) -> None:
    """Status and conditions say one of the reasons, and the state agrees with the condition Ready."""
    for member in snapshot.members:
        status = _status(member, snapshot)
        assert status.reason in tuple(Reason)
        assert {one.reason for one in status.conditions} <= {*Reason}
        ready = _condition(status, ConditionType.READY).status is ConditionStatus.TRUE
        assert ready is (status.state in (State.ENABLED, State.LOWERED))
        assert len({one.type for one in status.conditions}) == len(status.conditions) == len(ConditionType)


@FEWER
@given(snapshot=any_snapshots())
def test_a_status_goes_through_the_wire(snapshot: Snapshot) -> None:
    """What is written can be read back."""
    for member in snapshot.members:
        status = _status(member, snapshot, said=_said())
        assert IntegrationStatus.tolerant(status.model_dump(mode="json", by_alias=True)) is not None


@pytest.mark.parametrize(
    ("member", "state", "reason"),
    [
        (make_member(), State.ENABLED, Reason.WITHIN_LIMITS),
        (make_member(sizes=(9.0, 5.0), hold=make_hold(1)), State.LOWERED, Reason.ABOVE_THRESHOLD),
        (make_member(hold=make_hold()), State.DISABLED, Reason.ABOVE_THRESHOLD),
        (make_member(enabled=False, presence=Presence.STOPPED), State.DISABLED, Reason.DISABLED_BY_OWNER),
        (make_member(presence=Presence.STARTING), State.PENDING, Reason.STABILIZING),
        (make_member(presence=Presence.STOPPED), State.PENDING, Reason.STABILIZING),
        (make_member(presence=Presence.FAILED), State.FAILED, Reason.UNHEALTHY),
        (make_member(presence=Presence.MISSING), State.FAILED, Reason.WORKLOAD_MISSING),
        (make_member(presence=Presence.UNKNOWN), State.PENDING, Reason.STABILIZING),
        (
            make_member(presence=Presence.STOPPED, observation={"resumable": False}),
            State.DISABLED,
            Reason.DISABLED_BY_OWNER,
        ),
        (make_member(presence=Presence.STOPPED, depends_on=["queue"]), State.PENDING, Reason.DEPENDENCY_DISABLED),
    ],
)
def test_each_sight_has_its_word(member: Member, state: State, reason: Reason) -> None:
    """State and reason for all that can be seen of one integration."""
    status = _status(member)
    assert (status.state, status.reason) == (state, reason)


def test_what_pressure_keeps_from_starting_says_so_with_its_figures() -> None:
    """A box that starts while memory is short is not about to start anything; its figures do not move at each tick."""
    voice = make_member(presence=Presence.STOPPED)
    first = _status(voice, make_snapshot(84.1, voice))
    assert (first.state, first.reason) == (State.PENDING, Reason.ABOVE_THRESHOLD)
    assert first.message == "RAM 84.1 %: it starts when it fits under 80 %"
    assert _status(voice, make_snapshot(86.0, voice), previous=first).message == first.message
    assert _status(voice, make_snapshot(97.0, voice), previous=first).reason is Reason.EMERGENCY
    essential = make_member(presence=Presence.STOPPED, essential=True)
    assert _status(essential, make_snapshot(84.1, essential)).reason is Reason.STABILIZING


def test_what_is_not_seen_keeps_its_last_word() -> None:
    """A workload that could not be asked has not changed its state for that."""
    status = _status(make_member(presence=Presence.UNKNOWN), previous=IntegrationStatus(state=State.ENABLED))
    assert (status.state, status.health) == (State.ENABLED, Health.UNKNOWN)
    assert _condition(status, ConditionType.HEALTHY).status is ConditionStatus.UNKNOWN


def test_what_is_off_is_neither_healthy_nor_unhealthy() -> None:
    """What its last check found was true of a run that has ended, and is not shown beside the word Disabled."""
    for found in (Health.HEALTHY, Health.UNHEALTHY):
        checked = Wellbeing(record=HealthRecord(health=found, checks=5), breaker=Breaker())
        assert _status(make_member(), checked=checked).health is found
        assert _status(make_member(hold=make_hold()), checked=checked).health is Health.UNKNOWN


def test_memory_that_is_not_held_is_a_blank() -> None:
    """What sleeps until it is asked is measured to hold nothing: a `0` would read as a program of no size."""
    asleep, awake = (make_integration("voice", status={"memory": size}) for size in ("0", "12Mi"))
    header, row = integration_table([asleep], now=NOW).splitlines()
    assert row.split() == ["voice", str(asleep.spec.priority)]
    assert integration_table([awake], now=NOW).splitlines()[1].split()[-1] == "12Mi"
    assert "MEMORY" in header


def test_what_never_answered_is_not_about_to_start() -> None:
    """A unit on a machine without systemd waits for nothing that will end by itself; before the first look it may."""
    seen = {"detail": "System has not been booted with systemd"}
    status = _status(make_member(presence=Presence.UNKNOWN, observation=seen))
    assert (status.state, status.reason) == (State.PENDING, Reason.UNHEALTHY)
    assert status.message == "nobody can tell whether it runs: System has not been booted with systemd"
    fresh = make_member(presence=Presence.UNKNOWN, observation={"detail": UNSEEN.detail})
    assert _status(fresh).reason is Reason.STABILIZING


def test_before_memory_is_known_it_says_so() -> None:
    """What does not start for want of a measurement gives that as its reason."""
    member = make_member(presence=Presence.STOPPED)
    assert _status(member, make_snapshot(None, member)).reason is Reason.METRICS_UNKNOWN


def test_a_hold_says_why_and_until_when() -> None:
    """Held off by pressure it repeats what was said then, and what brings it back; by its owner it does not."""
    status = _status(make_member(hold=make_hold()))
    assert (status.message, status.level or "", status.hold and status.hold.off) == ("as it was said then", "", True)
    assert status.returns_when == "RAM below 65 % for 5 min and 10 GiB fits under 80 %"
    assert _condition(status, ConditionType.DEGRADED).status is ConditionStatus.TRUE
    assert _status(make_member(hold=make_hold(reason=Reason.DISABLED_BY_OWNER))).returns_when is None


def test_times_move_with_the_state_alone() -> None:
    """`since` is when state or level last changed; a figure that moves is no change."""
    first = _status(make_member(measured=True))
    grown = make_member(sizes=20.0, measured=True)
    second = status_of(_standing(grown, previous=first), now=LATER)
    assert (second.since, second.memory) == (to_rfc3339(NOW), bytes_of(20.0))
    third = status_of(_standing(make_member(hold=make_hold()), previous=second), now=LATER)
    assert third.since == to_rfc3339(LATER)
    ready = _condition(third, ConditionType.READY)
    assert (ready.status, ready.last_transition_time) == (ConditionStatus.FALSE, to_rfc3339(LATER))


@pytest.mark.parametrize(
    ("previous", "new", "shown"),
    [(None, 5, 5), (100, 110, 100), (100, 111, 111), (100, 90, 100), (100, 89, 89), (100, None, None), (0, 1, 1)],
)
def test_figures_move_by_a_tenth(previous: int | None, new: int | None, shown: int | None) -> None:
    """A process that breathes writes nothing."""
    assert quiet(previous, new) == shown


def test_a_failed_step_is_said() -> None:
    """What could not be carried out is the reason, with the fault, as long as anybody asks for it."""
    fault = _said(failed="it does not answer")
    status = _status(make_member(resting=True), said=fault)
    assert (status.reason, status.message) == (
        Reason.ACTUATION_FAILED,
        "voice could not be disabled: it does not answer",
    )
    assert _condition(status, ConditionType.STALLED).status is ConditionStatus.TRUE
    full = make_snapshot(85.0, make_member())
    assert _status(make_member(), full, said=fault).reason is Reason.ACTUATION_FAILED
    assert _status(make_member(), said=fault).reason is Reason.WITHIN_LIMITS


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("its owner wants it on: started voice", "its owner wants it on: voice could not be started: x"),
        ("RAM 84 %, over 80 %: lowered voice to small, which frees 1 GiB",
         "RAM 84 %, over 80 %: voice could not be lowered to small: x"),
        ("RAM 84 %: disabled voice; what it frees is not known yet", "RAM 84 %: voice could not be disabled: x"),
        ("it was done by hand", "it was done by hand; it failed: x"),
    ],
)  # fmt: skip
def test_what_failed_is_not_said_to_have_been_done(message: str, told: str) -> None:
    """Not `started voice; it failed`, which contradicts itself."""
    assert _status(make_member(resting=True), said=_said(message=message, failed="x")).message == told


@pytest.mark.parametrize(
    ("value", "shown"), [(84.06, 84.1), (-3.0, 0.0), (math.inf, None), (math.nan, None), (1e9, 1e6)]
)
def test_figures_fit_the_wire(value: float, shown: float | None) -> None:
    """A line that falls steeply foretells less than nothing, which is none; what is no number is left out."""
    status = _status(make_member(), said=_said(numbers={"forecast_percent": value}))
    assert status.last_decision is not None
    assert status.last_decision.forecast_percent == shown


def test_a_return_is_told_until_the_next_word() -> None:
    """Back again it says so, with the sentence of its return."""
    status = _status(make_member(), said=_said(reason=Reason.RESTORED, message="enabled voice again"))
    assert (status.reason, status.message) == (Reason.RESTORED, "enabled voice again")


def test_a_dry_run_says_what_it_would_do() -> None:
    """Nothing was done, and nobody is told otherwise (requirement D9)."""
    voice = make_member(hold=None)
    status = _status(voice, make_snapshot(85.0, voice), dry_run=True)
    assert (status.state, status.reason) == (State.ENABLED, Reason.DRY_RUN)
    assert (status.message or "").startswith("dry run, nothing was done: RAM 85.0 %, over 80 %: disabled voice")


def test_what_stays_because_nothing_may_take_its_place_says_so() -> None:
    """A new version that nobody trusts, or that cannot be read: it serves on, and its owner is told."""
    kept = make_member("voice", observation={"kept": "it is not trusted"})
    status = _status(kept)
    assert (status.state, status.reason) == (State.ENABLED, Reason.ACTUATION_FAILED)
    assert status.message == "runs as before, since what is there now cannot take its place: it is not trusted"
    assert _condition(status, ConditionType.STALLED).status is ConditionStatus.TRUE
    assert _condition(_status(make_member("voice")), ConditionType.STALLED).status is ConditionStatus.FALSE


def test_the_last_decision_carries_its_numbers() -> None:
    """Number, sentence, figures and model; without a new word the old one stays."""
    numbers = {"memory_percent": 84.1, "upper_percent": None, "model": "linear-regression", "witness": "MemAvailable"}
    status = _status(make_member(hold=make_hold()), said=_said(numbers=numbers, frees_bytes=5))
    last = status.last_decision
    assert last is not None
    assert (last.id, last.memory_percent, last.upper, last.model, last.frees) == (
        "7",
        84.1,
        None,
        "linear-regression",
        5,
    )
    assert _status(make_member(), previous=status).last_decision == last


def test_the_footprint_shown_is_of_the_level_it_stands_on() -> None:
    """Off, it is that of its best level: what it would take."""
    lowered = _status(make_member(sizes=(9.0, 5.0), hold=make_hold(1))).footprint
    off = _status(make_member(sizes=(9.0, 5.0), hold=make_hold(2))).footprint
    assert lowered is not None
    assert off is not None
    assert (lowered.steady, off.steady, off.source) == (bytes_of(5.0), bytes_of(9.0), Source.MEASURED)
    assert _status(make_member(sizes=None)).footprint is None
    assert make_footprint(None).known is False


def test_replicas_are_shown_while_they_must_be_remembered() -> None:
    """Running, it is what there is; held, what there was."""
    assert _status(make_member(observation={"replicas": 3})).replicas_before == 3
    held = make_member(hold=replace(make_hold(), replicas_before=3), observation={"replicas": 0})
    assert _status(held).replicas_before == 3


def test_what_is_refused_says_all_of_it() -> None:
    """An object that has never been valid is pending, stalled and not accepted, with every problem."""
    problems = tuple(
        Problem(path=path, value="'high'", allowed="must be a number") for path in ("spec.priority", "spec.x")
    )
    status = rejected_status(problems, IntegrationStatus(), now=NOW)
    assert (status.state, status.reason) == (State.PENDING, Reason.INVALID_SPEC)
    assert "spec.priority" in (status.message or "")
    assert "spec.x" in (status.message or "")
    assert rejected_status(problems, status, now=LATER) == status


def test_an_edit_that_is_refused_keeps_the_last_good_one() -> None:
    """It runs on as before; only the condition Accepted says what is wrong."""
    problems = (Problem(path="spec.priority", value="'high'", allowed="must be a number"),)
    status = _status(make_member(accepted=False), problems=problems)
    accepted = _condition(status, ConditionType.ACCEPTED)
    assert (status.state, accepted.status) == (State.ENABLED, ConditionStatus.FALSE)
    assert "must be a number" in accepted.message

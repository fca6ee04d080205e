"""Parting: what a status says once the controller has ended, and the program of it with the controller."""

from dataclasses import replace

import pytest
from hypothesis import given

from brownout.api.reasons import ConditionStatus, ConditionType, Reason, State
from brownout.api.status import IntegrationStatus
from brownout.core.decide import decide
from brownout.core.holding import hold_from
from brownout.core.instant import to_rfc3339
from brownout.core.member import Presence
from brownout.core.parting import known_before, parted
from brownout.core.snapshot import Snapshot
from brownout.core.standing import Standing, status_of
from tests.core.drawn import FEWER, any_snapshots
from tests.worlds import NOW, make_hold, make_member, make_snapshot

LATER = NOW + 60.0
KEPT = ("hold", "footprint", "levels", "level", "last_decision", "replicas_before", "budget", "returns_when", "node")


def _statuses(snapshot: Snapshot) -> list[IntegrationStatus]:
    decision = decide(snapshot, now=NOW)
    standings = (
        Standing(
            member=member,
            snapshot=snapshot,
            decision=decision,
            said=None,
            previous=IntegrationStatus(),
            in_flight=False,
        )
        for member in snapshot.members
    )
    return [status_of(standing, now=NOW) for standing in standings]


@FEWER
@given(snapshot=any_snapshots())
def test_what_must_outlive_a_restart_is_not_touched(snapshot: Snapshot) -> None:
    """In any world, whatever it did: hold, footprint, levels and the rest are those of before, also on the wire."""
    for status in _statuses(snapshot):
        after = parted(status, now=LATER)
        assert {name: getattr(after, name) for name in KEPT} == {name: getattr(status, name) for name in KEPT}
        read = IntegrationStatus.tolerant(after.model_dump(mode="json", by_alias=True))
        assert read is not None
        assert (read.state, read.message, read.hold) == (after.state, after.message, status.hold)
        assert parted(after, now=LATER) == after


@FEWER
@given(snapshot=any_snapshots())
def test_nothing_is_said_to_run(snapshot: Snapshot) -> None:
    """Nothing is Enabled or Lowered any more, and nothing that is not off holds memory or is well."""
    for status in _statuses(snapshot):
        after = parted(status, now=LATER)
        assert after.state not in (State.ENABLED, State.LOWERED)
        if after.state is State.PENDING:
            assert (after.memory, after.health, after.circuit) == (None, None, None)
            words = {each.type: each.status for each in after.conditions}
            assert words[ConditionType.READY] is ConditionStatus.FALSE
            assert words[ConditionType.HEALTHY] is ConditionStatus.UNKNOWN
            assert words.keys() == {each.type for each in status.conditions}


def test_what_ran_says_that_it_ended_and_since_when() -> None:
    """It is Pending, with the controller's end as its reason."""
    (status,) = _statuses(make_snapshot(50.0, make_member(measured=True)))
    after = parted(status, now=LATER)
    assert (after.state, after.reason, after.since) == (State.PENDING, Reason.STABILIZING, to_rfc3339(LATER))
    assert after.message == "the controller has ended, and its programs with it"


def test_what_waited_keeps_its_reason() -> None:
    """Memory kept it from starting, and its figures are told on; only what was about to start is not any more."""
    voice = make_member(presence=Presence.STOPPED)
    (short,) = _statuses(make_snapshot(84.1, voice))
    assert parted(short, now=LATER).message == short.message
    (near,) = _statuses(make_snapshot(50.0, voice))
    assert parted(near, now=LATER).message == "the controller has ended before this ran"


@pytest.mark.parametrize("presence", [Presence.STOPPED, Presence.FAILED])
def test_what_was_off_or_failed_stays_as_it_was_said(presence: Presence) -> None:
    """Nothing of it has ended."""
    hold = make_hold() if presence is Presence.STOPPED else None
    (status,) = _statuses(make_snapshot(50.0, make_member(presence=presence, hold=hold)))
    assert parted(status, now=LATER) == status


def test_a_hold_is_read_back_and_people_know_what_they_knew() -> None:
    """One that ran at a lower level is still held there, and was known to do what that level does."""
    member = make_member("voice", (12.0, 4.0), hold=make_hold(1))
    (status,) = _statuses(make_snapshot(50.0, member))
    after = parted(status, now=LATER)
    assert hold_from(after, member) == hold_from(status, member) == replace(make_hold(1), message="as it was said then")
    assert known_before(after) == known_before(status) == (State.LOWERED, status.level)
    (free,) = _statuses(make_snapshot(50.0, make_member()))
    assert known_before(parted(free, now=LATER)) == known_before(free) == (State.ENABLED, "")
    assert known_before(None) is None

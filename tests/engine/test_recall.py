"""Recalling: when the journal's word makes a hold of which the status says nothing, and when it must not."""

from typing import Any

import pytest

from brownout.api.reasons import Reason
from brownout.core.instant import to_rfc3339
from brownout.core.ladder import ladder_of
from brownout.core.member import Hold, Member, Observation, Presence
from brownout.engine.ports import DecisionRecord
from brownout.engine.recall import brought_back, newest, recalled
from tests.builders import make_integration

AT = 1_767_323_040.0


def make_record(number: int = 7, *, key: str = "voice", at: float = AT, **changes: Any) -> DecisionRecord:
    """Make the record of an emergency that disabled voice, as a crash left it."""
    usual: dict[str, Any] = {
        "action": "Disable",
        "reason": "Emergency",
        "message": "RAM 97.0 %, over 95 %: emergency: disabled voice",
        "rule": "emergency",
        "dry_run": False,
        "numbers": {},
    }
    return DecisionRecord(id=number, at=at, key=key, **{**usual, **changes})


def make_member(*, decision: str = "3", at: float = AT - 60.0, told: bool = True) -> Member:
    """Make voice, whose status tells of an earlier decision."""
    last = {"id": decision, "at": to_rfc3339(at), "reason": "Restored"}
    status = {"state": "Enabled", "replicasBefore": 2, "lastDecision": last} if told else None
    integration = make_integration("voice", status=status)
    return Member(key="voice", integration=integration, ladder=ladder_of(integration))


STOPPED = Observation(presence=Presence.STOPPED)


def test_what_an_emergency_did_is_recalled() -> None:
    """The status has never heard of it, and it stands still: it is held, with what is needed to undo it."""
    for outcome in (None, "Done"):
        hold = recalled(make_record(outcome=outcome), make_member(), STOPPED)
        assert hold is not None
        assert (hold.rung, hold.since, hold.reason, hold.replicas_before) == (1, AT, Reason.EMERGENCY, 2)


NOT_OURS: dict[str, tuple[DecisionRecord | None, Member, Presence]] = {
    "no record": (None, make_member(), Presence.STOPPED),
    "the status tells of it": (make_record(), make_member(decision="7"), Presence.STOPPED),
    "the status tells of a later one": (make_record(), make_member(at=AT + 60.0), Presence.STOPPED),
    "it is a new object": (make_record(), make_member(told=False), Presence.STOPPED),
    "it runs": (make_record(), make_member(), Presence.RUNNING),
    "it cannot be asked": (make_record(), make_member(), Presence.UNKNOWN),
    "it was not carried out": (make_record(outcome="Skipped"), make_member(), Presence.STOPPED),
    "it failed": (make_record(outcome="Failed"), make_member(), Presence.STOPPED),
    "it was a start": (make_record(action="Enable"), make_member(), Presence.STOPPED),
    "a word that nobody knows": (make_record(reason="Whim"), make_member(), Presence.STOPPED),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_what_is_not_ours_is_left_alone(case: str) -> None:
    """What somebody else stopped must never be taken for ours: it would be started against their will (I10)."""
    record, member, presence = NOT_OURS[case]
    assert recalled(record, member, Observation(presence=presence)) is None


def test_only_the_newest_real_decision_counts() -> None:
    """A dry run has done nothing, and what was undone since is past."""
    records = (
        make_record(9, dry_run=True),
        make_record(8, action="Enable"),
        make_record(7),
        make_record(6, key="android"),
    )
    assert {key: record.id for key, record in newest(records).items()} == {"voice": 8, "android": 6}


RETURNS: dict[str, tuple[DecisionRecord | None, tuple[float, int] | None]] = {
    "it was brought back since": (make_record(action="Enable", at=AT + 9.0), (AT + 9.0, 1)),
    "half carried out": (make_record(action="Enable", at=AT + 9.0, outcome="Done"), (AT + 9.0, 1)),
    "it was brought back before, and went again": (make_record(action="Enable", at=AT - 9.0), None),
    "it failed": (make_record(action="Enable", at=AT + 9.0, outcome="Failed"), None),
    "it was no return": (make_record(at=AT + 9.0), None),
    "no record": (None, None),
}


@pytest.mark.parametrize("case", RETURNS)
def test_what_the_journal_says_of_a_return_counts_since_the_hold(case: str) -> None:
    """The status still says that it is held off; the newest decision about it may have brought it back."""
    record, expected = RETURNS[case]
    status = {"state": "Disabled", "hold": {"byController": True, "off": True}}
    integration = make_integration("voice", status=status)
    member = Member(key="voice", integration=integration, ladder=ladder_of(integration))
    hold = Hold(rung=1, since=AT, reason=Reason.ABOVE_THRESHOLD, message="", undone=1)
    assert brought_back(record, hold, member) == expected

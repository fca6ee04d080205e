"""What the engine does, in the log: news once, the same fault seldom."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from brownout.api.reasons import BudgetState, ConditionStatus, ConditionType, Reason
from brownout.api.status import Condition, IntegrationStatus, PolicyStatus
from brownout.core.plan import Verdict
from brownout.engine.observers import BudgetDetails
from brownout.engine.ports import OutcomeStatus
from brownout.telemetry.log_observer import LogObserver
from tests.telemetry.told import make_decision, make_step_details, make_tick


class SetClock:
    """A clock that stands until it is set."""

    at = 1000.0

    def now(self) -> float:
        """The time it was set to."""
        return self.at


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, Mapping[str, Any]]]:
    """Messages and fields."""
    return [(record.getMessage(), vars(record)["fields"]) for record in caplog.records]


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log from INFO on."""
    caplog.set_level(logging.INFO, logger="brownout.engine")
    return caplog


def test_an_unchanged_decision_is_told_once(heard: pytest.LogCaptureFixture) -> None:
    """Holding for the same reason is no news at the next tick; another reason is."""
    observer = LogObserver(SetClock())
    for _ in range(3):
        observer.on_tick(make_tick())
    observer.on_tick(make_tick(decision=make_decision(reason=Reason.STABILIZING)))
    assert [fields["reason"] for _, fields in said(heard)] == ["WithinLimits", "Stabilizing"]


def test_a_decision_that_acts_is_always_told(heard: pytest.LogCaptureFixture) -> None:
    """Each time something is to be done, with rule, cause and sentence."""
    observer = LogObserver(SetClock())
    shed = make_decision(verdict=Verdict.SHED, reason=Reason.ABOVE_THRESHOLD, steps=2)
    observer.on_tick(make_tick(decision=shed, cause="sentinel"))
    observer.on_tick(make_tick(decision=shed))
    (message, fields), _ = said(heard)
    assert message == "decision"
    assert (fields["verdict"], fields["cause"], fields["steps"], fields["message"]) == (
        "Shed",
        "sentinel",
        2,
        "RAM 40 %",
    )


@pytest.mark.parametrize(
    ("status", "level"), [(OutcomeStatus.DONE, logging.INFO), (OutcomeStatus.FAILED, logging.WARNING)]
)
def test_a_step_is_told_with_its_outcome(heard: pytest.LogCaptureFixture, status: OutcomeStatus, level: int) -> None:
    """What was done to whom, why, and what came of it; a failure is a warning."""
    LogObserver(SetClock()).on_step(make_step_details(status=status, detail="exit 1"))
    ((message, fields),) = said(heard)
    assert message == "step"
    assert (fields["integration"], fields["action"], fields["outcome"]) == ("voice", "Disable", status)
    assert (fields["reason"], fields["detail"], heard.records[0].levelno) == ("AboveThreshold", "exit 1", level)


def test_how_a_run_stands_is_told(heard: pytest.LogCaptureFixture) -> None:
    """Which run, whose, and what it has come to."""
    details = BudgetDetails(at=1.0, name="voice", integration="voice", state=BudgetState.EXCEEDED, message="used all")
    LogObserver(SetClock()).on_budget(details)
    fields = {"run": "voice", "integration": "voice", "state": "Exceeded", "message": "used all"}
    assert said(heard) == [("budget", fields)]


def test_the_same_fault_is_told_once_a_minute(heard: pytest.LogCaptureFixture) -> None:
    """A fault at every look of the sentinel is a line a minute, which says how often it came."""
    clock = SetClock()
    observer = LogObserver(clock)
    for second in range(121):
        clock.at = 1000.0 + second
        observer.on_fault("sensor", f"no memory figure for {second} s")
    assert [fields["repeated"] for _, fields in said(heard)] == [0, 59, 59]


def test_different_faults_are_all_told(heard: pytest.LogCaptureFixture) -> None:
    """One that is silenced silences no other."""
    observer = LogObserver(SetClock())
    observer.on_fault("sensor", "psutil raised")
    observer.on_fault("disk", "psutil raised")
    observer.on_fault("sensor", "cgroup is gone")
    assert len(said(heard)) == 3


def test_what_is_remembered_of_faults_is_bounded(heard: pytest.LogCaptureFixture) -> None:
    """Faults that never come twice leave no growing memory behind."""
    observer = LogObserver(SetClock())
    for number in range(5000):
        observer.on_fault("home", "fault " + "x" * number)
    assert len(observer._told) <= 256


def test_what_is_refused_is_told_when_it_changes(heard: pytest.LogCaptureFixture) -> None:
    """A broken file is a warning once, with all that is wrong; so is another fault; mending it is told too."""
    observer = LogObserver(SetClock())
    for wrong in ("a.yaml:3: bad", "a.yaml:3: bad", "a.yaml:4: worse", "", ""):
        accepted = condition(ConditionType.ACCEPTED, holds=not wrong, message=wrong)
        observer.on_tick(replace(make_tick(), policy_status=PolicyStatus(conditions=(accepted,))))
    told = [(message, fields.get("problems")) for message, fields in said(heard) if message != "decision"]
    assert told == [
        ("refused; the last good version stays", "a.yaml:3: bad"),
        ("refused; the last good version stays", "a.yaml:4: worse"),
        ("no file or object is refused any more", None),
    ]


def test_a_mended_file_is_not_taken_for_all_being_well(heard: pytest.LogCaptureFixture) -> None:
    """What is no fault of a file may go on, such as a config that its plugin refuses: who stalls is named."""
    observer = LogObserver(SetClock())
    stalled = IntegrationStatus(conditions=(condition(ConditionType.STALLED, holds=True),))
    statuses = {
        "voice": stalled,
        "stubs": IntegrationStatus(conditions=(condition(ConditionType.STALLED, holds=False),)),
    }
    for accepted in (False, True):
        policy = PolicyStatus(conditions=(condition(ConditionType.ACCEPTED, holds=accepted, message="a.yaml:3: bad"),))
        observer.on_tick(replace(make_tick(), statuses=statuses, policy_status=policy))
    assert ("no file or object is refused any more", {"stalled": "voice"}) in said(heard)


def condition(kind: ConditionType, *, holds: bool, message: str = "") -> Condition:
    """A condition that holds, or does not."""
    status = ConditionStatus.TRUE if holds else ConditionStatus.FALSE
    at = "2026-01-02T03:04:05Z"
    return Condition(type=kind, status=status, reason="InvalidSpec", message=message, last_transition_time=at)

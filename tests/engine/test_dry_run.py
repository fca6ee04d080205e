"""Dry run: the production path with nothing done."""

from typing import Any

import pytest

from brownout.api.reasons import Reason, State
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing

pytestmark = IN_VIRTUAL_TIME

ASKED_BY = ["the command line", "the policy"]


def dry(asked_by: str, **rest: Any) -> tuple[Box, dict[str, Any]]:
    """A box in a dry run, and what its controller is given."""
    policy: dict[str, Any] = {"mode": "DryRun"} if asked_by == "the policy" else {}
    return make_box(**rest, **policy), {"dry_run": asked_by == "the command line"}


@pytest.mark.parametrize("asked_by", ASKED_BY)
async def test_nothing_is_touched_and_everything_is_said(asked_by: str) -> None:
    """No workload is asked to do anything, no cooldown is consumed; each status says what would be."""
    box, given = dry(asked_by, base=65.0)
    async with box.controlled(**given) as controller:
        await passing(120.0)
        ledger = controller.reconciler.board.ledger
        assert (dict(ledger.holds), ledger.last_shed_at, ledger.pending, dict(ledger.moved)) == ({}, 0.0, None, {})
    assert box.log.texts("start", "stop", "forget ", "announce") == []
    status = box.status("voice")
    assert (status.state, status.reason, status.hold) == (State.ENABLED, Reason.DRY_RUN, None)
    assert (status.message or "").startswith("dry run, nothing was done: RAM 85.0 %, over 80 %: disabled voice")
    assert box.status("stubs").reason is Reason.WITHIN_LIMITS


async def test_what_another_controller_is_in_charge_of_is_not_rehearsed() -> None:
    """Also not in what comes after an owner's wish: its own one says what it would do."""
    box, given = dry("the policy", base=72.0)
    box.home.edit("voice", priority=10, enabled=False)
    box.home.not_ours.add("android")
    async with box.controlled(**given):
        await passing(120.0)
    assert {record.key for record in box.journal.records.values()} == {"voice"}


async def test_each_plan_is_recorded_once() -> None:
    """The same plan tick after tick is one record; another plan is another one."""
    box, given = dry("the policy", base=65.0)
    async with box.controlled(**given):
        await passing(600.0)
        assert [(one.key, one.dry_run, one.outcome) for one in box.journal.records.values()] == [
            ("voice", True, "Recorded")
        ]
        box.machine.base = 71.0
        await passing(60.0)
        assert len(box.journal.records) == 3  # voice and android
        box.machine.base = 40.0
        await passing(60.0)
        box.machine.base = 65.0
        await passing(60.0)
    assert len(box.journal.records) == 4


@pytest.mark.parametrize("asked_by", ASKED_BY)
async def test_an_emergency_is_recorded_at_once_and_nothing_else(asked_by: str) -> None:
    """Between two ticks: it stands in the journal within two seconds, and everything runs on."""
    box, given = dry(asked_by, base=40.0)
    async with box.controlled(**given):
        await passing(10.0)
        box.machine.base = 80.0
        await passing(2.0)
        assert {one.key for one in box.journal.records.values()} == {"voice", "android"}
        await passing(60.0)
    assert len(box.journal.records) == 2
    assert box.running == {"voice", "android", "stubs"}
    assert box.log.texts("stop") == []


async def test_the_owners_wishes_are_only_recorded_too() -> None:
    """Neither `enabled: false` nor a first start nor a withdrawal touches anything."""
    box, given = dry("the policy", base=40.0)
    box.machine["android"].running = False
    async with box.controlled(**given):
        await passing(5.0)
        box.home.edit("voice", priority=10, enabled=False)
        await passing(35.0)
        box.home.remove("voice")
        await passing(35.0)
    assert box.log.texts("start", "stop", "forget ") == []
    assert {one.action for one in box.journal.records.values()} == {"Start", "Disable"}


async def test_what_the_owner_asks_for_hides_nothing_of_what_memory_asks_for() -> None:
    """Voice (10 %) is to be off by its owner's word, and at 92 % that is not enough: android would go too. Its status
    and its record say that this rests on what was not done; where voice alone is enough, nothing is said of android.
    """
    box, given = dry("the policy", base=72.0)
    box.home.edit("voice", priority=10, enabled=False)
    async with box.controlled(**given):
        await passing(65.0)
        android = box.status("android")
        assert (android.state, android.reason) == (State.ENABLED, Reason.DRY_RUN)
        words = "dry run, nothing was done: once voice is off: RAM 82.0 %, over 80 %: disabled android"
        assert (android.message or "").startswith(words)
        assert [(one.key, one.rule, one.dry_run) for one in box.journal.records.values()] == [
            ("voice", "owners_wish", True),
            ("android", "above_threshold", True),
        ]
        box.machine.base = 60.0
        await passing(60.0)
        assert box.status("android").reason is Reason.WITHIN_LIMITS
        assert box.status("voice").reason is Reason.DRY_RUN
    assert box.log.texts("start", "stop", "announce") == []


async def test_a_plan_under_way_ends_where_a_dry_run_begins() -> None:
    """The policy asks for a dry run while the first of two steps is carried out: the second one is not."""
    box = make_box(base=72.0)
    box.machine["voice"].obeys_in_s = 10.0
    async with box.controlled():
        await passing(5.0)
        assert box.log.texts("stop ") == ["stop voice grace=30"]
        box.home.set_policy(mode="DryRun")
        await passing(60.0)
        assert box.log.texts("stop ") == ["stop voice grace=30"]
        assert box.watcher.outcomes[1] == ("android", "Disable", "Skipped")


async def test_back_to_enforcing_it_acts_at_once() -> None:
    """What was only recorded is carried out at the next tick."""
    box, given = dry("the policy", base=65.0)
    async with box.controlled(**given):
        await passing(40.0)
        box.home.set_policy()
        await passing(1.0)
    assert box.running == {"android", "stubs"}


async def test_a_journal_that_fails_costs_no_tick() -> None:
    """A dry run that cannot be recorded is still said in the statuses."""
    box, given = dry("the policy", base=65.0)
    box.journal.error = OSError("disk full")
    async with box.controlled(**given) as controller:
        await passing(70.0)
        assert controller.ticks >= 3
    assert box.status("voice").reason is Reason.DRY_RUN
    assert ("history", "disk full") in box.watcher.faults

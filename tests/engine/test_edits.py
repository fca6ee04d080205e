"""Edits while it runs: the owner changes, withdraws, replaces and moves what is declared, at any moment."""

import pytest

from brownout.api.reasons import Reason
from brownout.api.workload import WorkloadKind
from tests.builders import make_integration
from tests.engine.machine import Machine
from tests.engine.world import IN_VIRTUAL_TIME, make_box, passing, until

pytestmark = IN_VIRTUAL_TIME


async def test_a_successor_of_the_same_name_is_a_stranger() -> None:
    """Deleted and made again: what was done to the old one is forgotten, the new one runs as its owner wishes."""
    box = make_box(base=55.0)
    box.machine["voice"].size = 20.0
    async with box.controlled():
        await passing(5.0)
        box.machine.base = 65.0
        await passing(35.0)
        assert "voice" not in box.running
        box.machine.base = 40.0
        box.home.put(make_integration("voice", uid="uid-second", priority=10))
        box.home.statuses.pop("voice")
        await passing(35.0)
        assert "voice" in box.running
        assert box.status("voice").hold is None


async def test_a_stop_that_ends_after_its_integration_was_replaced_holds_nobody() -> None:
    """The outcome is of the predecessor: the successor of the same name is not held off for it.

    What a start has to fit beside is the highest base of the stabilization time, here the last 10 s.
    """
    box = make_box(base=65.0, voice={"stop": {"grace": "60s"}}, stabilization={"enable": "10s"})
    box.machine["voice"].obeys_in_s = 40.0
    async with box.controlled():
        await until(lambda: box.log.texts("stop voice"))
        box.machine.base = 40.0
        box.home.statuses.pop("voice", None)
        box.home.put(make_integration("voice", uid="uid-second", priority=10))
        await until(lambda: box.log.texts("stopped voice"))
        await passing(2.0)
    assert "voice" in box.running
    assert box.status("voice").hold is None


async def test_what_is_withdrawn_while_we_hold_it_down_goes_back_to_its_owner() -> None:
    """A unit outlives its Integration: deleted while held off, it is started again, or it would stay off for ever."""
    box = make_box(base=55.0, voice={"workload": {"systemd": {"unit": "voice.service"}}})
    box.machine["voice"].size = 20.0
    async with box.controlled(drivers=dict.fromkeys(WorkloadKind, box.machine)):
        await passing(5.0)
        box.machine.base = 65.0
        await passing(35.0)
        assert "voice" not in box.running
        box.home.remove("voice")
        await passing(5.0)
    assert box.log.texts("start voice", "forget ")[-2:] == ["start voice replicas=2", "forget voice"]


async def test_another_kind_of_workload_ends_the_old_one() -> None:
    """The kind edited in place: the old driver lets go of it, the new one starts it."""
    box = make_box(base=40.0)
    services = Machine(box.log)
    services["voice"].size = 5.0
    drivers = {WorkloadKind.COMMAND: box.machine, WorkloadKind.SYSTEMD: services}
    async with box.controlled(drivers=drivers):
        await passing(5.0)
        box.home.edit("voice", priority=10, workload={"systemd": {"unit": "voice.service"}})
        await passing(5.0)
    assert "voice" not in box.running
    assert services["voice"].running
    assert box.log.texts("forget ") == ["forget voice"]


async def test_what_is_withdrawn_is_ended_beside_the_loop() -> None:
    """Removing an integration ends its workload; that its stop takes 25 s delays no tick."""
    box = make_box(base=40.0, interval="5s")
    box.machine["voice"].obeys_in_s = 25.0
    async with box.controlled() as controller:
        await passing(7.0)
        box.home.remove("voice")
        await passing(21.0)
        assert "voice" in box.running
        assert [tick.cause for tick in box.watcher.ticks][-4:] == ["interval"] * 4
        assert "voice" not in controller.reconciler.statuses
        await passing(10.0)
    assert box.log.texts("forget", "forgotten") == ["forget voice", "forgotten voice"]


async def test_what_was_never_seen_is_ended_too() -> None:
    """An integration whose workload never answered is not forgotten behind its back when it is withdrawn."""
    box = make_box(base=40.0)
    box.machine["voice"].unseen = OSError("no answer")
    async with box.controlled():
        await passing(35.0)
        box.home.remove("voice")
        await passing(35.0)
    assert box.log.texts("forget ") == ["forget voice"]


async def test_the_owners_off_is_carried_out_at_once_and_undone_at_once() -> None:
    """`enabled: false` needs no pressure and is never overridden; set back, it runs again with its replicas."""
    box = make_box(base=40.0)
    box.machine.owned_by_others = True
    async with box.controlled():
        await passing(5.0)
        box.home.edit("voice", priority=10, enabled=False)
        await passing(1.0)
        assert "voice" not in box.running
        await passing(3600.0)
        assert "voice" not in box.running
        assert box.status("voice").reason is Reason.DISABLED_BY_OWNER
        box.home.edit("voice", priority=10)
        await passing(1.0)
        assert "voice" in box.running
    assert box.log.texts("start ") == ["start voice replicas=2"]


async def test_the_owners_off_is_carried_out_even_without_sensors() -> None:
    """The owner's word needs no measurement."""
    box = make_box(base=40.0)
    box.machine.blind = True
    async with box.controlled():
        await passing(5.0)
        box.home.edit("voice", priority=10, enabled=False)
        await passing(1.0)
    assert "voice" not in box.running


async def test_what_belongs_to_another_node_is_neither_asked_nor_touched() -> None:
    """A foreign integration is shown by its own agent: we do not observe, switch or describe it."""
    box = make_box(base=96.0)
    box.machine["voice"].unseen = AssertionError("must not be asked")
    box.home.change(foreign=frozenset({"voice"}))
    async with box.controlled():
        await passing(60.0)
    assert [text for text in box.log.texts() if "voice" in text] == []
    assert "android" not in box.running


async def test_what_moves_to_another_node_is_let_go_of() -> None:
    """Its own agent looks after it from then on; here nothing of it stays behind."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(5.0)
        box.home.change(foreign=frozenset({"voice"}))
        await passing(35.0)
        assert box.log.texts("forget ") == ["forget voice"]
        assert "voice" not in controller.reconciler.statuses


async def test_who_is_not_in_charge_does_nothing() -> None:
    """Without the lease there are no steps, no status writes, not even in an emergency."""
    box = make_box(base=97.0)
    box.home.not_ours = {"voice", "android", "stubs"}
    async with box.controlled():
        await passing(60.0)
    assert box.log.texts("start", "stop", "status", "intend") == []
    assert box.home.policy_writes > 0


async def test_a_status_that_could_not_be_written_is_not_written_once_the_lease_is_lost() -> None:
    """Whoever has the lease now says what is so."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(5.0)
        box.home.refuses = True
        box.home.edit("voice", priority=10, enabled=False)
        await passing(5.0)
        box.home.not_ours, box.home.refuses = {"voice"}, False
        box.log.clear()
        await passing(65.0)
    assert box.log.texts("status voice") == []


async def test_a_budget_that_changes_is_in_force_at_once_and_is_no_trend() -> None:
    """The same bytes are other percents now; the jump in the series is not taken for a rise."""
    box = make_box(base=20.0, interval="5s", forecast={"minSamples": 3, "model": "Linear"}, window="5m")
    async with box.controlled():
        await passing(200.0)
        assert box.home.policy_status.memory_percent == 40.0
        policy = {"interval": "5s", "forecast": {"minSamples": 3, "model": "Linear"}, "window": "5m"}
        box.home.set_policy(memoryBudget="60Gi", **policy)
        await passing(1.0)
        assert box.home.policy_status.memory_percent == 66.7
        await passing(100.0)
        assert box.watcher.steps == []
        seen = len(box.watcher.ticks)
        box.home.set_policy(memoryBudget="45Gi", **policy)
        await passing(1.0)
        assert box.watcher.ticks[seen].sample.memory_percent == pytest.approx(88.9, abs=0.1)
    assert box.running == {"android", "stubs"}


async def test_the_window_follows_the_policy_live() -> None:
    """Another window or interval is in force at the next tick, with the samples that still fit."""
    box = make_box(base=40.0, interval="5s", window="10m")
    async with box.controlled() as controller:
        await passing(301.0)
        assert len(controller.reconciler.board.ledger.window.samples) == 61
        box.home.set_policy(interval="30s", window="5m")
        await passing(1.0)
        assert controller.reconciler.board.ledger.window.capacity == 10
        assert len(controller.reconciler.board.ledger.window.samples) == 10


async def test_an_edit_while_its_plan_is_in_flight_is_seen_afterwards() -> None:
    """The stop under way goes on; the new spec is what the next decision rests on."""
    box = make_box(base=65.0, voice={"stop": {"grace": "60s"}})
    box.machine["voice"].obeys_in_s = 20.0
    async with box.controlled() as controller:
        await until(lambda: box.log.texts("stop voice"))
        box.home.edit("voice", priority=10, essential=True)
        await until(lambda: box.log.texts("stopped voice"))
        await passing(1.0)
        assert controller.reconciler.statuses["voice"].observed_generation == 2
        box.machine.base = 40.0
        await until(lambda: "voice" in box.running)


async def test_an_edit_between_two_steps_makes_the_second_one_stale() -> None:
    """A plan is for the spec it was made for."""
    box = make_box(base=72.0)
    box.machine["voice"].obeys_in_s = 10.0
    async with box.controlled():
        await until(lambda: box.log.texts("stop voice"))
        box.home.edit("android", priority=20, essential=True)
        await until(lambda: len(box.watcher.steps) == 2)
        assert box.watcher.outcomes[1] == ("android", "Disable", "Skipped")
        await passing(120.0)
    assert "android" in box.running

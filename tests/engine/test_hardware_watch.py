"""Tiers on a running controller: the thresholds in force are those of the machine, for planner and sentinel alike."""

from typing import Any

from brownout.core.tiers import Hardware
from tests.engine.world import IN_VIRTUAL_TIME, make_box, passing, until
from tests.fakes import FakeHardware

pytestmark = IN_VIRTUAL_TIME

GIB = 2**30
LOW = {"disable": 50, "enable": 40, "emergency": 70}
HIGH = {"disable": 90, "enable": 85, "emergency": 97}


def tiers(match: dict[str, Any], thresholds: dict[str, int]) -> list[dict[str, Any]]:
    """One tier."""
    return [{"name": "this", "match": match, "thresholds": thresholds}]


async def test_the_thresholds_of_the_tier_are_in_force() -> None:
    """At 60 % in use a small machine gives voice up, and everything that is said names 50 %."""
    box = make_box(base=40.0, tiers=tiers({"memoryBelow": "8Gi"}, LOW))
    async with box.controlled(hardware=FakeHardware(Hardware(memory_bytes=4 * GIB))):
        await until(lambda: "voice" not in box.running)
        await passing(1.0)
    status = box.home.policy_status
    assert (status.tier, status.tier_message) == ("this", "memory 4 GiB is below 8 GiB")
    assert status.thresholds is not None
    assert (status.thresholds.disable, status.thresholds.enable, status.thresholds.emergency) == (50, 40, 70)
    assert "over 50 %" in (box.status("voice").message or "")
    assert "RAM below 40 %" in (box.status("voice").returns_when or "")


async def test_the_sentinel_goes_by_the_tier() -> None:
    """An emergency at 70 %, within a second; by the policy's own 95 % it would be none."""
    box = make_box(base=20.0, tiers=tiers({"coresBelow": 4}, LOW))
    async with box.controlled(hardware=FakeHardware(Hardware(cores=2.0))):
        await passing(10.0)
        box.machine.base = 55.0
        await passing(1.5)
    assert box.running == {"stubs"}


async def test_a_step_is_checked_against_the_tier() -> None:
    """What the planner asks for at 60 % is not called stale because it is under the policy's own 80 %."""
    box = make_box(base=40.0, tiers=tiers({"gpu": False}, LOW))
    async with box.controlled(hardware=FakeHardware(Hardware(gpu=False))):
        await passing(20.0)
    assert ("voice", "Disable", "Done") in box.watcher.outcomes
    assert not [outcome for _, _, outcome in box.watcher.outcomes if outcome == "Skipped"]


async def test_the_first_decision_waits_for_the_first_look() -> None:
    """At 85 % the policy's own 80 would switch voice off; the machine's tier allows 90. Nothing goes."""
    box = make_box(base=65.0, tiers=tiers({"gpu": True}, HIGH))
    async with box.controlled(hardware=FakeHardware(Hardware(gpu=True), takes_s=3.0)):
        await passing(60.0)
    assert "voice" in box.running
    assert box.watcher.steps == []


async def test_where_the_home_is_not_read_yet_the_look_comes_first() -> None:
    """A cluster's policy arrives after the start: by then it is known which tier is in force."""
    box = make_box(base=65.0, tiers=tiers({"gpu": True}, HIGH))
    box.home.change(complete=False)
    async with box.controlled(hardware=FakeHardware(Hardware(gpu=True), takes_s=3.0)):
        await passing(1.0)
        box.home.change(complete=True)
        await passing(60.0)
    assert box.watcher.steps == []


async def test_a_look_that_hangs_does_not_keep_the_guard_from_its_post() -> None:
    """After five seconds the policy's own thresholds are in force; what is found late calls the planner."""
    box = make_box(base=65.0, tiers=tiers({"gpu": True}, HIGH))
    async with box.controlled(hardware=FakeHardware(Hardware(gpu=True), takes_s=20.0)):
        await until(lambda: "voice" not in box.running, within_s=7.0)
        await passing(20.0)
    assert "the hardware has changed" in box.watcher.causes
    assert box.home.policy_status.tier == "this"


async def test_the_hardware_is_looked_at_again_every_hour() -> None:
    """A machine that is given more cores has another tier within an hour."""
    hardware, seen = FakeHardware(Hardware(cores=2.0)), list[str | None]()
    box = make_box(base=30.0, tiers=tiers({"coresBelow": 4}, LOW))
    box.machine["voice"].running = box.machine["android"].running = False
    async with box.controlled(hardware=hardware):
        for wait_s in (10.0, 3580.0, 15.0):
            await passing(wait_s)
            seen.append(box.home.policy_status.tier)
            hardware.found = Hardware(cores=8.0)
    assert (seen, hardware.looks) == (["this", "this", None], 2)
    assert box.home.policy_status.tier_message == "no tier matches this machine"


async def test_a_look_that_fails_costs_the_tiers_alone() -> None:
    """It is told of; the policy's own thresholds are in force, and are acted on."""
    hardware = FakeHardware(Hardware(gpu=True))
    hardware.error = OSError("no such device")
    box = make_box(base=65.0, tiers=tiers({"gpu": True}, HIGH))
    async with box.controlled(hardware=hardware):
        await until(lambda: "voice" not in box.running)
    assert ("hardware", "no such device") in box.watcher.faults


async def test_by_hand_nothing_is_waited_for() -> None:
    """`spec.tier` needs no look at the machine."""
    box = make_box(base=40.0, tiers=tiers({"memoryBelow": "1Gi"}, LOW), tier="this")
    async with box.controlled(hardware=FakeHardware(Hardware(memory_bytes=64 * GIB), takes_s=1000.0)):
        await until(lambda: "voice" not in box.running, within_s=1.0)
    assert box.home.policy_status.tier_message == "spec.tier names this"


async def test_the_status_says_what_the_machine_has() -> None:
    """Also without any tier; what is not known is absent, not zero."""
    box = make_box(base=40.0)
    async with box.controlled(hardware=FakeHardware(Hardware(memory_bytes=12 * GIB, cores=3.5, gpu=False))):
        await passing(40.0)
    shown = box.home.policy_status.to_wire()
    assert shown["hardware"] == {"memory": "12Gi", "cores": 3.5, "gpu": False}
    assert shown["thresholds"] == {"disable": 80, "enable": 65, "emergency": 95}
    assert "tier" not in shown

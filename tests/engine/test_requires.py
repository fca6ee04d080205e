"""What a workload says itself that it cannot do without: the planner orders by it, and kills nobody for it."""

from typing import Any

from brownout.api.reasons import ConditionStatus, ConditionType, Reason, State
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, passing, until

pytestmark = IN_VIRTUAL_TIME


def _box(base: float = 40.0, **phone: Any) -> Box:
    """Make a machine with voice, and phone, which is more important and requires it."""
    box = Box(
        make_integration("voice", uid="uid-voice", priority=10),
        make_integration("phone", uid="uid-phone", priority=90, **phone),
        base=base,
    ).sized(voice=10.0, phone=10.0)
    box.machine["phone"].requires = ("voice",)
    return box


async def test_it_goes_first_and_returns_last() -> None:
    """However important: without what it requires it is of little use, and that with it is as important as it is."""
    box = _box(base=65.0).up()
    async with box.controlled():
        await until(lambda: box.running == {"voice"}, within_s=60.0)
        box.machine.base = 85.0
        await until(lambda: not box.running, within_s=60.0)
        box.machine.base = 30.0
        await until(lambda: box.running == {"voice", "phone"}, within_s=1200.0)
    assert [(key, action) for key, action, _ in box.watcher.outcomes] == [
        ("phone", "Disable"),
        ("voice", "Disable"),
        ("voice", "Enable"),
        ("phone", "Enable"),
    ]


async def test_both_are_started_in_one_plan_in_their_order() -> None:
    """What is required comes first, though it is less important."""
    box = _box()
    async with box.controlled():
        await passing(5.0)
    assert [key for key, _, _ in box.watcher.outcomes] == ["voice", "phone"]


async def test_whoever_loses_it_runs_on_and_says_so() -> None:
    """Its owner switched voice off: phone is not ended; its status is degraded, and its health says what is missing."""
    box = _box().up()
    async with box.controlled():
        await passing(5.0)
        off = make_integration("voice", uid="uid-voice", generation=2, priority=10, enabled=False)
        box.home.change(integrations={**box.home.known.integrations, "voice": off})
        await until(lambda: box.running == {"phone"}, within_s=60.0)
        await passing(120.0)
        status = box.status("phone")
        assert (status.state, status.reason) == (State.ENABLED, Reason.DEPENDENCY_DISABLED)
        assert status.message == "runs, but it requires voice, which is off"
        conditions = {one.type: one for one in status.conditions}
        assert conditions[ConditionType.DEGRADED].status is ConditionStatus.TRUE
        assert conditions[ConditionType.DEGRADED].message == status.message
        healthy = conditions[ConditionType.HEALTHY]
        assert (healthy.status, healthy.message) == (ConditionStatus.TRUE, "it requires voice, which is off")
        assert box.running == {"phone"}


async def test_who_waits_for_it_says_for_whom() -> None:
    """Stopped, wanted, and what it requires is off: it is not started, and its status names it."""
    box = _box()
    off = make_integration("voice", uid="uid-voice", priority=10, enabled=False)
    box.home.change(integrations={**box.home.known.integrations, "voice": off})
    async with box.controlled():
        await passing(120.0)
        assert box.running == set()
        status = box.status("phone")
        assert (status.state, status.reason) == (State.PENDING, Reason.DEPENDENCY_DISABLED)
        assert status.message == "it starts when voice runs, on which it depends"


async def test_what_the_essential_requires_is_as_essential() -> None:
    """It is started on a full machine, and never taken away."""
    box = _box(base=82.0, essential=True).sized(voice=4.0, phone=4.0)
    async with box.controlled():
        await passing(120.0)
        assert box.running == {"voice", "phone"}
        assert box.log.texts("stop") == []

"""The tick: what it may do, in which order, and what it must never do."""

import pytest

from brownout.api.reasons import ConditionStatus, ConditionType, Reason, State
from brownout.core.decide import decide
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, make_box, passing, until

pytestmark = IN_VIRTUAL_TIME


async def test_nothing_is_switched_before_everything_is_known() -> None:
    """An empty index is not an empty cluster: on an incomplete inventory nothing starts and nothing stops."""
    box = make_box(base=90.0)
    box.machine["android"].running = False
    box.home.change(complete=False)
    async with box.controlled() as controller:
        await passing(120.0)
        assert box.log.texts("start", "stop", "status", "intend", "forget") == []
        assert "the first tick is not done yet" in controller.faults()
        box.home.change(complete=True)
        await passing(1.0)
        assert box.log.texts("stop")
        assert "the first tick is not done yet" not in controller.faults()


async def test_the_intent_comes_before_the_switch_and_the_outcome_after() -> None:
    """The status says who will have done it, the journal says what; then the workload is asked; then the outcome."""
    box = make_box(base=65.0)
    async with box.controlled():
        await passing(5.0)
    told = [text for text in box.log.texts() if "voice" in text or "resolve" in text]
    begin = told.index("status voice Enabled hold=AboveThreshold off=True")
    assert told[begin : begin + 6] == [
        "status voice Enabled hold=AboveThreshold off=True",
        "intend Disable voice",
        "stop voice grace=30",
        "stopped voice",
        "resolve Done",
        "announce voice AboveThreshold",
    ]
    assert box.status("voice").state is State.DISABLED


async def test_what_was_lowered_comes_back() -> None:
    """Voice goes at 85 %, stubs never; when it has been calm for five minutes voice is back, and says why."""
    box = make_box(base=65.0)
    async with box.controlled():
        await passing(60.0)
        assert box.running == {"android", "stubs"}
        assert box.status("voice").reason is Reason.ABOVE_THRESHOLD
        box.machine.base = 40.0
        await passing(240.0)
        assert box.running == {"android", "stubs"}
        await passing(120.0)
    assert box.running == {"voice", "android", "stubs"}
    assert box.status("voice").reason is Reason.RESTORED
    assert box.watcher.outcomes == [("voice", "Disable", "Done"), ("voice", "Enable", "Done")]


async def test_without_sensors_nothing_goes_and_nothing_returns() -> None:
    """Unknown is not low (and not high): it holds, and says so, until the sensors are back."""
    box = make_box(base=65.0)
    async with box.controlled() as controller:
        await passing(60.0)
        box.log.clear()
        box.machine.blind, box.machine.base = True, 30.0
        await passing(1800.0)
        assert box.log.texts("start", "stop") == []
        assert "memory cannot be read" in controller.faults()
        ready = next(one for one in box.home.policy_status.conditions if one.type is ConditionType.READY)
        assert (ready.status, ready.reason) == (ConditionStatus.FALSE, Reason.METRICS_UNKNOWN)
        box.machine.blind = False
        await passing(240.0)
        assert box.log.texts("start") == []
        await passing(120.0)
    assert box.log.texts("start ") == ["start voice replicas=2"]


@pytest.mark.parametrize("how", ["hangs", "raises"])
async def test_a_sensor_that_fails_costs_a_sample_and_no_tick(how: str) -> None:
    """It is unknown after 5 s at the latest; ticks go on."""
    box = make_box(base=65.0)
    box.sensor.hangs, box.sensor.error = how == "hangs", RuntimeError("psutil") if how == "raises" else None
    async with box.controlled() as controller:
        await passing(70.0)
        assert len(box.watcher.ticks) >= 3
        assert controller.alive()
    assert ("sensor", "RuntimeError: psutil" if how == "raises" else "TimeoutError") in box.watcher.faults
    assert box.log.texts("start", "stop") == []


@pytest.mark.parametrize("how", ["hangs", "raises"])
async def test_a_workload_that_does_not_answer_is_unknown_and_alone(how: str) -> None:
    """One bad integration neither blinds nor delays the others: unknown after 5 s."""
    box = make_box(base=40.0)
    box.machine["android"].deaf = how == "hangs"
    box.machine["android"].unseen = KeyError("status") if how == "raises" else None
    async with box.controlled():
        await passing(10.0)
        first = box.watcher.ticks[0]
        assert first.at - box.clock.start <= 5.0
        assert (first.statuses["voice"].state, first.statuses["android"].state) == (State.ENABLED, State.PENDING)
        box.machine.base = 65.0
        await passing(40.0)
    assert "stop voice grace=30" in box.log.texts("stop")
    assert any(where == "workload" and "android" in message for where, message in box.watcher.faults)


async def test_one_shed_is_verified_before_the_next() -> None:
    """Memory that comes back 20 s late makes no second victim (kubernetes 31362)."""
    box = make_box(base=65.0)
    box.machine["voice"].lingers_s = 20.0
    async with box.controlled():
        await passing(120.0)
    assert box.log.texts("stop ") == ["stop voice grace=30"]
    assert box.running == {"android", "stubs"}


async def test_a_shed_that_frees_nothing_is_followed_by_the_next_one_in_order() -> None:
    """After the settle time it has had its chance; the essential still stays."""
    box = make_box(base=65.0)
    box.machine["voice"].lingers_s = 1e9
    async with box.controlled():
        await passing(120.0)
    assert [text.split()[1] for text in box.log.texts("stop ")] == ["voice", "android"]
    assert box.log.at("stop android") - box.log.at("stop voice") >= 30.0


async def test_a_plan_of_two_ends_where_memory_has_fallen() -> None:
    """What a step rests on is read again just before it: the second one is skipped and counted, not carried out."""
    box = make_box(base=71.0, voice={"stop": {"grace": "20s"}})  # 91 %: voice and android have to go
    box.machine["voice"].obeys_in_s = 10.0
    async with box.controlled():
        await until(lambda: box.log.texts("stop voice"))
        await passing(5.0)
        box.machine.base = 55.0
        await passing(30.0)
    assert box.watcher.outcomes == [("voice", "Disable", "Done"), ("android", "Disable", "Skipped")]
    assert box.journal.records[2].detail == "RAM is down to 65.0 %"
    assert box.running == {"android", "stubs"}


async def test_the_third_return_that_goes_wrong_waits_twice_as_long() -> None:
    """What has to go again soon after it came back is tried at the usual pace twice, and then after twice the time."""
    box, waits = make_box(base=65.0), []
    async with box.controlled():
        await passing(60.0)
        for _ in range(4):
            box.machine.base = 40.0
            waits.append(await until(lambda: "voice" in box.running, within_s=1200.0))
            box.machine.base = 66.0
            await passing(60.0)
    assert all(270.0 <= wait <= 330.0 for wait in waits[:3])  # it went 30 s before the load fell
    assert 570.0 <= waits[3] <= 630.0


async def test_a_member_that_returns_and_goes_does_not_flap() -> None:
    """A return that never fits makes ever fewer tries: no ping-pong for an hour (M-13)."""
    box = make_box(base=65.0)
    box.machine["voice"].measured = False
    async with box.controlled():
        for _ in range(120):
            await passing(30.0)
            box.machine.base = 66.0 if "voice" in box.running else 40.0
    assert len(box.log.texts("started voice")) <= 4


async def test_a_workload_that_this_home_cannot_run_is_said_to_be_missing() -> None:
    """No driver for its kind: it is Failed with that sentence, and nobody else suffers."""
    box = make_box(base=65.0)
    box.home.put(make_integration("cluster", priority=1, workload={"systemd": {"unit": "x.service"}}))
    async with box.controlled():
        await passing(5.0)
    assert box.status("cluster").state is State.FAILED
    assert box.status("cluster").message == "this home cannot run workload.systemd"
    assert "voice" not in box.running


async def test_decisions_repeat_on_what_they_rested_on() -> None:
    """Every decision can be made again from its snapshot alone."""
    box = make_box(base=65.0)
    async with box.controlled() as controller:
        await passing(35.0)
        reconciler = controller.reconciler
        assert reconciler.snapshot is not None
        assert reconciler.decision is not None
        assert decide(reconciler.snapshot, now=reconciler.decision.at) == reconciler.decision

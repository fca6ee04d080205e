"""The controller's pace, its honesty about itself, and its end."""

import asyncio
from contextlib import suppress

import pytest

from brownout.core.errors import ControllerFault, HomeUnavailable
from brownout.engine.controller import Controller
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, now, passing, until

pytestmark = IN_VIRTUAL_TIME


def ticked(box: Box) -> list[float]:
    """When the ticks were."""
    return [tick.at - box.clock.start for tick in box.watcher.ticks]


async def test_it_ticks_on_a_grid_of_intervals() -> None:
    """At once, and then every 30 s; a tick out of turn does not move the grid."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(70.0)
        box.home.edit("voice", priority=11)
        await passing(55.0)
    assert [round(at, 1) for at in ticked(box)] == [0.0, 30.0, 60.0, 70.2, 90.0, 120.0]
    assert box.watcher.causes == ["start", "interval", "interval", "change", "interval", "interval"]


async def test_a_shorter_interval_is_in_force_at_once() -> None:
    """A policy of 5 min that is edited to 10 s does not first wait for the 5 min."""
    box = make_box(base=40.0, interval="5m", forecast={"horizon": "10m"})
    async with box.controlled():
        await passing(20.0)
        box.home.set_policy(interval="10s")
        await passing(41.0)
    assert len(ticked(box)) == 6


async def test_a_storm_of_changes_makes_few_ticks() -> None:
    """A checkout that touches 500 files in a second costs a handful of ticks (Y-13)."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(10.0)
        for number in range(500):
            box.home.edit("voice", priority=number)
            await passing(0.002)
        await passing(5.0)
    assert len(ticked(box)) <= 8
    assert box.home.statuses["voice"].observed_generation == 501


async def test_what_the_loop_slept_through_is_counted_and_not_caught_up_with() -> None:
    """A machine suspended for 8 h: one tick with a fresh sample, 960 missed, no storm (T-02, T-05)."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(45.0)
        box.clock.jump(8 * 3600.0)
        await passing(16.0)
        assert controller.ticks == 3
        assert controller.ticks_missed in (959, 960)
        await passing(60.0)
        assert controller.ticks == 5
        window = controller.reconciler.board.ledger.window
        assert window.unbroken_since(longest_gap_s=90.0) - box.clock.start >= 45.0


async def test_a_gap_ends_the_calm() -> None:
    """Nothing is known of the time in which nobody looked: what is held waits its time anew."""
    box = make_box(base=65.0)
    async with box.controlled():
        await passing(35.0)
        box.machine.base = 40.0
        await passing(120.0)
        box.clock.jump(3600.0)
        await passing(200.0)
        assert "voice" not in box.running
        await until(lambda: "voice" in box.running, within_s=200.0)


async def test_the_end_of_a_settle_time_brings_a_tick() -> None:
    """The next one need not wait for the grid once the last step has had its time."""
    box = make_box(base=65.0, interval="5m", forecast={"horizon": "10m"}, stabilization={"settle": "20s"})
    box.machine["voice"].lingers_s = 1e9
    async with box.controlled():
        await passing(60.0)
    assert 20.0 <= box.log.at("stop android") - box.log.at("stopped voice") <= 21.0


async def test_a_workload_that_never_answers_does_not_make_the_planner_deaf() -> None:
    """Each look takes 5 s then; who calls the planner waits 2 s more at most, not another 5."""
    box = make_box(base=40.0, interval="1m", forecast={"horizon": "5m"})
    box.machine["android"].deaf = True
    async with box.controlled():
        await passing(10.0)
        box.machine.base = 65.0
        await until(lambda: box.log.texts("stop voice"), within_s=8.5)


async def test_a_hanging_tick_is_not_alive() -> None:
    """A green light while the loop hangs is worse than none (ollama 17408): red after three intervals."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(10.0)
        assert controller.alive()
        freed, original = asyncio.Event(), controller.reconciler.tick

        async def hanging(cause: str) -> None:
            await freed.wait()
            await original(cause)

        controller.reconciler.tick = hanging  # type: ignore[method-assign]
        await passing(75.0)
        assert controller.alive()
        await passing(10.0)
        assert not controller.alive()
        assert "the planner has not finished a tick in time" in controller.faults()
        freed.set()
        await passing(1.0)
        assert controller.alive()
        assert controller.faults() == ()


async def test_three_long_intervals_are_not_late() -> None:
    """With a tick every 5 min a silence of 14 min is not yet one."""
    box = make_box(base=40.0, interval="5m", forecast={"horizon": "10m"})
    async with box.controlled() as controller:
        await passing(1.0)
        box.clock.jump(840.0)
        assert controller.alive()
        box.clock.jump(120.0)
        assert not controller.alive()


async def test_ticks_that_all_fail_are_not_alive() -> None:
    """A bug may cost a tick; if it costs every one, the light is red."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(1.0)
        box.home.not_ours = None  # type: ignore[assignment]
        await passing(100.0)
        assert not controller.alive()
    assert [where for where, _ in box.watcher.faults] == ["tick"] * 3


async def test_it_is_alive_while_the_home_is_away_from_the_start() -> None:
    """An API server that is down for 10 min is no reason to be killed: not ready, but alive (R-01)."""
    box = make_box(base=40.0)
    box.home.change(complete=False)
    async with box.controlled() as controller:
        await passing(600.0)
        assert controller.alive()
        assert controller.faults() == ("the first tick is not done yet",)


async def test_faults_say_what_is_wrong() -> None:
    """Sensors and journal each with their sentence; none when all is well."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(1.0)
        assert controller.faults() == ()
        box.journal.trouble, box.machine.blind = "the disk is full", True
        await passing(30.0)
        assert controller.faults() == ("memory cannot be read", "the disk is full")


@pytest.mark.parametrize("error", [HomeUnavailable("the directory is gone"), None])
async def test_the_end_of_a_service_is_the_end(error: Exception | None) -> None:
    """A home whose own loop ends or fails takes the process along, with that error, and everything is drained."""

    async def service() -> None:
        await passing(20.0)
        if error is not None:
            raise error

    box = make_box(base=40.0)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(60.0):
            await Controller(box.world(), (service,)).run()
    assert caught.group_contains(HomeUnavailable if error else ControllerFault)
    assert box.log.texts("close") == ["close driver", "close journal"]


async def test_a_home_that_raises_is_the_end_too() -> None:
    """Without news of changes it would act on what was, so it ends and its supervisor starts it again."""
    box = make_box(base=40.0)
    controller = Controller(box.world())
    running = asyncio.create_task(controller.run())
    await passing(5.0)
    box.home.error = RuntimeError("a bug")
    box.home.edit("voice", priority=11)
    with pytest.raises(ExceptionGroup) as caught:
        await running
    assert caught.group_contains(RuntimeError, match="a bug")
    assert box.journal.closed


async def ended(box: Box, *, after_s: float) -> float:
    """Run a controller for so long, end it as SIGTERM does, and give the time that its end took."""
    running = asyncio.create_task(Controller(box.world()).run())
    await passing(after_s)
    began = now()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return now() - began


async def test_the_end_lets_a_step_come_to_its_end() -> None:
    """A stop of 3 s that is under way ends, its outcome is written; then drivers, then the journal."""
    box = make_box(base=65.0)
    box.machine["voice"].obeys_in_s = 3.0
    assert 1.5 <= await ended(box, after_s=1.0) <= 2.5
    assert box.log.texts("stopped", "resolve", "close") == [
        "stopped voice",
        "resolve Done",
        "close driver",
        "close journal",
    ]


async def test_the_end_does_not_wait_for_ever() -> None:
    """A stop of 10 min is given up after 5 s; the driver ends what is its own."""
    box = make_box(base=65.0, voice={"stop": {"grace": "10m"}})
    box.machine["voice"].obeys_in_s = 600.0
    assert await ended(box, after_s=1.0) <= 6.5
    assert box.log.texts("close") == ["close driver", "close journal"]
    assert await box.journal.unresolved()


async def test_the_end_begins_nothing_new() -> None:
    """Of a plan of four starts those that have not begun are not begun any more."""
    names = ("a", "b", "c", "d")
    box = Box(*(make_integration(name) for name in names), base=40.0).sized(**dict.fromkeys(names, 1.0))
    for name in names:
        box.machine[name].starts_in_s = 2.0
    await ended(box, after_s=1.0)
    assert len(box.log.texts("start ")) == 1


async def test_the_end_does_not_wait_for_a_home_that_hangs() -> None:
    """Statuses that nobody takes are given up."""
    box = make_box(base=40.0)
    box.home.hangs = True
    assert await ended(box, after_s=1.0) <= 12.0
    assert box.journal.closed


async def test_a_driver_that_cannot_close_keeps_no_other_from_it() -> None:
    """Each is closed, and the journal last."""
    box = make_box(base=40.0)

    async def broken() -> None:
        raise OSError("it does not close")

    box.machine.close = broken  # type: ignore[method-assign]
    await ended(box, after_s=1.0)
    assert box.journal.closed


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_a_history_that_cannot_be_read_costs_the_window_and_no_more(how: str) -> None:
    """At the start: the guard is at its post within 10 s, whatever the disk does (D-04)."""
    box = make_box(base=65.0)

    async def window(**_: float) -> tuple[()]:
        if how == "raises":
            raise OSError("not a database")
        await asyncio.Event().wait()
        return ()

    box.journal.window = window  # type: ignore[method-assign]
    async with box.controlled():
        await passing(12.0)
    assert "voice" not in box.running
    assert any(where == "history" for where, _ in box.watcher.faults)


async def test_an_hour_of_nothing_writes_nothing() -> None:
    """An idle hour: no status is written and nothing recorded; only the policy's heartbeat, once a tick."""
    box = make_box(base=40.0, sentinel={"interval": "10s"})
    async with box.controlled():
        await passing(60.5)
        box.log.clear()
        before = box.home.policy_writes
        await passing(3600.0)
    assert box.log.texts("status", "intend", "announce", "start", "stop") == []
    assert box.home.policy_writes - before == 120

"""Memory over restarts: what a controller did outlives it, and what reality has overtaken does not."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from brownout.api.reasons import Reason, State
from brownout.api.status import IntegrationStatus
from brownout.api.workload import WorkloadKind
from brownout.core.footprint import Source
from brownout.core.instant import to_rfc3339
from brownout.engine.controller import DRAIN_S
from brownout.engine.learning import SLICE
from brownout.engine.reconcile import RESUME_S
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, now, passing, until
from tests.worlds import bytes_of

pytestmark = IN_VIRTUAL_TIME


async def shed_by_an_earlier_one(*, owned_by_others: bool = False, **policy: Any) -> Box:
    """A box whose controller has disabled voice at 85 % and then ended."""
    box = make_box(base=65.0, **policy)
    box.machine.owned_by_others = owned_by_others
    async with box.controlled():
        await passing(65.0)
    assert "voice" not in box.running
    box.log.clear()
    return box


@pytest.mark.parametrize("owned_by_others", [False, True])
async def test_what_is_held_stays_held_and_comes_back_with_its_replicas(*, owned_by_others: bool) -> None:
    """A new controller neither starts it at once nor forgets it: it returns when it may, as it was."""
    box = await shed_by_an_earlier_one(owned_by_others=owned_by_others)
    async with box.controlled() as controller:
        await passing(120.0)
        assert box.log.texts("start", "stop") == []
        assert controller.reconciler.board.ledger.holds["voice"].reason is Reason.ABOVE_THRESHOLD
        box.machine.base = 40.0
        await passing(280.0)
        assert box.log.texts("start") == []
        await until(lambda: "voice" in box.running, within_s=120.0)
    assert box.log.texts("start ") == ["start voice replicas=2"]


async def test_a_restart_changes_no_status() -> None:
    """What stood there is what is so: figures, times, footprints and the last decision are kept."""
    box = await shed_by_an_earlier_one()
    before = dict(box.home.statuses)
    assert before["voice"].last_decision is not None
    assert before["voice"].last_decision.memory_percent == 85.0
    async with box.controlled():
        await passing(5.0)
    assert box.home.statuses == before


async def test_after_the_end_what_ended_with_it_is_not_said_to_run() -> None:
    """What the controller ended says so; what was off says the same as before, waits on, and returns in its time."""
    box = make_box(base=65.0)
    async with box.controlled(mortal=frozenset({WorkloadKind.COMMAND})):
        await passing(65.0)
        before = dict(box.home.statuses)
    assert box.status("voice") == before["voice"]
    ended = box.status("android")
    assert (ended.state, ended.memory, ended.health) == (State.PENDING, None, None)
    assert ended.message == "the controller has ended, and its programs with it"
    assert ended.footprint == before["android"].footprint
    box.log.clear()
    async with box.controlled():
        await passing(120.0)
        assert box.log.texts("start", "stop") == []
        assert box.status("android").state is State.ENABLED
        assert (box.status("voice"), box.watcher.ticks[-1].notices) == (before["voice"], ())
        box.machine.base = 40.0
        await until(lambda: "voice" in box.running, within_s=400.0)


async def test_a_home_that_hangs_is_not_waited_for_twice_at_the_end() -> None:
    """What could not be written stays as it stands; the end comes all the same."""
    box = make_box(base=40.0)
    async with box.controlled(mortal=frozenset({WorkloadKind.COMMAND})):
        await passing(5.0)
        before, box.home.hangs = box.status("voice"), True
        box.machine.base = 65.0
        await passing(31.0)
        ending = now()
    assert now() - ending <= 2 * DRAIN_S + 1.0
    assert box.status("voice") == before


async def test_what_it_takes_is_not_forgotten() -> None:
    """What was measured before the restart is what a return must fit on: it does not come back blindly."""
    box = await shed_by_an_earlier_one(thresholds={"disable": 80, "enable": 75, "emergency": 95})
    box.machine.base = 62.0
    async with box.controlled() as controller:
        await passing(600.0)
        assert controller.reconciler.snapshot is not None
        footprint = controller.reconciler.snapshot.by_key["voice"].footprint(0)
        assert (footprint.steady_bytes, footprint.source) == (bytes_of(10.0), Source.MEASURED)
        assert box.log.texts("start") == []
        box.machine.base = 59.0
        await until(lambda: "voice" in box.running, within_s=400.0)


async def test_a_hold_is_not_lost_while_its_workload_does_not_answer() -> None:
    """After the restart it cannot be asked for a while: its status keeps saying who switched it off."""
    box = await shed_by_an_earlier_one(owned_by_others=True)
    box.machine["voice"].deaf, box.machine.base = True, 40.0
    async with box.controlled():
        await passing(100.0)
        hold = box.status("voice").hold
        assert hold is not None
        assert hold.reason is Reason.ABOVE_THRESHOLD
        box.machine["voice"].deaf = False
        await until(lambda: "voice" in box.running, within_s=400.0)


async def test_a_restart_does_not_shorten_the_wait() -> None:
    """Also where only the time since the last shed counts: a controller in a crash loop does not flap."""
    box = await shed_by_an_earlier_one(restore={"strategy": "WhenItFits"})
    box.machine.base = 40.0
    async with box.controlled():
        await passing(100.0)
        assert box.log.texts("start") == []
        await until(lambda: "voice" in box.running, within_s=260.0)


async def test_undone_returns_outlive_a_restart() -> None:
    """A return that went wrong before the restart still makes the next one wait longer."""
    box = await shed_by_an_earlier_one()
    hold = box.status("voice").hold
    assert hold is not None
    box.home.statuses["voice"] = box.status("voice").model_copy(update={"hold": hold.model_copy(update={"undone": 4})})
    box.machine.base = 40.0
    async with box.controlled():
        assert await until(lambda: "voice" in box.running, within_s=1500.0) >= 1140.0


@pytest.mark.parametrize("field", ["since", "undone"])
async def test_nonsense_in_a_status_holds_nobody_for_ever(field: str) -> None:
    """A date in 2099 or a million undone returns was edited by somebody: it returns all the same."""
    box = await shed_by_an_earlier_one(restore={"strategy": "WhenItFits"}, stabilization={"enable": "30s"})
    wire = box.status("voice").to_wire()
    wire["hold"][field] = "2099-01-01T00:00:00Z" if field == "since" else 10**6
    box.home.statuses["voice"] = IntegrationStatus.model_validate(wire)
    box.machine.base = 40.0
    async with box.controlled():
        await until(lambda: "voice" in box.running, within_s=16 * 30.0 + 60.0)


async def test_a_hold_that_somebody_has_undone_is_let_go_of() -> None:
    """Held off in the status, but seen running: we do not fight over a workload."""
    box = await shed_by_an_earlier_one()
    box.machine["voice"].running = True
    box.machine.base = 55.0
    async with box.controlled():
        await passing(65.0)
    assert box.log.texts("stop", "start") == []
    assert box.status("voice").hold is None
    assert box.status("voice").state is State.ENABLED


async def test_somebody_who_brings_it_back_while_we_live_is_respected_too() -> None:
    """After a minute it is nobody's hold any more; until then it may be our own switch that is late."""
    box = make_box(base=65.0)
    async with box.controlled() as controller:
        await passing(35.0)
        box.machine["voice"].running, box.machine.base = True, 50.0
        await passing(90.0)
        assert dict(controller.reconciler.board.ledger.holds) == {}
    assert box.log.texts("stop ") == ["stop voice grace=30"]


@pytest.mark.parametrize("kept", [True, False])
async def test_what_is_measured_after_a_restart_belongs_to_its_level(*, kept: bool) -> None:
    """A lowered workload's memory is not taken for that of its best level, at which it would then seem to fit.

    What it held there before is read from history; where that is lost, the owner's guess stands again.
    """
    levels = [{"name": "large", "memory": "20Gi"}, {"name": "small", "memory": "5Gi"}]
    box = make_box(base=63.0, voice={"levels": levels})
    box.machine["voice"].sizes, box.machine["voice"].level = {"large": 10.0, "small": 5.0}, "large"
    async with box.controlled():
        await passing(65.0)
    assert box.status("voice").state is State.LOWERED
    if not kept:
        box.journal.samples, box.journal.levels = [], []
    async with box.controlled() as controller:
        await passing(1.0)
        measured = controller.reconciler.board.ledger.measured
        assert {place: {*sizes.steady, *sizes.peaks} for place, sizes in measured.items()} == {
            **({("voice", 0): {bytes_of(10.0)}} if kept else {}),
            ("voice", 1): {bytes_of(5.0)},
            ("android", 0): {bytes_of(8.0)},
            ("stubs", 0): {bytes_of(2.0)},
        }
        assert controller.reconciler.snapshot is not None
        best = controller.reconciler.snapshot.by_key["voice"].footprint(0)
        known = (Source.MEASURED, bytes_of(10.0)) if kept else (Source.FIRST_GUESS, bytes_of(20.0))
        assert (best.source, best.peak_bytes) == known


async def test_a_stranger_inherits_no_footprint() -> None:
    """History knows one of the same name, but nothing was ever said of this one: its owner's guess stands."""
    box = make_box(base=65.0, voice={"memory": "20Gi"})
    async with box.controlled():
        await passing(65.0)
    del box.home.statuses["voice"]
    box.machine["voice"].measured = False
    async with box.controlled() as controller:
        await passing(1.0)
        assert controller.reconciler.snapshot is not None
        assert controller.reconciler.snapshot.by_key["voice"].footprint(0).source is Source.FIRST_GUESS


async def test_a_start_that_took_more_is_remembered_over_a_restart() -> None:
    """Its peak stands in history: after the restart a return still reckons with it."""
    box = make_box(base=20.0)
    async with box.controlled():
        await passing(95.0)
        box.machine["voice"].size = 30.0
        box.machine["voice"].running = False
        await passing(61.0)
        await until(lambda: "voice" in box.running)
        await passing(61.0)
        box.machine["voice"].size = 10.0
        await passing(300.0)
    async with box.controlled() as controller:
        await passing(1.0)
        assert controller.reconciler.snapshot is not None
        footprint = controller.reconciler.snapshot.by_key["voice"].footprint(0)
        assert (footprint.steady_bytes, footprint.peak_bytes) == (bytes_of(10.0), bytes_of(30.0))


async def test_the_first_decision_after_a_restart_rests_on_a_calibrated_path() -> None:
    """Forecasters learn again from more of history than the window holds, before the first decision."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(3600.0)
    async with box.controlled() as controller:
        await until(lambda: controller.reconciler.snapshot is not None)
        panel, snapshot = controller.reconciler.board.ledger.panel, controller.reconciler.snapshot
        assert snapshot is not None
        assert snapshot.outlook.path is not None
        assert panel is not None
        assert panel.tracks[-1].residuals.count == 121 - 10  # each of the samples whose horizon has come
        assert len(controller.reconciler.board.ledger.window.samples) == 60


async def test_others_have_their_turn_while_forecasters_learn() -> None:
    """The sentinel too: nobody waits for more than a slice of 20 samples, which is 10 ms."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(2 * 3600.0)
    async with box.controlled() as controller:
        learnt: list[int] = []
        while controller.reconciler.snapshot is None:
            panel = controller.reconciler.board.ledger.panel
            learnt.append(panel.tracks[-1].residuals.count if panel else 0)
            await asyncio.sleep(0)
    steps = [after - before for before, after in pairwise(learnt)]
    assert max(steps) <= SLICE
    assert sum(step > 0 for step in steps) >= 200 / SLICE


async def test_learning_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first decision waits ten seconds for history and not longer; what was learnt by then is kept."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(2 * 3600.0)

    async def slow(_delay: float) -> None:
        await passing(3.0)

    async with box.controlled() as controller:
        with monkeypatch.context() as patched:
            patched.setattr("brownout.engine.learning.asyncio.sleep", slow)
            took = await until(lambda: controller.reconciler.snapshot is not None)
        panel = controller.reconciler.board.ledger.panel
        assert panel is not None
        assert 0 < panel.tracks[-1].residuals.count < 100
    assert took <= RESUME_S + 1.0


async def test_the_window_is_read_again() -> None:
    """The forecast goes on where the last controller left it (requirement S2)."""
    box = make_box(base=40.0, interval="5s")
    async with box.controlled():
        await passing(101.0)
    async with box.controlled() as controller:
        await passing(1.0)
        window = controller.reconciler.board.ledger.window
        assert len(window.samples) == 21
        assert window.samples[0].at == box.clock.start


async def test_the_window_is_read_with_the_policy_that_is_declared() -> None:
    """Also where the home answers late: not cut to the size of the default policy's window."""
    box = make_box(base=40.0, interval="5s", window="30m")
    async with box.controlled():
        await passing(901.0)
    box.home.change(complete=False)
    async with box.controlled() as controller:
        await passing(30.0)
        box.home.change(complete=True)
        await passing(1.0)
        assert len(controller.reconciler.board.ledger.window.samples) > 180


async def test_intents_that_a_crash_left_open_are_closed() -> None:
    """The audit log says that nobody knows what came of them; no intent stays open for two ticks (I2)."""
    box = make_box(base=65.0, voice={"stop": {"grace": "10m"}})
    box.machine["voice"].obeys_in_s = 600.0
    async with box.controlled():
        await passing(2.0)
    (open_one,) = await box.journal.unresolved()
    async with box.controlled():
        await passing(1.0)
        assert open_one.id not in {record.id for record in await box.journal.unresolved()}
    record = box.journal.records[open_one.id]
    assert (record.outcome, record.detail) == ("Skipped", "the controller ended before the outcome of this was known")


async def test_what_its_owner_switched_off_stays_off_over_a_restart() -> None:
    """And comes back at once when its owner wants it, whoever is the controller then."""
    box = make_box(base=40.0)
    box.machine.owned_by_others = True
    async with box.controlled():
        await passing(5.0)
        box.home.edit("voice", priority=10, enabled=False)
        await passing(5.0)
    async with box.controlled():
        await passing(400.0)
        assert "voice" not in box.running
        box.home.edit("voice", priority=10)
        await passing(2.0)
    assert "voice" in box.running
    assert box.machine["voice"].replicas == 2


async def test_a_status_from_nowhere_holds_nothing() -> None:
    """Without a word of ours there is no hold; what stands still and is wanted is started."""
    box = make_box(base=40.0)
    box.machine["voice"].running = False
    box.home.statuses["voice"] = IntegrationStatus(state=State.DISABLED, since=to_rfc3339(1.0), message="?")
    async with box.controlled():
        await passing(2.0)
    assert "voice" in box.running

"""The switchboard: steps that fail, hang, collide or lose their subject, and what is remembered of them."""

import asyncio
from itertools import pairwise

import pytest

from brownout.api.reasons import ConditionStatus, ConditionType, Reason, State
from brownout.api.workload import WorkloadKind
from brownout.engine.ports import Outcome, OutcomeStatus
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until

pytestmark = IN_VIRTUAL_TIME


async def test_a_failing_workload_is_tried_again_with_growing_patience() -> None:
    """After 5, 10, 20 ... s at the ticks; it says so, and nobody else waits for it."""
    box = make_box(base=65.0, interval="1s", stabilization={"settle": "1s"})
    box.machine["voice"].failing = "it does not want to"
    async with box.controlled():
        await passing(90.0)
        assert box.running == {"voice", "stubs"}  # android went instead
        status = box.status("voice")
        assert (status.state, status.reason) == (State.ENABLED, Reason.ACTUATION_FAILED)
        assert "it does not want to" in (status.message or "")
        stalled = {one.type: one for one in status.conditions}[ConditionType.STALLED]
        assert (stalled.status, stalled.reason) == (ConditionStatus.TRUE, Reason.ACTUATION_FAILED)
        box.log.clear()
        box.machine.base = 75.0
        await passing(90.0)
        tries = box.log.times("stop voice")
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == [10.0, 20.0, 40.0]


async def test_a_failure_that_nothing_asks_for_any_more_is_not_shown_for_ever() -> None:
    """Once memory is low again and its rest is over, an object that runs as its owner wants is not Stalled."""
    box = make_box(base=65.0)
    box.machine["voice"].failing = "it does not want to"
    async with box.controlled():
        await passing(35.0)
        assert box.status("voice").reason is Reason.ACTUATION_FAILED
        box.machine.base = 30.0
        await passing(400.0)
        status = box.status("voice")
    stalled = {one.type: one for one in status.conditions}[ConditionType.STALLED]
    assert (status.reason, stalled.status) == (Reason.WITHIN_LIMITS, ConditionStatus.FALSE)


async def test_a_driver_that_raises_has_failed_one_step() -> None:
    """Its bug is one failed step with its outcome in the journal, and the plan goes on with the next."""
    box = make_box(base=72.0)
    box.machine["voice"].broken = ZeroDivisionError("a bug")
    async with box.controlled():
        await passing(5.0)
    assert box.watcher.outcomes == [("voice", "Disable", "Failed"), ("android", "Disable", "Done")]
    assert box.journal.records[1].outcome == "Failed"


async def test_a_failure_without_a_word_is_a_failure() -> None:
    """A driver that says Failed and not why has not stopped anything."""
    box = make_box(base=65.0)

    async def stop(*_: object, **__: object) -> Outcome:
        return Outcome(status=OutcomeStatus.FAILED)

    box.machine.stop = stop  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(5.0)
        assert dict(controller.reconciler.board.ledger.holds) == {}
    assert box.status("voice").reason is Reason.ACTUATION_FAILED


async def test_a_driver_may_find_a_step_stale_itself() -> None:
    """Skipped by its driver (a lease lost in between) it is not remembered as done."""
    box = make_box(base=65.0)

    async def stop(*_: object, **__: object) -> Outcome:
        return Outcome(status=OutcomeStatus.SKIPPED, detail="another controller holds the lease")

    box.machine.stop = stop  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(5.0)
        assert dict(controller.reconciler.board.ledger.holds) == {}
    assert box.status("voice").hold is None
    assert box.status("voice").reason is Reason.WITHIN_LIMITS


async def test_an_intent_that_cannot_be_written_stops_a_calm_step_and_not_the_planner() -> None:
    """No intent, no switch (I2): it is tried again with patience, not five times a second."""
    box = make_box(base=65.0)

    async def intend(*_: object, **__: object) -> int:
        box.log.add("no intent")
        raise OSError("a bug of the journal")

    box.journal.intend = intend  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(60.0)
        assert controller.alive()
    assert box.log.texts("stop ") == []
    assert len(box.log.texts("no intent")) <= 8
    assert ("actuation", "a bug of the journal") in box.watcher.faults


@pytest.mark.parametrize("how", ["hangs", "raises"])
async def test_people_who_cannot_be_told_keep_nobody_waiting(how: str) -> None:
    """Announcing is a best effort: a plan goes on after 5 s, and what was done is remembered."""
    box = make_box(base=72.0)
    box.home.mute = how == "hangs"

    async def announce(*_: object, **__: object) -> None:
        raise RuntimeError("events are forbidden")

    if how == "raises":
        box.home.announce = announce  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(12.0)
        assert set(controller.reconciler.board.ledger.holds) == {"voice", "android"}
        assert controller.reconciler.board.in_flight == frozenset()
    assert any(where == "home" for where, _ in box.watcher.faults)


async def test_an_outcome_that_cannot_be_written_is_remembered_all_the_same() -> None:
    """The workload is switched: the record may be lost, the hold is not."""
    box = make_box(base=65.0)

    def resolve(*_: object, **__: object) -> None:
        raise OSError("disk full")

    box.journal.resolve = resolve  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(5.0)
        assert set(controller.reconciler.board.ledger.holds) == {"voice"}
    assert box.status("voice").state is State.DISABLED


async def test_a_forget_that_fails_is_told_and_contained() -> None:
    """What cannot be ended is a fault; ticks and decisions go on."""
    box = make_box(base=40.0)

    async def forget(key: str) -> None:
        raise RuntimeError(f"{key} lives on")

    box.machine.forget = forget  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(2.0)
        box.home.remove("voice")
        await passing(2.0)
        assert controller.reconciler.board.in_flight == frozenset()
        box.machine.base = 66.0
        await passing(35.0)
    assert ("actuation", "RuntimeError: voice lives on") in box.watcher.faults
    assert "android" not in box.running


async def test_one_plan_at_a_time() -> None:
    """While a stop takes its time, memory above the threshold makes no second victim."""
    box = make_box(base=65.0, interval="1s", voice={"stop": {"grace": "60s"}})
    box.machine["voice"].obeys_in_s = 40.0
    async with box.controlled() as controller:
        await passing(30.0)
        assert controller.reconciler.board.in_flight == {"voice"}
        assert box.log.texts("stop ") == ["stop voice grace=60"]
        reconciling = {one.type: one for one in controller.reconciler.statuses["voice"].conditions}
        assert reconciling[ConditionType.RECONCILING].status is ConditionStatus.TRUE


async def test_a_plan_that_ends_lets_go_only_of_what_it_has_in_its_hands() -> None:
    """Voice was done long ago, and something else has it in its hands when the plan ends with android."""
    box = make_box(base=40.0)
    box.machine["android"].obeys_in_s = 60.0
    async with box.controlled() as controller:
        await passing(35.0)
        for name, priority in (("voice", 10), ("android", 20)):
            box.home.edit(name, priority=priority, enabled=False, stop={"grace": "90s"})
        await passing(35.0)
        board = controller.reconciler.board
        assert board.in_flight == {"android"}
        board._begin(passing(100.0), ["voice"])
        await passing(60.0)
        assert board.in_flight == {"voice"}
        await passing(60.0)
        assert board.in_flight == frozenset()


async def test_the_owners_word_does_not_wait_for_a_plan() -> None:
    """`enabled: false` is carried out beside a stop that takes a minute."""
    box = make_box(base=65.0, voice={"stop": {"grace": "60s"}})
    box.machine["voice"].obeys_in_s = 50.0
    async with box.controlled():
        await passing(5.0)
        box.home.edit("android", priority=20, enabled=False)
        await passing(1.0)
        assert box.running == {"voice", "stubs"}


async def test_an_owner_who_changes_their_mind_while_it_starts_is_obeyed_afterwards() -> None:
    """Switched off while it is being started: it comes up, and goes."""
    box = make_box(base=40.0)
    box.machine["voice"].running, box.machine["voice"].starts_in_s = False, 10.0
    async with box.controlled():
        await passing(2.0)
        box.home.edit("voice", priority=10, enabled=False)
        await passing(20.0)
    assert "voice" not in box.running
    assert box.machine.twins == []


async def test_a_step_ends_with_its_time_to_settle() -> None:
    """What was expected to come back is measured from before the stop began, not from after it."""
    box = make_box(base=65.0, voice={"stop": {"grace": "60s"}})
    box.machine["voice"].obeys_in_s = 40.0
    async with box.controlled() as controller:
        await until(lambda: box.log.texts("stopped voice"))
        await passing(1.0)
        assert controller.reconciler.board.ledger.pending is None  # it is seen that it came back
        assert controller.reconciler.board.ledger.learned == {}


async def test_what_nobody_measures_is_learned_from_what_came_back() -> None:
    """The next time it is known what it frees."""
    box = make_box(base=65.0)
    box.machine["voice"].measured = False
    async with box.controlled() as controller:
        await passing(65.0)
        learned = dict(controller.reconciler.board.ledger.learned)
    assert list(learned) == [("voice", 0)]
    assert learned["voice", 0] == pytest.approx([10 * 2**30])


async def test_a_start_that_fails_rests_alone() -> None:
    """A command that does not exist is tried again with patience; the others start."""
    box = Box(make_integration("ghost", priority=500), make_integration("voice", priority=10), base=40.0)
    box.machine["ghost"].failing = "no such file"
    async with box.controlled():
        await passing(400.0)
    assert box.running == {"voice"}
    assert 2 <= len(box.log.texts("start ghost")) <= 8
    assert box.status("ghost").reason is Reason.ACTUATION_FAILED


async def test_two_drivers_do_not_wait_for_each_other_in_an_emergency() -> None:
    """One that hangs keeps its own workload; the other one's goes at once."""
    box = make_box(base=40.0)
    other = type(box.machine)(box.log)
    other["unit"].size, other["unit"].running = 5.0, True
    box.home.put(make_integration("unit", priority=1, workload={"systemd": {"unit": "x.service"}}))
    box.machine["voice"].stuck = True
    drivers = {WorkloadKind.COMMAND: box.machine, WorkloadKind.SYSTEMD: other}
    async with box.controlled(drivers=drivers):
        await passing(2.0)
        box.machine.base = 80.0
        await passing(2.0)
    assert not other["unit"].running
    assert "android" not in box.running


async def test_a_step_that_is_cancelled_leaves_the_books_in_order() -> None:
    """Given up at the end, nothing stays marked as under way."""
    box = make_box(base=65.0, voice={"stop": {"grace": "10m"}})
    box.machine["voice"].obeys_in_s = 600.0
    async with box.controlled() as controller:
        await passing(2.0)
        board = controller.reconciler.board
        assert set(board.under_way) == {"voice"}
        await asyncio.gather(board.drain(patience_s=0.5))
        await passing(0.1)
        assert (board.in_flight, board.under_way) == (frozenset(), {})
        assert dict(board.ledger.holds) == {}

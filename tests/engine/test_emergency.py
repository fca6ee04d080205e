"""The emergency: first action within a second of the crossing, whatever else is going on."""

from itertools import pairwise
from typing import Any

from brownout.api.reasons import Reason, State
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, now, passing, until

pytestmark = IN_VIRTUAL_TIME

SLOW_STOP: dict[str, Any] = {"stop": {"grace": "10m"}}


async def crossing(box: Box, *, base: float = 80.0) -> float:
    """Let memory jump over the edge between two looks; the moment of it."""
    await passing(0.37)
    box.machine.base = base
    return now()


async def test_it_acts_within_a_second() -> None:
    """From 60 % to 100 % between two ticks: the first driver is called within a second, all of them together."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(40.0)
        began = await crossing(box)
        await passing(3.0)
    assert box.log.at("stop voice") - began <= 1.0
    assert box.log.times("stop ") == [box.log.at("stop voice")] * 2
    assert box.running == {"stubs"}
    assert box.status("voice").reason is Reason.EMERGENCY


async def test_a_slow_graceful_stop_is_cut_short() -> None:
    """A stop of a minute is under way: ticks go on, the planner waits, and the emergency ends it within 2 s."""
    box = make_box(base=65.0, voice=SLOW_STOP, interval="5s")
    box.machine["voice"].obeys_in_s = 60.0
    async with box.controlled():
        await passing(25.0)
        assert box.log.texts("stop ") == ["stop voice grace=600"]
        assert len(box.watcher.ticks) >= 5
        assert all(tick.decision.reason is Reason.STABILIZING for tick in box.watcher.ticks[1:])
        began = await crossing(box, base=76.0)
        await passing(3.0)
        assert box.log.times("stop android")[0] - began <= 1.0
        assert box.log.at("stopped voice") - began <= 2.0
        await passing(120.0)
    assert box.running == {"stubs"}
    assert box.watcher.outcomes.count(("voice", "Disable", "Done")) == 2  # both callers say what came of it
    assert len(box.log.texts("stop voice")) == 2
    assert box.status("voice").hold is not None


async def test_it_waits_for_no_disk() -> None:
    """The journal is stuck for 5 s with the intent of a calm step: the emergency is not."""
    box = make_box(base=65.0)
    box.journal.stuck_s = 5.0
    async with box.controlled():
        await passing(2.0)
        assert box.log.texts("stop ") == []
        began = await crossing(box)
        await passing(1.0)
        assert box.log.at("stop voice") - began <= 1.0
        await passing(30.0)
    assert box.running == {"stubs"}
    calm = [record for record in box.journal.records.values() if record.reason == "AboveThreshold"]
    assert [record.outcome for record in calm] == ["Skipped"]


async def test_it_waits_for_no_status() -> None:
    """The home hangs: it is acted all the same, and written when the home is back."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(2.0)
        box.home.hangs = box.home.mute = True
        began = await crossing(box)
        await passing(1.0)
        assert box.log.at("stop voice") - began <= 1.0
        box.home.hangs = box.home.mute = False
        await passing(60.0)
    assert box.status("voice").state is State.DISABLED


async def test_it_survives_a_broken_journal() -> None:
    """An audit log that raises does not keep the box from being saved; what was done is remembered."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(2.0)
        box.journal.error = RuntimeError("a bug of the journal")
        await crossing(box)
        await passing(1.0)
        assert box.running == {"stubs"}
        assert set(controller.reconciler.board.ledger.holds) == {"voice", "android"}
        await passing(35.0)
        assert controller.alive()
    assert ("history", "RuntimeError: a bug of the journal") in box.watcher.faults


async def test_the_essential_and_what_it_needs_stay_and_the_pinned_go() -> None:
    """Only what must serve is spared."""
    needed = make_integration("queue", priority=1)
    stubs = make_integration("stubs", priority=1000, essential=True, depends_on=["queue"])
    pinned = make_integration("pinned", priority=5, pinned=True)
    box = Box(needed, stubs, pinned, base=40.0).sized(queue=2.0, stubs=2.0, pinned=2.0).up()
    async with box.controlled():
        await passing(2.0)
        await crossing(box, base=95.0)
        await passing(60.0)
    assert box.running == {"stubs", "queue"}
    assert {text.split()[1] for text in box.log.texts("stop ")} == {"pinned"}


async def test_what_is_starting_is_stopped_too() -> None:
    """A start in flight neither survives the emergency nor undoes it afterwards."""
    box = make_box(base=40.0)
    box.machine["voice"].running, box.machine["voice"].starts_in_s = False, 20.0
    async with box.controlled():
        await passing(3.0)
        assert box.log.texts("start ") == ["start voice"]
        await crossing(box, base=96.0)
        await passing(1.0)
        assert box.log.texts("stop voice")
        await passing(120.0)
        assert box.running == {"stubs"}
        box.machine.base = 40.0
        await passing(420.0)
    assert box.running == {"voice", "android", "stubs"}
    assert box.machine.twins == []


async def test_what_is_coming_back_is_stopped_too() -> None:
    """A return in flight is not yet in the books, but its memory is coming: the emergency takes it on its way."""
    box = make_box(base=65.0)
    async with box.controlled():
        await passing(5.0)
        box.machine["voice"].starts_in_s, box.machine.base = 60.0, 40.0
        await until(lambda: box.log.texts("start voice"))
        box.log.clear()
        began = await crossing(box, base=97.0)
        await passing(1.0)
        assert box.log.at("stop voice") - began <= 1.0
        await passing(120.0)
    assert box.running == {"stubs"}
    assert box.log.texts("started") == []


async def test_a_plan_that_waits_its_turn_does_not_start_into_an_emergency() -> None:
    """Of a plan of starts those that have not begun are stale: whoever was taken meanwhile stays off."""
    box = make_box(base=40.0)
    for name in ("voice", "android"):
        box.machine[name].running, box.machine[name].starts_in_s = False, 10.0
    async with box.controlled():
        await passing(3.0)
        assert box.log.texts("start ") == ["start android"]
        await crossing(box, base=97.0)
        await passing(60.0)
    assert box.log.texts("start ") == ["start android"]
    assert box.running == {"stubs"}


async def test_what_its_last_failure_lets_rest_is_taken_all_the_same() -> None:
    """A workload whose last switch failed is left alone in calm times, not in an emergency."""
    box = make_box(base=65.0)
    box.machine["voice"].failing = "not now"
    async with box.controlled():
        await passing(2.0)
        box.machine["voice"].failing = ""
        await crossing(box, base=90.0)
        await passing(1.0)
    assert box.running == {"stubs"}


async def test_what_cannot_be_stopped_is_tried_again_but_not_at_every_look() -> None:
    """Every 5 s, while the sentinel looks up to ten times as often; the others go at once."""
    box = make_box(base=90.0)
    box.machine["voice"].failing = "it does not want to"
    async with box.controlled():
        await passing(60.0)
    tries = box.log.times("stop voice")
    assert 8 <= len(tries) <= 13
    assert all(later - earlier >= 5.0 for earlier, later in pairwise(tries))
    assert len(box.log.texts("stop android")) == 1


async def test_a_stop_that_hangs_is_given_up_after_its_time() -> None:
    """A driver that never answers costs its own step, not the planner's calm decisions for ever."""
    box = make_box(base=65.0, voice={"stop": {"grace": "10s"}})
    box.machine["voice"].stuck = True
    async with box.controlled():
        await passing(125.0)
        assert "android" in box.running
        await passing(120.0)
    assert box.watcher.outcomes[0] == ("voice", "Disable", "Failed")
    assert "android" not in box.running


async def test_with_everything_gone_it_is_quiet() -> None:
    """Everything is off and still it is 97 %: nothing is done again and again (M-12)."""
    box = make_box(base=97.0)
    async with box.controlled() as controller:
        await passing(3600.0)
        assert controller.alive()
    assert len(box.log.texts("stop ")) == 2
    assert len(box.journal.records) == 2


async def test_what_stands_still_by_another_hand_is_not_ours_to_bring_back() -> None:
    """What somebody else switched off before is not held by an emergency, so that it is not started afterwards."""
    box = make_box(base=40.0)
    box.machine.owned_by_others = True
    box.machine["voice"].running = False
    async with box.controlled():
        await passing(2.0)
        await crossing(box, base=90.0)
        await passing(5.0)
        box.machine.base = 30.0
        await passing(600.0)
    assert [text.split()[1] for text in box.log.texts("stop ", "start ")] == ["android", "android"]
    assert box.status("voice").hold is None


async def test_it_is_over_when_memory_is_back() -> None:
    """All return in reverse order, one at a time, when it has been calm."""
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(2.0)
        await crossing(box)
        await passing(10.0)
        box.machine.base = 40.0
        await passing(600.0)
    assert box.log.texts("started ") == ["started android", "started voice"]


async def test_a_policy_with_a_lower_edge_is_in_force_at_once() -> None:
    """The emergency threshold changed live."""
    box = make_box(base=65.0, thresholds={"disable": 90, "enable": 65, "emergency": 95})
    async with box.controlled():
        await passing(10.0)
        assert box.log.texts("stop ") == []
        box.home.set_policy(thresholds={"disable": 70, "enable": 65, "emergency": 84})
        await passing(2.0)
    assert box.running == {"stubs"}


async def test_before_the_first_look_there_is_nothing_to_act_on() -> None:
    """A controller that wakes up on a full box first looks, which is bounded, and then acts."""
    box = make_box(base=80.0)
    box.machine["android"].deaf = True
    async with box.controlled():
        await until(lambda: box.log.texts("stop voice"), within_s=6.0)
        await passing(2.0)
    assert "voice" not in box.running


async def test_a_step_of_what_was_withdrawn_meanwhile_harms_nobody() -> None:
    """Removed between the last tick and the emergency: it is stopped, forgotten, and not remembered."""
    box = make_box(base=40.0)
    async with box.controlled() as controller:
        await passing(2.0)
        box.machine.base = 80.0
        box.home.remove("voice")
        await passing(30.0)
        assert set(controller.reconciler.board.ledger.holds) == {"android"}
    assert box.running == {"stubs"}
    assert [fault for fault in box.watcher.faults if fault[0] != "workload"] == []

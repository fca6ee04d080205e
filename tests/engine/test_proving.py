"""A switch of level is proven: the new level comes up, or the one before it runs again and nothing is lost."""

from itertools import pairwise
from typing import Any

import pytest

from brownout.api.reasons import Reason, State
from brownout.core.health import Answer, Checked
from brownout.engine.proving import ANSWER_S, PROVE_S, START_DEADLINE_S
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, the_three, until
from tests.fakes import FakeProber, FakeRequestMeter

pytestmark = IN_VIRTUAL_TIME

LEVELS = [{"name": "large"}, {"name": "medium"}, {"name": "small"}]
SIZES = {"large": 10.0, "medium": 6.0, "small": 2.0}


def leveled(*, hopeless: str = "", **policy: Any) -> Box:
    """Make a box on which voice has three levels, of which some never come up."""
    box = make_box(voice={"levels": LEVELS}, **{"interval": "5s", **policy})
    voice = box.machine["voice"]
    voice.level, voice.sizes, voice.hopeless = "large", dict(SIZES), frozenset(hopeless.split())
    return box


async def test_a_level_that_does_not_come_up_is_undone_and_passed_over() -> None:
    """The old level runs again at once, the outcome says so, and the next level down is taken instead."""
    box = leveled(hopeless="medium")
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0  # 81 in all
        await until(lambda: "resolve Failed" in box.log.texts("resolve"), within_s=15.0)
        assert (box.machine["voice"].running, box.machine["voice"].level) == (True, "large")
        await until(lambda: box.machine["voice"].level == "small", within_s=15.0)
        await passing(8.0)
        status = box.status("voice")
        assert (status.state, status.level) == (State.LOWERED, "small")
    failed = next(record for record in box.journal.records.values() if record.outcome == "Failed")
    assert failed.detail == "medium did not come up (medium ended with status 1); large was started again"
    starts = [text for text in box.log.texts("start voice") if text.startswith("start ")]
    assert starts == ["start voice medium", "start voice large", "start voice small"]
    assert {"android", "stubs"} <= box.running


async def test_where_no_lower_level_comes_up_pressure_disables() -> None:
    """Each is tried once, then it goes whole: a level that fails must not keep memory from being freed."""
    box = leveled(hopeless="medium small")
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: "voice" not in box.running and not box.machine["voice"].fallen, within_s=40.0)
        await passing(8.0)
        assert box.status("voice").state is State.DISABLED
        assert box.running == {"android", "stubs"}


async def test_a_return_that_does_not_come_up_stays_lowered_and_is_tried_with_patience() -> None:
    """It is put back to the level that works, and the next try waits twice as long."""
    box = leveled(stabilization={"enable": "5s", "settle": "2s"})
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(5.0)
        box.machine["voice"].hopeless = frozenset({"large"})
        box.machine.base = 20.0
        await until(lambda: len(box.log.times("start voice large")) == 4, within_s=900.0)
        assert (box.machine["voice"].running, box.machine["voice"].level) == (True, "medium")
        status = box.status("voice")
        assert (status.state, status.level) == (State.LOWERED, "medium")
        box.machine["voice"].hopeless = frozenset()
        await until(lambda: box.machine["voice"].level == "large", within_s=900.0)
        await passing(20.0)
        assert box.status("voice").state is State.ENABLED
    gaps = [later - earlier for earlier, later in pairwise(box.log.times("start voice large"))]
    assert gaps[0] >= 60.0
    assert all(later > 1.5 * earlier for earlier, later in pairwise(gaps))


async def test_one_level_is_proven_beside_the_next_switch() -> None:
    """Under pressure that several must give way to, nobody waits for another's proof: memory is what is short."""
    levels = [{"name": "large", "memory": "10Gi"}, {"name": "small", "memory": "6Gi"}]
    voice, android, stubs = the_three(levels=levels)
    android = make_integration("android", uid="uid-android", priority=20, levels=levels)
    box = Box(voice, android, stubs, base=40.0, interval="5s").sized(stubs=2.0).up()
    for name in ("voice", "android"):
        box.machine[name].level, box.machine[name].sizes = "large", {"large": 10.0, "small": 6.0}
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 65.0  # 87 in all, and the two free 4 each
        await until(lambda: {box.machine[name].level for name in ("voice", "android")} == {"small"}, within_s=20.0)
    first, second = (box.log.times(f"start {name} small")[0] for name in ("voice", "android"))
    assert second - first < PROVE_S


async def test_where_the_old_level_does_not_start_either_it_failed_and_is_tried_again() -> None:
    """Nothing is lost: the failure is said, and what is asked for next is tried with patience."""
    box = leveled(hopeless="large medium small")
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: "resolve Failed" in box.log.texts("resolve"), within_s=15.0)
        await passing(1.0)
        status = box.status("voice")
        assert (status.state, status.reason) == (State.FAILED, Reason.ACTUATION_FAILED)
        box.machine["voice"].hopeless = frozenset()
        box.machine.base = 30.0
        await box.machine.stop(box.home.known.integrations["voice"], grace_s=0.0)  # as its supervisor would
        await until(lambda: "voice" in box.running, within_s=900.0)


async def test_an_emergency_while_a_level_is_proven_wins() -> None:
    """It is switched off, and nobody starts the old level again."""
    box = leveled(hopeless="medium", sentinel={"interval": "100ms"})
    box.machine["voice"].starts_in_s = 1.0
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].fallen, within_s=15.0)
        box.machine.base = 96.0
        await passing(PROVE_S + 5.0)
        assert box.running == {"stubs"}
        assert not box.machine["voice"].fallen


@pytest.mark.parametrize("seen", ["large", "medium"])
async def test_after_a_crash_the_level_that_really_runs_counts(seen: str) -> None:
    """Killed before the switch, or after its undoing: the status says lowered, but what is seen to run is believed."""
    box = leveled()
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(10.0)
        assert box.status("voice").level == "medium"
    box.machine["voice"].level, box.machine.base = seen, 55.0
    async with box.controlled():
        await passing(7.0)
        status = box.status("voice")
    expected = (State.LOWERED, "medium") if seen == "medium" else (State.ENABLED, "large")
    assert (status.state, status.level) == expected


async def test_after_a_crash_a_lowered_one_that_does_not_run_is_started_at_its_level() -> None:
    """Killed between the end of the old level and the start of the new one: it does not stay silent."""
    box = leveled()
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(10.0)
    box.machine["voice"].running = False
    box.log.clear()
    async with box.controlled():
        await passing(7.0)
    assert box.log.texts("start voice")[0] == "start voice medium"
    assert box.machine["voice"].running


async def test_a_level_that_runs_but_fails_its_check_is_undone() -> None:
    """Alive is not well: what passed its check before must pass it at the new level within its time to start."""
    box, prober = probed(), FakeProber()
    async with box.controlled(prober=prober):
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        prober.answers["voice"] = Checked(answer=Answer.FAILED, why="it answers 500")
        await until(lambda: box.machine["voice"].level == "large", within_s=START_DEADLINE_S + 10.0)
        del prober.answers["voice"]
        await until(lambda: "resolve Failed" in box.log.texts("resolve"), within_s=15.0)
    failed = next(record for record in box.journal.records.values() if record.outcome == "Failed")
    assert failed.detail == "medium did not come up (its check fails: it answers 500); large was started again"


@pytest.mark.parametrize("still", [True, False], ids=["the old one runs on", "the old one has ended"])
async def test_a_level_that_its_driver_refuses_is_passed_over_too(*, still: bool) -> None:
    """A plugin that cannot change to it runs on as it was; what was ended for it is started again."""
    box = leveled()
    box.machine["voice"].refuses, box.machine["voice"].ends = frozenset({"medium"}), not still
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "small", within_s=30.0)
        await passing(7.0)
        levels = {level.name: level.message for level in box.status("voice").levels or ()}
    starts = [text for text in box.log.texts("start voice") if text.startswith("start ")]
    again = [] if still else ["start voice large"]
    assert starts == ["start voice medium", *again, "start voice small"]
    assert levels["medium"] == "it cannot be medium"


async def test_a_level_that_is_passed_over_stays_so_over_a_restart() -> None:
    """The status remembers it, so that a controller in a loop does not try it again and again."""
    box = leveled(hopeless="medium")
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "small", within_s=30.0)
        await passing(7.0)
    box.machine["voice"].level, box.machine.base = "large", 40.0
    box.log.clear()
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "small", within_s=30.0)
    assert not box.log.texts("start voice medium")


async def test_what_failed_its_check_before_is_lowered_all_the_same() -> None:
    """A check that is wrong by itself must not keep pressure from lowering."""
    box, prober = probed(), FakeProber()
    prober.answers["voice"] = Checked(answer=Answer.FAILED, why="it answers 500")
    async with box.controlled(prober=prober):
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: "resolve Done" in box.log.texts("resolve"), within_s=30.0)
        assert box.machine["voice"].level == "medium"


async def test_a_level_whose_requests_fail_is_shown_and_not_chosen_again() -> None:
    """What each level did is kept apart; pressure passes over the one that failed its requests."""
    box, meter = leveled(stabilization={"enable": "5s", "settle": "2s"}), FakeRequestMeter()
    async with box.controlled(requests=meter):
        await passing(7.0)
        asked(box, meter, failed=False)
        await passing(6.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(7.0)
        asked(box, meter, failed=True)
        await passing(12.0)
        large, medium, _ = box.status("voice").levels or ()
        assert (large.failure_percent, large.response_ms) == (0.0, 50.0)
        assert (medium.failure_percent, medium.message) == (100.0, "100 % of its requests failed")
        box.machine.base = 20.0
        await until(lambda: box.machine["voice"].level == "large", within_s=300.0)
        await passing(10.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level != "large", within_s=30.0)
        assert box.machine["voice"].level == "small"


def asked(box: Box, meter: FakeRequestMeter, *, failed: bool) -> None:
    """Voice is asked 40 times, now."""
    for _ in range(40):
        meter.count("voice", box.clock.now(), response_ms=50.0, failed=failed)


async def test_what_hangs_is_lowered_without_delay() -> None:
    """What suffers most from pressure answers last: its check is not waited for before memory is freed."""
    box, prober = probed(), FakeProber()
    async with box.controlled(prober=prober):
        await passing(7.0)
        prober.hanging.add("voice")
        box.machine.base = 61.0
        await until(lambda: box.log.times("intend Lower voice"), within_s=20.0)
        took_s = await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        assert took_s <= ANSWER_S + 0.5
        await until(lambda: "resolve Done" in box.log.texts("resolve"), within_s=15.0)


def probed() -> Box:
    """Make the same box, whose voice names a check."""
    box = make_box(voice={"levels": LEVELS, "health": {"http": {"port": 9000}}}, interval="5s")
    voice = box.machine["voice"]
    voice.level, voice.sizes = "large", dict(SIZES)
    return box

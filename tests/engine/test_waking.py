"""Waking: what sleeps starts between two ticks, and never brings the machine over its threshold."""

import pytest

from brownout.api.reasons import State
from brownout.core.measurements import START_S
from brownout.engine.admission import Admission
from brownout.engine.waking import SAME_ANSWER_S
from tests.builders import make_integration, make_policy
from tests.engine.world import IN_VIRTUAL_TIME, Box, passing, until

pytestmark = IN_VIRTUAL_TIME

NAMES = ("voice", "android", "discord")


def _box() -> Box:
    """Make a machine with three lazy ones; their owner guesses rightly what they take: 12, 8 and 5 %."""
    each = {"voice": 12.0, "android": 8.0, "discord": 5.0}
    made = [
        make_integration(name, uid=f"uid-{name}", priority=10 * (at + 1), memory=round(each[name] * 2**30))
        for at, name in enumerate(NAMES)
    ]
    box = Box(*made, base=50.0).sized(**each)
    for name in NAMES:
        box.machine[name].lazy = True
    return box


async def test_what_sleeps_is_on_and_holds_nothing() -> None:
    """It is Enabled and shows what it would take, for days; nothing of its sleep is learned or written to history."""
    box = _box()
    async with box.controlled():
        await passing(3600.0)
        assert box.running == set(NAMES)
        assert box.machine.used_percent() == 50.0
        status = box.status("voice")
        assert (status.state, status.memory) == (State.ENABLED, 0)
        assert status.message == "it is on and holds nothing yet: it starts with its first request"
        assert status.footprint is not None
        assert status.footprint.steady == 12 * 2**30
        assert all(not sample.footprints for sample in box.journal.samples)


async def test_first_requests_at_once_never_cross_the_threshold() -> None:
    """At 60 % there is room for two of them: the third is refused, also before any tick has seen the first two."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        box.machine.base = 60.0
        asked = {name: box.machine.ask(name, admission) for name in NAMES}
        assert (asked["voice"], asked["discord"]) == ("", "")
        assert "android, which takes up to 8 GiB, and 12 GiB for voice, which is still to start" in asked["android"]
        await passing(600.0)
        assert box.machine.used_percent() == 77.0
        assert "RAM 77.0 %: with android" in box.machine.ask("android", admission)
        assert box.log.texts("stop") == []


async def test_of_those_that_start_together_a_refusal_books_no_room() -> None:
    """One of them does not fit: nobody starts, and the room of the other is as free as before."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission) as controller:
        await passing(95.0)
        box.machine.base = 62.0
        assert "with voice" in admission.refusal(("android", "voice"))
        assert controller.reconciler.waking.keys() == frozenset()
        assert admission.refusal(("android", "discord")) == ""
        assert controller.reconciler.waking.keys() == {"android", "discord"}


async def test_the_planner_looks_as_soon_as_one_wakes() -> None:
    """It did not decide it, but sees it: its status, its memory, and that what is measured now is that of a start."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission) as controller:
        await passing(1000.0)  # it was let sleep long ago: what is measured now is that of a start all the same
        ticks = controller.ticks
        assert box.machine.ask("voice", admission) == ""
        await passing(1.0)
        assert controller.ticks == ticks + 1
        assert box.status("voice").memory == 12 * 2**30
        assert controller.reconciler.waking.keys() == {"voice"}
        await passing(START_S)
        assert controller.reconciler.waking.keys() == frozenset()
        measured = controller.reconciler.board.ledger.measured["voice", 0]
        assert measured.peaks == (12 * 2**30,)


async def test_nothing_wakes_while_memory_is_short() -> None:
    """Memory as it is now counts, not as the last tick saw it; and it wakes once there is room."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        box.machine.base = 79.0
        assert box.machine.ask("discord", admission).startswith("RAM 79.0 %: with discord")
        box.machine.blind = True
        await passing(SAME_ANSWER_S)
        assert box.machine.ask("discord", admission).startswith("RAM unknown (memory cannot be read)")
        box.machine.blind, box.machine.base = False, 60.0
        await passing(SAME_ANSWER_S)
        assert box.machine.ask("discord", admission) == ""


async def test_a_flood_of_refused_requests_is_one_question() -> None:
    """For a quarter of a second all are told the same; then memory is looked at again."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        box.machine.base = 79.0
        looks = box.gauge.looks
        told = {box.machine.ask("discord", admission) for _ in range(1000)}
        assert len(told) == 1
        assert box.gauge.looks == looks + 1
        box.machine.base = 60.0
        await passing(SAME_ANSWER_S)
        assert box.machine.ask("discord", admission) == ""


async def test_a_yes_is_for_one_question() -> None:
    """Whoever asks again in the same moment is answered by memory as it is then."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        assert admission.refusal(("discord",)) == ""
        box.machine.base = 79.0
        assert "RAM 79.0 %: with discord" in admission.refusal(("discord",))


async def test_what_a_plan_starts_at_this_moment_is_counted() -> None:
    """It was decided on after the last look, and holds nothing yet; it is on its way all the same."""
    box, admission = _box(), Admission()
    box.machine["voice"].lazy, box.machine["voice"].starts_in_s = False, 20.0
    async with box.controlled(admission=admission):
        await until(lambda: box.machine["discord"].asleep and box.machine.starting["voice"])
        box.machine.base = 65.0
        assert "and 12 GiB for voice, which is still to start" in box.machine.ask("discord", admission)


async def test_what_another_controller_is_in_charge_of_is_not_started() -> None:
    """Its lease may have gone over between two ticks."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        box.home.not_ours.add("discord")
        assert "another controller" in box.machine.ask("discord", admission)


async def test_what_the_last_look_could_not_measure_is_not_known_yet() -> None:
    """The gauge answers again; but nobody has seen with it what runs and what memory does."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(95.0)
        box.sensor.error = OSError("no such file")
        await passing(60.0)
        assert box.machine.ask("discord", admission).startswith("RAM unknown")


async def test_what_pressure_switched_off_is_not_asleep_any_more() -> None:
    """An emergency takes the sleepers too, and a request does not bring them back."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission):
        await passing(100.0)
        box.machine.base = 96.0
        await passing(5.0)
        assert box.running == set()
        assert admission.refusal(("voice",)) != ""


async def test_what_is_off_while_its_plan_goes_on_is_not_still_to_start() -> None:
    """Two are switched off by their owner, and the second takes a minute: nobody waits for room for the first."""
    box, admission = _box(), Admission()
    box.up("voice", "android").machine["android"].obeys_in_s = 60.0
    async with box.controlled(admission=admission) as controller:
        await passing(95.0)
        box.machine.base = 57.0
        for name, size in (("voice", 12), ("android", 8)):
            box.home.edit(name, enabled=False, stop={"grace": "90s"}, memory=size * 2**30)
        await passing(35.0)
        assert box.running == {"android", "discord"}
        assert controller.reconciler.board.in_flight == {"android"}
        assert box.machine.used_percent() == 65.0
        assert box.machine.ask("discord", admission) == ""


@pytest.mark.parametrize("by", ["command line", "policy"])
async def test_in_a_dry_run_nothing_wakes(by: str) -> None:
    """Whoever asked for it: a dry run touches nothing."""
    box, admission = _box(), Admission()
    async with box.controlled(admission=admission, dry_run=by == "command line"):
        if by == "policy":
            await passing(100.0)
            box.home.change(policy=make_policy(mode="DryRun"))
        await passing(100.0)
        assert "dry run" in admission.refusal(("voice",))


async def test_before_the_first_look_nothing_wakes() -> None:
    """Unknown is not low: not before there is a controller, nor before it has looked."""
    box, admission = _box(), Admission()
    assert "has not begun" in admission.refusal(("voice",))
    box.home.change(complete=False)
    async with box.controlled(admission=admission):
        await passing(100.0)
        assert "not been looked at yet" in admission.refusal(("voice",))

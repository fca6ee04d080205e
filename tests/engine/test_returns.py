"""Returns on trial: what comes back and has to go again at once waits longer, whatever happens to the controller."""

from functools import partial

import pytest

from brownout.api.status import IntegrationStatus
from tests.engine.mortal import Life, lived
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until

pytestmark = [*IN_VIRTUAL_TIME, pytest.mark.filterwarnings("ignore:.*Crash")]

#: A return is on trial for twice the stabilization time: 10 minutes by default.
ON_TRIAL_S = 600.0


async def back_again() -> Box:
    """A box on which voice had to go, came back and runs; its controller has ended."""
    box = make_box(base=65.0)
    async with box.controlled():
        await until(lambda: not has_voice(box))
        box.machine.base = 40.0
        await until(lambda: has_voice(box))
        await passing(2.0)
    return box


async def about_to_return() -> Box:
    """A box on which voice had to go and may soon come back; its controller has ended."""
    box = make_box(base=65.0)
    async with box.controlled():
        await until(lambda: not has_voice(box))
        box.machine.base = 40.0
        await passing(290.0)
    return box


def has_voice(box: Box) -> bool:
    """Whether voice runs."""
    return "voice" in box.running


async def gone_again(box: Box) -> float:
    """Let voice go again by another controller; how many times the usual wait it then waits."""
    box.machine.base = 65.0
    async with box.controlled() as controller:
        await until(lambda: "voice" in controller.reconciler.board.ledger.holds)
        await passing(2.0)
        assert "voice" not in box.running
    return undone_of(box)


def undone_of(box: Box) -> int:
    """How many returns in a row had to be undone, as its status says."""
    hold = box.status("voice").hold
    assert hold is not None
    assert (hold.by_controller, hold.returned_at) == (True, None)
    return hold.undone


async def test_a_restart_does_not_forget_that_a_return_is_undone() -> None:
    """As if there had been no restart: the return is counted, and the status of what is back says why it could."""
    box = await back_again()
    hold = box.status("voice").hold
    assert hold is not None
    assert (hold.by_controller, hold.undone) == (False, 0)
    assert hold.returned_at is not None
    assert await gone_again(box) == 1


async def test_a_return_that_has_lasted_is_forgotten() -> None:
    """The status says nothing of it any more, and what goes later waits as long as ever."""
    box = await back_again()
    async with box.controlled():
        await passing(ON_TRIAL_S + 31.0)
        assert box.status("voice").hold is None
        writes = len(box.log.texts("status voice"))
        await passing(600.0)
        assert len(box.log.texts("status voice")) == writes
    assert await gone_again(box) == 0


@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
async def test_killed_at_any_effect_of_the_undoing_the_wait_is_doubled_once(*, told: bool) -> None:
    """Written ahead, half switched or just switched: the successor makes it wait twice as long, not once nor four
    times.
    """
    died, last = True, 0
    while died:
        box, last = await back_again(), last + 1
        box.machine.base = 65.0
        died = await lived(box, Life(last, told=told), for_s=10.0)
        await passing(1.0)
        assert await gone_again(box) == 1, f"killed at effect {last}: {box.log.texts()}"
    assert last > 4


@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
async def test_killed_at_any_effect_of_the_return_its_undoing_is_known(*, told: bool) -> None:
    """Where it really came back its undoing doubles the wait, also where no status says yet that it did."""
    died, last, came_back = True, 0, set[bool]()
    while died:
        box, last = await about_to_return(), last + 1
        died = await lived(box, Life(last, told=told), for_s=120.0, enough=partial(has_voice, box))
        came_back.add(has_voice(box))
        expected = 1 if has_voice(box) else 0
        await passing(1.0)
        assert await gone_again(box) == expected, f"killed at effect {last}: {box.log.texts()}"
    assert came_back == {False, True}


@pytest.mark.parametrize(("nonsense", "undone"), [({"returnedAt": "2099-01-01T00:00:00Z"}, 0), ({"undone": 10**6}, 6)])
async def test_nonsense_about_a_return_is_no_endless_wait(nonsense: dict[str, object], undone: int) -> None:
    """A date in 2099 or a million undone returns were edited by somebody: no return, and the longest wait at most."""
    box = await back_again()
    wire = box.status("voice").to_wire()
    wire["hold"].update(nonsense)
    box.home.statuses["voice"] = IntegrationStatus.model_validate(wire)
    assert await gone_again(box) == undone


async def test_a_return_is_not_on_trial_for_years() -> None:
    """However many a status says were undone before, it has lasted after ten minutes."""
    box = await back_again()
    wire = box.status("voice").to_wire()
    wire["hold"].update({"undone": 10**6})
    box.home.statuses["voice"] = IntegrationStatus.model_validate(wire)
    async with box.controlled():
        await passing(ON_TRIAL_S + 31.0)
        assert box.status("voice").hold is None

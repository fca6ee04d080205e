"""The controller is killed at any moment: what it started is found again, never doubled, never lost (P-10, C-14)."""

import os
import signal
import sys
from typing import Any

from brownout.api.integration import Integration
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from tests.eventually import consistently, eventually, eventually_async
from tests.local.box import Box, program, until
from tests.local.loops import run

LEVELS = [{"name": "full", "config": {"MODEL": "large"}}, {"name": "small", "config": {"MODEL": "small"}}]
#: What a start does to the world: everything but reading /proc, of which the first look after a spawn is enough.
POINTS = ("subprocess.Popen", "open", "fcntl.fcntl", "os.mkdir", "os.rename")


class Killer:
    """Kills its own process at the n-th point."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._spawned = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One event of the interpreter (see sys.addaudithook)."""
        if event not in POINTS or not self._counts(event, arguments):
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        proc = event == "open" and str(arguments[0]).startswith("/proc")
        counts = self._spawned or not proc
        self._spawned = event == "subprocess.Popen"
        return counts


async def a_life(driver: CommandDriver, voice: Integration) -> None:
    """Everything that moves processes: a start, another level, a stop, a start."""
    full, small = voice.spec.levels
    await driver.start(voice, full)
    await driver.start(voice, small)
    await driver.stop(voice, grace_s=0.5)
    await driver.start(voice, small)


def killed(box: Box, voice: Integration, at: int) -> bool:
    """Live in a child that is killed at the n-th point; False when it came to the end of its story before."""
    child = os.fork()
    if child == 0:
        sys.addaudithook(Killer(at))
        try:
            run(_alone(box, voice))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


async def _alone(box: Box, voice: Integration) -> None:
    await a_life(box.driver(), voice)
    os._exit(0)


def test_killed_at_every_point_of_its_life_it_leaves_no_twin_and_no_orphan(box: Box) -> None:
    """Whatever the moment: at most one program lives, the next controller has exactly one, and none after its end."""
    voice = program("voice", levels=LEVELS)
    _, small = voice.spec.levels

    async def after(driver: CommandDriver) -> None:
        await driver.recover({"voice": voice})
        await driver.observe(voice)
        assert (await driver.start(voice, small)).status is OutcomeStatus.DONE
        await eventually_async(lambda: _one(box))  # what was told to stop just before the kill is started anew
        assert (await until(driver, voice, Presence.RUNNING)).memory_bytes

    point = 1
    while killed(box, voice, point):
        # A program that is being executed bears its marks some microseconds later; no controller starts that quickly.
        consistently(lambda: len(box.processes()) <= 1, for_s=0.1)
        box.live(after)
        assert box.processes() == (), point
        point += 1
    box.live(after)
    assert point > 10, "the story has fewer points than it should have"


def test_what_runs_as_declared_goes_on_undisturbed(box: Box) -> None:
    """Adopted: the same process, observed, stopped, and its exit noticed, though it is not our child."""
    voice = program("voice", "print", "before", levels=LEVELS)
    assert not killed(box, voice, -1)
    eventually(lambda: len(box.processes()) == 1)
    pid = box.processes()[0].pid

    async def after(driver: CommandDriver) -> None:
        await driver.recover({"voice": voice})
        seen = await driver.observe(voice)
        assert (seen.presence, seen.identity.split(":")[0], seen.outdated) == (Presence.RUNNING, str(pid), False)
        assert (await driver.start(voice, voice.spec.levels[1])).detail == "it runs so already"
        os.kill(pid, signal.SIGKILL)
        assert "; next try in" in (await until(driver, voice, Presence.FAILED)).detail
        await until(driver, voice, Presence.RUNNING)
        assert len(box.processes()) == 1

    box.live(after)


def test_what_is_declared_otherwise_now_is_ended(box: Box) -> None:
    """Another spec, another kind of workload, or no declaration at all: nothing of the past stays."""
    for declared in ({"voice": program("voice", env={"NEW": "1"})}, {}):
        assert not killed(box, program("voice", levels=LEVELS), -1)
        eventually(lambda: len(box.processes()) == 1)

        async def after(driver: CommandDriver, declared: dict[str, Integration] = declared) -> None:
            await driver.recover(declared)
            await eventually_async(lambda: _none(box))

        box.live(after)


def test_a_program_prints_on_over_the_death_of_its_controller(box: Box) -> None:
    """Its pipe does not break: it waits when nobody reads, and goes on when the next controller does."""
    printing = program("printing", "flood", 3, "say", box.file("printed"), levels=LEVELS)
    assert not killed(box, printing, -1)
    eventually(lambda: len(box.processes()) == 1)
    (pid,) = (process.pid for process in box.processes())

    async def after(driver: CommandDriver) -> None:
        await driver.recover({"printing": printing})
        await eventually_async(lambda: _said(box, pid))
        await driver.stop(printing, grace_s=1.0)

    box.live(after)
    assert "x" * 1000 in box.log("printing")


async def _said(box: Box, pid: int) -> bool:
    return box.said("printed") == pid


async def _one(box: Box) -> bool:
    assert len(box.processes()) <= 1
    return len(box.processes()) == 1


async def _none(box: Box) -> bool:
    return box.processes() == ()


def test_a_rehearsal_ends_nothing(box: Box) -> None:
    """Without `recover`, what was found in another shape is only seen: running, and outdated; a start replaces it."""
    assert not killed(box, program("voice", levels=LEVELS), -1)
    eventually(lambda: len(box.processes()) == 1)
    before = box.processes()
    changed = program("voice", env={"NEW": "1"})

    async def after(driver: CommandDriver) -> None:
        seen = await driver.observe(changed)
        assert (seen.presence, seen.outdated, box.processes()) == (Presence.RUNNING, True, before)
        assert (await driver.start(changed, None)).status is OutcomeStatus.DONE
        await eventually_async(lambda: _one(box))
        assert box.processes() != before

    box.live(after)

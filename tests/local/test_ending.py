"""Faults around programs: what stands still, cannot die, cannot be looked at, or hangs while it is executed."""

import asyncio
import os
import resource
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals

import pytest

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus, ProcessId
from brownout.local import supervisor
from brownout.local.command import CommandDriver
from brownout.local.launch import Launch
from brownout.local.spawning import Refusal, Spawner
from brownout.processes import ending, exits
from brownout.processes.ending import Ending, Manner
from brownout.processes.exits import open_pidfd, reap, send
from brownout.processes.leader import Leader
from brownout.sensing.processes import ProcTable
from tests.eventually import eventually_async
from tests.local.box import TABLE, Box, SteadyClock, program, until
from tests.local.loops import run

MYSELF = ProcessId(os.getpid(), 1)


def test_what_stands_still_is_ended_too(box: Box) -> None:
    """P-12: a stopped process cannot hear SIGTERM until it is continued."""
    voice = program("voice", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        os.kill(box.said("ready"), signal.SIGSTOP)
        outcome = await driver.stop(voice, grace_s=5.0)
        assert outcome.detail.startswith("finished in")

    box.live(story)


def test_a_signal_never_meets_a_successor_of_the_same_pid() -> None:
    """P-11: the pid lives, but it began at another time: nothing is sent, nothing is held."""

    def lives(process: ProcessId) -> bool:
        return TABLE.identify(process.pid) == process

    send(MYSELF, Signals.SIGKILL, lives)
    assert open_pidfd(MYSELF, lives) is None
    assert reap(os.getpid()) is None


def test_what_outlives_sigkill_is_a_failure_with_its_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    """P-12: uninterruptible sleep: a bounded wait, and a sentence that says what it mostly is."""
    monkeypatch.setattr(ending, "_KILL_PATIENCE_S", 0.2)
    monkeypatch.setattr(ending, "_LOOK_S", 0.05)
    monkeypatch.setattr(ending, "send", lambda *_: None)
    monkeypatch.setattr(exits, "open_pidfd", lambda *_: None)

    async def find() -> tuple[ProcessId, ...]:
        return (ProcessId(4711, 1),)

    async def story() -> None:
        ended = await Ending(find, lambda _: True, grace_s=0.1).run()
        assert (ended.manner, ended.rest) == (Manner.STUCK, (ProcessId(4711, 1),))

    run(story())


def test_nothing_is_started_beside_what_cannot_be_ended(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A twin of a stuck program would take the memory twice; once it is gone a start works again."""
    monkeypatch.setattr(ending, "_KILL_PATIENCE_S", 0.2)
    voice, changed = program("voice"), program("voice", env={"NEW": "1"})

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        with monkeypatch.context() as patch:
            patch.setattr(ending, "send", lambda *_: None)
            outcome = await driver.start(changed, None)
            assert outcome.status is OutcomeStatus.FAILED
            assert "outlived SIGKILL by 10 s" in outcome.detail
            seen = await driver.observe(changed)
            assert (seen.presence, seen.detail) == (Presence.RUNNING, "cannot be ended")
            assert len(box.processes()) == 1
        assert (await driver.start(changed, None)).status is OutcomeStatus.DONE
        await until(driver, changed, Presence.RUNNING)

    box.live(story)


class BlindTable(ProcTable):
    """A process table that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.blind = False

    def marked(self, variable: str, value: str) -> Mapping[ProcessId, Mapping[str, str]]:
        """Who bears the mark, when it can see."""
        if self.blind:
            raise OSError(5, "Input/output error")
        return super().marked(variable, value)

    def memory_bytes(self, processes: Sequence[ProcessId]) -> int | None:
        """What they hold, when it can see."""
        if self.blind:
            raise OSError(5, "Input/output error")
        return super().memory_bytes(processes)


def test_a_process_table_that_fails_never_makes_a_program_gone(box: Box) -> None:
    """Unknown is not stopped: before the first look nothing is started; later the known processes count as they are."""
    table = BlindTable()
    voice = program("voice", "say", box.file("ready"))

    async def story() -> None:
        driver = CommandDriver(box.state, table, directory=box.directory, clock=SteadyClock(), on_fault=box.on_fault)
        table.blind = True
        assert (await driver.observe(voice)).presence is Presence.UNKNOWN
        assert (await driver.start(voice, None)).status is OutcomeStatus.FAILED
        table.blind = False
        await driver.start(voice, None)
        box.said("ready")
        table.blind = True
        seen = await driver.observe(voice)
        assert (seen.presence, seen.memory_bytes) == (Presence.RUNNING, None)
        table.blind = False
        await driver.close()

    run(story())
    assert any("cannot measure the memory of voice" in message for _, message in box.faults)


def test_a_program_that_hangs_while_it_is_executed_is_ended_when_it_comes(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server that does not answer: stop returns in bounded time, and nothing of it runs afterwards."""
    monkeypatch.setattr(supervisor, "_SPAWN_PATIENCE_S", 0.2)
    gate, spawn = threading.Event(), Spawner.spawn

    def hang(self: Spawner, launch: Launch, took: object) -> Leader | Refusal:
        gate.wait(30)
        return spawn(self, launch, took)  # type: ignore[arg-type]

    monkeypatch.setattr(Spawner, "spawn", hang)
    voice = program("voice")

    async def story(driver: CommandDriver) -> None:
        starting = asyncio.ensure_future(driver.start(voice, None))
        await until(driver, voice, Presence.STARTING)
        await driver.stop(voice, grace_s=0.1)
        assert (await starting).status is OutcomeStatus.SKIPPED
        gate.set()
        await until(driver, voice, Presence.STOPPED)
        await eventually_async(lambda: _none(box))

    box.live(story)


def test_without_descriptors_a_start_fails_and_a_stop_works(box: Box) -> None:
    """D-02 EMFILE: what cannot be watched is not left running; what runs can still be ended."""
    voice, late = program("voice", "ignore", "say", box.file("ready")), program("late")

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        box.said("ready")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = max(_descriptors()) + 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
        kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(used - len(_descriptors()))]
        try:
            assert (await driver.start(late, None)).status is OutcomeStatus.FAILED
        finally:
            for fd in kept:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await driver.stop(voice, grace_s=0.1)).status is OutcomeStatus.DONE

    box.live(story)


def _descriptors() -> list[int]:
    return [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]


async def _none(box: Box) -> bool:
    return box.processes() == ()

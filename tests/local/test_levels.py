"""Levels of programs: by a restart with another environment, or by a file and a signal where the program listens."""

import asyncio
import functools
import http.client
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from brownout.api.integration import Integration
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from tests.builders import make_integration
from tests.eventually import eventually, eventually_async
from tests.local.box import Box, argv, until

SERVING = Path(__file__).parent.parent / "programs" / "serving.py"
SWITCHES = 200
LEVELS = [{"name": "large", "config": {"MODEL": "big"}}, {"name": "small", "config": {"MODEL": "tiny"}}]


def leveled(box: Box, *acts: object, levels: list[dict[str, Any]] = LEVELS, **command: Any) -> Integration:
    """Make voice, which is told of its level by SIGUSR1."""
    workload = {"command": {"argv": argv(*acts), "levelSignal": "SIGUSR1", **command}}
    return make_integration("voice", workload=workload, levels=levels, stop={"grace": "5s"})


def heard(box: Box) -> list[tuple[str, str, int]]:
    """The level, its model and the process, each time that the program looked."""
    lines = box.file("heard").read_text().splitlines() if box.file("heard").exists() else []
    return [(level, model, int(pid)) for level, model, pid in (line.split(" ") for line in lines)]


def test_a_program_that_listens_is_told_of_its_level_and_goes_on(box: Box) -> None:
    """The same process, another level; starting it at the level where it is tells it nothing."""
    voice = leveled(box, "obey", "SIGUSR1", box.file("heard"), "say", box.file("ready"))
    large, small = voice.spec.levels

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, large)
        pid = box.said("ready")
        outcome = await driver.start(voice, large)
        for level in (small, small, large, small):
            outcome = await driver.start(voice, level)
            assert outcome.status is OutcomeStatus.DONE
            assert (await driver.observe(voice)).level == level.name
            eventually(functools.partial(_is_at, box, level.name))
        assert "told by SIGUSR1 that its level is small" in outcome.detail
        expected = [("large", "big"), ("small", "tiny"), ("large", "big"), ("small", "tiny")]
        assert heard(box) == [(*each, pid) for each in expected]
        seen = await driver.observe(voice)
        assert (seen.presence, seen.identity.split(":")[0], seen.outdated) == (Presence.RUNNING, str(pid), False)

    box.live(story)


def test_a_program_that_does_not_listen_is_started_anew(box: Box) -> None:
    """The signal would end it: so it is ended well, and reads its level by itself."""
    voice = leveled(box, "say", box.file("ready"), "environment", box.file("env"))
    large, small = voice.spec.levels

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, large)
        first = box.said("ready")
        assert (await driver.start(voice, small)).status is OutcomeStatus.DONE

        def another() -> bool:
            return box.said("ready") != first and "BROWNOUT_LEVEL=small" in box.file("env").read_text()

        eventually(another)
        assert len(box.processes("voice")) == 1

    box.live(story)


@pytest.mark.parametrize("crash", ["before the signal", "after it"])
def test_an_adopted_program_is_at_the_level_of_its_file(box: Box, crash: str) -> None:
    """A controller that was killed between the file and the signal: its successor tells the program again."""
    voice = leveled(box, "obey", "SIGUSR1", box.file("heard"), "say", box.file("ready"))
    large, small = voice.spec.levels

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, large)
        pid = box.said("ready")
        if crash == "after it":
            await driver.start(voice, small)
        else:  # as far as it came
            (box.state / "levels" / "voice.json").write_text(json.dumps({"level": "small", "config": {}}))
        successor = box.driver()
        await successor.recover({"voice": voice})
        seen = await successor.observe(voice)
        assert (seen.level, seen.identity.split(":")[0]) == ("small", str(pid))
        eventually(lambda: heard(box)[-1][0] == "small")
        await successor.start(voice, large)
        eventually(lambda: heard(box)[-1] == ("large", "big", pid))
        await successor.close()

    box.live(story)


def test_a_program_that_ended_starts_again_at_its_present_level(box: Box) -> None:
    """Not at the one that it was started with."""
    voice = leveled(box, "obey", "SIGUSR1", box.file("heard"), "say", box.file("ready"))
    large, small = voice.spec.levels

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, large)
        first = box.said("ready")
        await driver.start(voice, small)
        eventually(lambda: heard(box)[-1][0] == "small")
        os.kill(first, signal.SIGKILL)
        await until(driver, voice, Presence.FAILED)
        await eventually_async(lambda: _again(box, first), within_s=20.0)
        assert heard(box)[-1][:2] == ("small", "tiny")

    box.live(story)


def _is_at(box: Box, level: str) -> bool:
    return heard(box)[-1][0] == level


async def _again(box: Box, first: int) -> bool:
    return bool(heard(box)) and heard(box)[-1][2] != first


def test_an_edited_level_is_another_program(box: Box) -> None:
    """What a level means stands in its spec: once that is edited, what runs is outdated."""
    voice = leveled(box, "obey", "SIGUSR1", box.file("heard"), "say", box.file("ready"))
    edited = leveled(
        box, "obey", "SIGUSR1", box.file("heard"), "say", box.file("ready"),
        levels=[LEVELS[0], {"name": "small", "config": {"MODEL": "other"}}],
    )  # fmt: skip

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, voice.spec.levels[0])
        box.said("ready")
        assert not (await driver.observe(voice)).outdated
        assert (await driver.observe(edited)).outdated
        await driver.forget("voice")
        assert not (box.state / "levels" / "voice.json").exists()

    box.live(story)


def test_a_level_that_cannot_be_written_is_a_failure_with_a_reason(box: Box) -> None:
    """A full disk must not leave a program at a level that nobody knows."""
    voice = leveled(box, "obey", "SIGUSR1", box.file("heard"))

    async def story(driver: CommandDriver) -> None:
        (box.state / "levels").write_text("a file is in the way")
        outcome = await driver.start(voice, voice.spec.levels[0])
        assert (outcome.status, "its level cannot be written" in outcome.detail) == (OutcomeStatus.FAILED, True)
        assert box.processes("voice") == ()

    box.state.mkdir(parents=True, exist_ok=True)
    box.live(story)


SWITCHES = 200


def test_two_hundred_switches_under_steady_requests_lose_none(box: Box) -> None:
    """Each request is answered, none twice, by one process that is at the last level in the end."""
    argv = [sys.executable, "-I", "-S", str(SERVING), str(box.file("port"))]
    workload = {"command": {"argv": argv, "levelSignal": "SIGUSR1"}}
    voice = make_integration("voice", workload=workload, levels=LEVELS, stop={"grace": "5s"})

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, voice.spec.levels[0])
        port = int(eventually(lambda: box.file("port").read_text()))
        with Client(port) as client:
            await asyncio.to_thread(client.answered.wait, 10.0)
            for switch in range(SWITCHES):
                outcome = await driver.start(voice, voice.spec.levels[(switch + 1) % 2])
                assert outcome.status is OutcomeStatus.DONE
                if switch % 40 == 20:  # at an even one it is small: somebody is answered so before the next
                    await asyncio.to_thread(eventually, lambda: client.answers[-1]["level"] == "small")
            asked_by_then = len(client.answers)
            await asyncio.to_thread(eventually, lambda: len(client.answers) > asked_by_then + 1)
        assert client.faults == []
        assert [answer["answered"] for answer in client.answers] == list(range(1, len(client.answers) + 1))
        assert len({answer["pid"] for answer in client.answers}) == 1
        assert {answer["level"] for answer in client.answers} == {"large", "small"}
        assert client.answers[-1]["level"] == voice.spec.levels[SWITCHES % 2].name

    box.live(story)


class Client:
    """Asks again and again on one connection, until the block ends."""

    def __init__(self, port: int) -> None:
        self.answers: list[dict[str, Any]] = []
        self.faults: list[Exception] = []
        self.answered = threading.Event()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(port,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _ask(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
        try:
            while not self._enough.is_set():
                connection.request("GET", "/")
                self.answers.append(json.load(connection.getresponse()))
                self.answered.set()
        except (OSError, ValueError, http.client.HTTPException) as fault:
            self.faults.append(fault)
        finally:
            connection.close()

"""Programs on a box: how they start, what they are given, how they end."""

import asyncio
import os

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from tests.builders import make_integration
from tests.eventually import eventually_async
from tests.local.box import Box, program


def test_a_program_runs_in_a_session_of_its_own_and_ends_when_asked(box: Box) -> None:
    """Start makes one process, stop returns when it is gone."""
    voice = program("voice", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        assert (await driver.observe(voice)).presence is Presence.STOPPED
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        pid = box.said("ready")
        seen = await driver.observe(voice)
        assert (seen.presence, seen.identity.split(":")[0]) == (Presence.RUNNING, str(pid))
        assert (seen.memory_bytes or 0) > 2**20
        assert os.getsid(pid) == pid
        outcome = await driver.stop(voice, grace_s=5.0)
        assert (outcome.status, box.processes()) == (OutcomeStatus.DONE, ())
        assert "finished in" in outcome.detail
        assert (await driver.observe(voice)).presence is Presence.STOPPED

    box.live(story)


def test_it_is_given_little_of_our_environment(box: Box, monkeypatch: object) -> None:
    """PATH and the like, what the spec and the level say, and the marks; no secret of the controller."""
    os.environ["BROWNOUT_TEST_TOKEN"] = "a secret"
    levels = [{"name": "full", "config": {"MODEL": "large", "A": "level"}}]
    voice = program(
        "voice", "environment", box.file("env"), "say", box.file("ready"), env={"A": "1", "B": "2"}, levels=levels
    )

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, voice.spec.levels[0])
        box.said("ready")

    try:
        box.live(story)
    finally:
        del os.environ["BROWNOUT_TEST_TOKEN"]
    given = dict(line.split("=", 1) for line in box.file("env").read_text().splitlines())
    assert (given["A"], given["B"], given["MODEL"], given["PATH"]) == ("level", "2", "large", os.environ["PATH"])
    assert (given["BROWNOUT_INTEGRATION"], given["BROWNOUT_LEVEL"]) == ("voice", "full")
    assert given["BROWNOUT_STATE"] == os.path.realpath(box.state)
    assert "BROWNOUT_TEST_TOKEN" not in given


def test_what_ignores_the_polite_signal_is_killed_after_its_grace(box: Box) -> None:
    """P-03: SIGTERM, the grace, then SIGKILL; and stop returns only when it is really gone."""
    deaf = program("deaf", "ignore", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(deaf, None)
        box.said("ready")
        outcome = await driver.stop(deaf, grace_s=0.3)
        assert (outcome.status, box.processes()) == (OutcomeStatus.DONE, ())
        assert "did not finish within 0.3 s and was killed" in outcome.detail

    box.live(story)


def test_what_hides_by_double_fork_is_ended_too(box: Box) -> None:
    """P-04: a daemon that left session and parent is found by its marks; killpg would miss it."""
    sly = program("sly", "child", "hide", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(sly, None)
        box.said("ready")
        assert len(box.processes("sly")) == 3
        await driver.stop(sly, grace_s=0.3)
        assert box.processes() == ()

    box.live(story)


def test_what_forks_again_and_again_is_caught(box: Box) -> None:
    """A chain of daemons, each born before its parent dies, is hunted until none is left."""
    eel = program("eel", "spin", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(eel, None)
        box.said("ready")
        assert (await driver.stop(eel, grace_s=0.1)).status is OutcomeStatus.DONE
        assert box.processes() == ()

    box.live(story)


def test_a_program_that_cannot_be_started_says_why(box: Box) -> None:
    """P-14: not found, not executable, empty, a folder that is not there: a reason, never a traceback."""
    empty, plain = box.file("empty"), box.file("plain")
    empty.touch(mode=0o755)
    plain.touch(mode=0o644)
    cases = {
        "/no/such/program": "/no/such/program was not found",
        "no-such-program-anywhere": "no-such-program-anywhere was not found",
        str(empty): f"{empty} cannot be executed: Exec format error",
        str(plain): f"{plain} is not executable by this user",
    }

    async def story(driver: CommandDriver) -> None:
        for number, (path, why) in enumerate(cases.items()):
            broken = make_integration(f"broken-{number}", workload={"command": {"argv": [path]}})
            outcome = await driver.start(broken, None)
            assert outcome.status is OutcomeStatus.FAILED
            assert outcome.detail.startswith(why)
            assert (await driver.observe(broken)).detail.startswith(why)
        lost = make_integration("lost", workload={"command": {"argv": ["true"], "workingDirectory": "nowhere"}})
        assert "cannot start in" in (await driver.start(lost, None)).detail

    box.live(story)
    assert box.faults == []


def test_nothing_is_read_by_a_shell(box: Box) -> None:
    """S-11: what would be a command to a shell is text to a program."""
    hostile = f"; touch {box.file('pwned')} $(touch {box.file('pwned')}) `touch {box.file('pwned')}` \n| cat"
    voice = program(
        "voice", "print", hostile, "environment", box.file("env"), "say", box.file("ready"), env={"A": hostile}
    )

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        box.said("ready")
        await eventually_async(lambda: _printed(box, "voice", hostile))

    box.live(story)
    assert not box.file("pwned").exists()


def test_memory_is_that_of_the_whole_tree(box: Box) -> None:
    """A footprint without the children would be a lie."""
    alone = program("alone", "say", box.file("alone"))
    many = program("many", "hold", 32, "child", "hide", "say", box.file("many"))

    async def story(driver: CommandDriver) -> None:
        await asyncio.gather(driver.start(alone, None), driver.start(many, None))
        box.said("alone"), box.said("many")

        async def all_of_it() -> bool:
            small = (await driver.observe(alone)).memory_bytes or 0
            return ((await driver.observe(many)).memory_bytes or 0) > small + 32 * 2**20

        await eventually_async(all_of_it)
        await driver.stop(many, grace_s=0.1)

    box.live(story)


async def _printed(box: Box, name: str, text: str) -> bool:
    return text in box.log(name)

"""Programs on a box: how they start, what they are given, how they end."""

import asyncio
import os

from brownout.api.integration import Integration
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from tests.builders import make_integration
from tests.eventually import eventually_async
from tests.local.box import TABLE, Box, program, until


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


def test_a_daemon_leads_after_its_parent_has_ended_well(box: Box) -> None:
    """Exit status 0 with something left is a daemon: it counts as running, and no twin is started."""
    daemon = program("daemon", "hide", "say", box.file("ready"), "exit", 0)

    async def story(driver: CommandDriver) -> None:
        await driver.start(daemon, None)
        pid = box.said("ready")
        await eventually_async(lambda: _gone(pid))
        (left,) = box.processes("daemon")
        seen = await until(driver, daemon, Presence.RUNNING)
        assert seen.identity == f"{left.pid}:{left.started}"
        assert (await driver.start(daemon, None)).detail == "it runs so already"
        await driver.stop(daemon, grace_s=0.2)

    box.live(story)


def test_what_is_left_of_a_failed_program_is_ended_before_the_next_try(box: Box) -> None:
    """Half a workload is not one: its leader was killed, so its children go, and it is tried again."""
    torn = program("torn", "child", "hide", "say", box.file("ready"), "abort", stop={"grace": "100ms"})

    async def story(driver: CommandDriver) -> None:
        await driver.start(torn, None)
        seen = await until(driver, torn, Presence.FAILED)
        assert seen.detail.startswith("was ended by SIGKILL; next try in")
        assert box.processes() == ()

    box.live(story)


def test_a_program_that_exits_at_once_is_tried_again_with_patience(box: Box) -> None:
    """P-02: the reason, how often, and when next; and stop ends the trying."""
    quitter = program("quitter", "exit", 7)

    async def story(driver: CommandDriver) -> None:
        await driver.start(quitter, None)
        seen = await until(driver, quitter, Presence.FAILED)
        assert seen.detail.startswith("exited with 7; next try in ")
        assert (await driver.start(quitter, None)).status is OutcomeStatus.FAILED
        again = await eventually_async(lambda: _with_words(driver, quitter, "exited with 7, 2 times"))
        assert again
        assert (await driver.stop(quitter, grace_s=1.0)).status is OutcomeStatus.DONE
        assert (await driver.observe(quitter)).presence is Presence.STOPPED

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


def test_a_second_stop_cuts_the_first_short(box: Box) -> None:
    """The emergency does not wait for a graceful stop of a minute; both return when it is gone."""
    deaf = program("deaf", "ignore", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(deaf, None)
        box.said("ready")
        slow = asyncio.create_task(driver.stop(deaf, grace_s=3600.0))
        await eventually_async(lambda: _with_words(driver, deaf, "stopping"))
        fast = await driver.stop(deaf, grace_s=0.1)
        assert (fast.status, (await slow).status, box.processes()) == (OutcomeStatus.DONE, OutcomeStatus.DONE, ())

    box.live(story)


def test_a_stop_overtakes_a_start(box: Box) -> None:
    """Whenever the stop comes, nothing runs after it."""
    voice = program("voice")

    async def story(driver: CommandDriver) -> None:
        for turns in range(12):
            start = asyncio.create_task(driver.start(voice, None))
            for _ in range(turns):
                await asyncio.sleep(0)
            await driver.stop(voice, grace_s=0.2)
            await start
            if (await driver.observe(voice)).presence is not Presence.STOPPED:  # the start came after the stop
                await driver.stop(voice, grace_s=0.2)
            assert box.processes() == ()

    box.live(story)


def test_another_level_replaces_the_program(box: Box) -> None:
    """Never two at once, and the same level again changes nothing."""
    levels = [{"name": "full", "config": {"MODEL": "large"}}, {"name": "small", "config": {"MODEL": "small"}}]
    voice = program("voice", "environment", box.file("env"), "say", box.file("ready"), levels=levels)
    full, small = voice.spec.levels

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, full)
        first = box.said("ready")
        assert (await driver.start(voice, full)).detail == "it runs so already"
        box.file("ready").unlink()
        await driver.start(voice, small)
        second = box.said("ready")
        assert (len(box.processes()), first != second) == (1, True)
        assert "MODEL=small" in box.file("env").read_text()

    box.live(story)


def test_a_changed_spec_shows(box: Box) -> None:
    """What runs is not what the spec says now: the observation says so, and the next start mends it."""
    voice, changed = program("voice"), program("voice", env={"NEW": "1"})

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        assert not (await driver.observe(voice)).outdated
        assert (await driver.observe(changed)).outdated
        await driver.start(changed, None)
        assert not (await driver.observe(changed)).outdated
        assert len(box.processes()) == 1

    box.live(story)


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


def test_close_ends_everything_side_by_side(box: Box) -> None:
    """Nothing is left running that would have nobody to look after it."""
    several = [
        program(f"voice-{number}", "ignore", "say", box.file(str(number)), stop={"grace": "200ms"})
        for number in range(5)
    ]

    async def story(driver: CommandDriver) -> None:
        await asyncio.gather(*(driver.start(one, None) for one in several))
        for number in range(5):
            box.said(str(number))

    box.live(story)
    assert box.processes() == ()


def test_forgetting_ends_it_and_its_output(box: Box) -> None:
    """What is no longer declared leaves nothing behind."""
    voice = program("voice", "print", "hello", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        await eventually_async(lambda: _printed(box, "voice", "hello"))
        await driver.forget("voice")
        assert box.processes() == ()
        assert list((box.state / "logs").iterdir()) == []

    box.live(story)


async def _gone(pid: int) -> bool:
    return TABLE.identify(pid) is None


async def _with_words(driver: CommandDriver, integration: Integration, words: str) -> bool:
    return words in (await driver.observe(integration)).detail


async def _printed(box: Box, name: str, text: str) -> bool:
    return text in box.log(name)

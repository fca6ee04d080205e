"""Programs on a box over time: tried again, replaced, cut short, made daemons, closed, forgotten."""

import asyncio

from brownout.api.integration import Integration
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from tests.builders import make_integration
from tests.eventually import eventually_async
from tests.local.box import TABLE, Box, program, until


def test_a_daemon_leads_after_its_parent_has_ended_well(box: Box) -> None:
    """Exit status 0 with something left is a daemon: it counts as running, and no twin is started."""
    daemon = program("daemon", "hide", "say", box.file("ready"), "exit", 0)

    async def story(driver: CommandDriver) -> None:
        await driver.start(daemon, None)
        pid = box.said("ready")
        await eventually_async(lambda: _gone(pid))
        (left,) = box.processes("daemon")

        async def leads() -> bool:
            seen = await driver.observe(daemon)
            return (seen.presence, seen.identity) == (Presence.RUNNING, f"{left.pid}:{left.started}")

        await eventually_async(leads)
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
        # A program that is being executed bears its marks some microseconds after it was started.
        await eventually_async(lambda: _one(box))

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


def test_a_program_that_failed_is_started_anew_once_its_spec_is_mended(box: Box) -> None:
    """The old command is not retried for ever: the new spec counts as stopped, which is what asks for a start."""
    broken = make_integration("voice", workload={"command": {"argv": ["/no/such/program"]}})
    mended = program("voice", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(broken, None)
        assert (await driver.observe(broken)).presence is Presence.FAILED
        assert (await driver.observe(mended)).presence is Presence.STOPPED
        assert (await driver.start(mended, None)).status is OutcomeStatus.DONE
        box.said("ready")
        assert (await driver.observe(mended)).presence is Presence.RUNNING

    box.live(story)


async def _one(box: Box) -> bool:
    return len(box.processes()) == 1

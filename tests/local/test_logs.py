"""What programs print: bounded on disk, harmless to the program, lost rather than in the way."""

import asyncio
import shutil

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local.command import CommandDriver
from brownout.processes.logfile import LogFile
from tests.eventually import eventually_async
from tests.local.box import Box, program

MIB = 2**20


def test_a_flood_fills_neither_the_disk_nor_the_pipe(box: Box) -> None:
    """P-07: one endless line of hundreds of MiB: the program comes to its end, the disk holds 2 MiB."""
    flooder = program("flooder", "flood", 400, "print", "\nafter the flood", "say", box.file("done"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(flooder, None)
        await eventually_async(lambda: _exists(box, "done"), within_s=60.0)

    box.live(story)
    sizes = {path.name: path.stat().st_size for path in (box.state / "logs").iterdir() if path.is_file()}
    assert set(sizes) <= {"flooder.log", "flooder.log.1"}
    assert 0 < sum(sizes.values()) <= 2 * MIB + 1024


def test_standard_error_is_kept_beside_standard_output(box: Box) -> None:
    """Both, in the order in which they were written, only for the owner's eyes."""
    voice = program("voice", "print", "hello", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        box.said("ready")

    box.live(story)
    log = box.state / "logs" / "voice.log"
    assert log.read_text() == "hello\n"
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_comes_too_fast_is_counted_and_left_out(box: Box) -> None:
    """1 MiB a second is kept; what is missing is said, and the file never grows beyond 1 MiB."""
    log = LogFile(box.state / "voice.log", lambda _: None)
    assert log.take(b"a" * MIB, now=0.0)
    assert not log.take(b"b" * 100, now=0.0)
    assert log.take(b"c" * 100, now=1.0)
    log.close()
    assert (
        box.state / "voice.log"
    ).read_bytes() == b"\n[brownout: 100 bytes left out, more than 1 MiB/s]\n" + b"c" * 100
    assert (box.state / "voice.log.1").read_bytes() == b"a" * MIB


def test_a_disk_that_cannot_be_written_costs_only_the_output(box: Box) -> None:
    """The reason is told once, and writing goes on when it can."""
    told: list[str] = []
    (box.state).mkdir()
    (box.state / "voice.log").mkdir()
    log = LogFile(box.state / "voice.log", told.append)
    assert log.take(b"a", now=0.0)
    assert log.take(b"b", now=0.0)
    assert told == [f"cannot write {box.state / 'voice.log'}: Is a directory"]
    (box.state / "voice.log").rmdir()
    log.take(b"c", now=0.0)
    log.close()
    assert (box.state / "voice.log").read_bytes() == b"c"


def test_a_program_runs_without_output_where_no_pipe_can_be_made(box: Box) -> None:
    """D-08: the state folder is a file: the program runs all the same, and we say what is lost."""
    box.state.write_text("not a folder")
    voice = program("voice", "print", "hello", "say", box.file("ready"))

    async def story(driver: CommandDriver) -> None:
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        box.said("ready")

    box.live(story)
    assert box.faults == [("logs", "the output of voice is lost: Not a directory")]


def test_the_state_folder_may_vanish_while_a_program_runs(box: Box) -> None:
    """D-08: the folder is deleted: nothing stops, stop works, and the next start has a new pipe."""
    voice = program("voice", "say", box.file("ready"), "print", "hello")

    async def story(driver: CommandDriver) -> None:
        await driver.start(voice, None)
        box.said("ready")
        shutil.rmtree(box.state)
        assert (await driver.observe(voice)).presence is Presence.RUNNING
        assert (await driver.stop(voice, grace_s=1.0)).status is OutcomeStatus.DONE
        await driver.start(voice, None)
        await eventually_async(lambda: asyncio.to_thread(lambda: box.log("voice") == "hello\n"))

    box.live(story)


async def _exists(box: Box, name: str) -> bool:
    return box.file(name).exists()

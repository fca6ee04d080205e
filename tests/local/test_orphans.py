"""Children that come to the controller when their parents die: collected when dead, found when alive."""

import subprocess
import sys
from pathlib import Path

from brownout.local.command import CommandDriver
from brownout.processes.orphans import Orphans, become_subreaper
from tests.eventually import eventually, eventually_async
from tests.local.box import TABLE, Box, program

#: Starts a daemon that forgets its environment, its session and its parent, and prints its pid.
TRACELESS = """
import os, signal, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        waits = "import os, signal; open(1, 'w').write(str(os.getpid())); signal.pause()"
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", waits], {})
    os._exit(0)
os.wait()
"""


def test_a_zombie_that_nobody_collects_is_buried(box: Box) -> None:
    """At the second look; one that has an owner is gone by then."""
    become_subreaper()
    orphans = Orphans()
    child = subprocess.Popen(
        [sys.executable, "-c", "import os; print(os.fork() or os._exit(0)) or os._exit(0)"], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    with child.stdout:
        orphan = int(child.stdout.readline())
    child.wait()
    eventually(lambda: _state(orphan) == "Z")
    orphans.bury()
    assert _state(orphan) == "Z"
    orphans.bury()
    assert _state(orphan) == ""


def test_a_living_child_of_ours_is_no_stray(box: Box) -> None:
    """What others here have started is theirs: in our session, or leading one of its own."""
    become_subreaper()
    children = [subprocess.Popen(["sleep", "infinity"], start_new_session=new) for new in (True, False)]
    try:
        assert not {child.pid for child in children} & set(Orphans().strays())
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_a_daemon_without_a_trace_is_ended_with_the_controller(box: Box) -> None:
    """No marks, no session, no parent: it came to us, and nobody else here can have started it."""
    argv = [sys.executable, "-I", "-S", "-c", TRACELESS]
    sly = program("sly", workload={"command": {"argv": argv}})

    async def story(driver: CommandDriver) -> int:
        await driver.start(sly, None)
        await eventually_async(lambda: _printed(box))
        return int(box.log("sly"))

    stray = box.live(story)
    eventually(lambda: TABLE.identify(stray) is None)


async def _printed(box: Box) -> bool:
    return box.log("sly").isdigit()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""

"""Laws of place: who computes goes behind who answers, and has its place again afterwards.

They look at what the kernel has for each worker, which it then honours: its control group, or where there may be none
the niceness of each thread. How much that is worth on a machine is measured in the bench.
"""

import asyncio
import os
from pathlib import Path

import pytest

from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.cgroup import ControlGroup
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.precedence import BEHIND_STEPS, reversible
from tests.eventually import eventually_async
from tests.pluginhost.groups import cpu_folder, may_make
from tests.pluginhost.stage import Stage

#: Computes until it is told to stop, by another request.
COMPUTING = """
import threading
going = threading.Event()
def handle_request(request):
    if request.body == "stop": going.set()
    while request.body == "compute" and not going.is_set(): pass
"""
_GROUP = may_make()
GROUPED = _GROUP is not None and _GROUP.cpu is not None and _GROUP.cpu.idle
BESIDE, BEHIND, YIELDING = "beside", "behind", "behind, and gives way at once"


@pytest.fixture(params=["groups", "threads"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """By what workers are placed; the one that is for where we may make no groups works everywhere."""
    if request.param == "threads":
        monkeypatch.setattr(ControlGroup, "make", lambda *_, **__: "there are none")
    elif not GROUPED:
        pytest.skip("here we may make no group that gives way")
    return str(request.param)


@pytest.fixture
def comes_back(means: str) -> None:
    """Not where nobody who went behind may come back."""
    if means == "threads" and not reversible():
        pytest.skip("here nobody who went behind may come back")


def places(stage: Stage, *, of: str = "") -> set[str]:
    """Where each thread of each process of the plugins stands; of the one whose folder has this name."""
    found = set[str]()
    for process in stage.processes():
        cwd = Path(f"/proc/{process.pid}/cwd").resolve().name
        if cwd == (of or cwd):
            folder = cpu_folder(process.pid)
            found |= {_in_group(folder)} if folder else _by_threads(process.pid)
    return found


def _in_group(folder: Path) -> str:
    if (folder / "cpu.idle").read_text().strip() == "1":
        return YIELDING
    (weight,) = (int((folder / name).read_text()) for name in ("cpu.shares", "cpu.weight") if (folder / name).exists())
    return {1024: BESIDE, 100: BESIDE, 102: BEHIND, 10: BEHIND}[weight]


def _by_threads(pid: int) -> set[str]:
    last = min(19, os.getpriority(os.PRIO_PROCESS, 0) + BEHIND_STEPS)
    named = {last: BEHIND, os.getpriority(os.PRIO_PROCESS, 0): BESIDE}
    tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    idle = {task for task in tasks if os.sched_getscheduler(task) == os.SCHED_IDLE}
    return {YIELDING if task in idle else named[os.getpriority(os.PRIO_PROCESS, task)] for task in tasks}


@pytest.mark.usefixtures("comes_back")
def test_who_computes_is_behind_until_it_has_answered(stage: Stage) -> None:
    """With all its threads, and its neighbour, who is asked much and takes little, is not."""

    async def story(host: PluginHost) -> None:
        for name, source in (("bad", COMPUTING), ("good", "")):
            await host.start(stage.launch(name, source))
        computing = asyncio.ensure_future(stage.ask(host, "bad", "compute"))

        async def behind() -> bool:
            assert (await stage.ask(host, "good")).ok
            return places(stage, of="bad") == {YIELDING}

        assert await eventually_async(behind, every_s=0.01)
        assert places(stage, of="good") == {BESIDE}
        await stage.ask(host, "bad", "stop")
        assert (await computing).ok

        async def beside() -> bool:
            return places(stage, of="bad") == {BESIDE}

        assert await eventually_async(beside)

    stage.live(story)


@pytest.mark.usefixtures("comes_back")
def test_who_comes_up_again_is_behind_until_it_serves(stage: Stage) -> None:
    """At its first start it is not; after it has failed it is, while it computes; and then has a place like others."""
    source = """
        from os import _exit, path
        def initialize(config):
            while not path.exists("go"): pass
        def handle_request(request): _exit(1)
    """

    async def story(host: PluginHost) -> None:
        launch = stage.launch("slow", source)
        starting = asyncio.ensure_future(host.start(launch))

        async def at(place: str) -> bool:
            return places(stage) == {place}

        assert await eventually_async(lambda: at(BESIDE))
        (launch.folder / "go").touch()
        await starting
        (launch.folder / "go").unlink()
        assert (await stage.ask(host, "slow")).status is AnswerStatus.CRASHED
        assert await eventually_async(lambda: at(YIELDING), every_s=0.01)
        (launch.folder / "go").touch()
        assert await eventually_async(lambda: at(BESIDE))

    stage.live(story)


@pytest.mark.usefixtures("means")
def test_who_owes_an_answer_stays_behind(stage: Stage) -> None:
    """Everywhere, also where nobody may come back; and though it does not compute, for nobody knows what it does."""
    source = "def handle_request(request):\n  while request.body: __import__('time').sleep(0.01)\n"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("hung", source, limits={"requestTimeout": "500ms", "concurrency": 2}))
        assert (await stage.ask(host, "hung", "hang")).status is AnswerStatus.TOO_SLOW
        assert places(stage) <= {BEHIND, YIELDING}
        for _ in range(20):
            assert (await stage.ask(host, "hung")).ok
        assert places(stage) <= {BEHIND, YIELDING}
        await host.stop("hung", grace_s=0.0)

    stage.live(story)


@pytest.mark.usefixtures("means")
def test_what_a_plugin_starts_is_behind_with_it(stage: Stage) -> None:
    """A child that it forked before, too: they are of one group, which nothing of it can leave."""
    source = """
        import os, time
        def handle_request(request):
            if not os.fork():
                while True: time.sleep(1)
            while True: time.sleep(0.01)
    """

    async def story(host: PluginHost) -> None:
        limits = {"requestTimeout": "300ms", "concurrency": 2}
        await host.start(stage.launch("forked", source, limits=limits, needs={"programs": ["sh"]}))
        assert (await stage.ask(host, "forked")).status is AnswerStatus.TOO_SLOW
        assert len(stage.processes()) == 2
        assert places(stage) <= {BEHIND, YIELDING}
        await host.stop("forked", grace_s=0.0)

    stage.live(story)

"""Laws of place: who computes goes behind who answers, and has its place again afterwards.

They look at the niceness that the kernel has for each thread, which it then honours; how much that is worth on a
machine is measured in the bench.
"""

import asyncio
import os
from pathlib import Path

import pytest

from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.precedence import BEHIND_STEPS, reversible
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

#: Computes until it is told to stop, by another request.
COMPUTING = """
import threading
going = threading.Event()
def handle_request(request):
    if request.body == "stop": going.set()
    while request.body == "compute" and not going.is_set(): pass
"""
comes_back = pytest.mark.skipif(not reversible(), reason="here nobody who went behind may come back")


def steps_behind(stage: Stage, *, of: str = "") -> set[int]:
    """How far behind us each thread of each process of the plugins is; of the one whose folder has this name."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    found = set[int]()
    for process in stage.processes():
        root = Path(f"/proc/{process.pid}")
        if (root / "cwd").resolve().name == (of or (root / "cwd").resolve().name):
            found |= {os.getpriority(os.PRIO_PROCESS, int(task.name)) - own for task in (root / "task").iterdir()}
    return found


@comes_back
def test_who_computes_is_behind_until_it_has_answered(stage: Stage) -> None:
    """With all its threads, and its neighbour, who is asked much and takes little, is not."""

    async def story(host: PluginHost) -> None:
        for name, source in (("bad", COMPUTING), ("good", "")):
            await host.start(stage.launch(name, source))
        computing = asyncio.ensure_future(stage.ask(host, "bad", "compute"))

        async def behind() -> bool:
            assert (await stage.ask(host, "good")).ok
            return steps_behind(stage, of="bad") == {BEHIND_STEPS}

        assert await eventually_async(behind, every_s=0.01)
        assert steps_behind(stage, of="good") == {0}
        await stage.ask(host, "bad", "stop")
        assert (await computing).ok

        async def beside() -> bool:
            return steps_behind(stage, of="bad") == {0}

        assert await eventually_async(beside)

    stage.live(story)


@comes_back
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

        async def at(steps: int) -> bool:
            return steps_behind(stage) == {steps}

        assert await eventually_async(lambda: at(0))
        (launch.folder / "go").touch()
        await starting
        (launch.folder / "go").unlink()
        assert (await stage.ask(host, "slow")).status is AnswerStatus.CRASHED
        assert await eventually_async(lambda: at(BEHIND_STEPS), every_s=0.01)
        (launch.folder / "go").touch()
        assert await eventually_async(lambda: at(0))

    stage.live(story)


def test_who_owes_an_answer_stays_behind(stage: Stage) -> None:
    """Everywhere, also where nobody may come back; and though it does not compute, for nobody knows what it does."""
    source = "def handle_request(request):\n  while request.body: __import__('time').sleep(0.01)\n"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("hung", source, limits={"requestTimeout": "100ms", "concurrency": 2}))
        assert (await stage.ask(host, "hung", "hang")).status is AnswerStatus.TOO_SLOW
        assert steps_behind(stage) == {BEHIND_STEPS}
        for _ in range(20):
            assert (await stage.ask(host, "hung")).ok
        assert steps_behind(stage) == {BEHIND_STEPS}
        await host.stop("hung", grace_s=0.0)

    stage.live(story)


def test_what_a_plugin_starts_is_behind_with_it(stage: Stage) -> None:
    """A child that it forked before, too: they are of one process group, which nothing of it can leave."""
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
        assert steps_behind(stage) == {BEHIND_STEPS}
        await host.stop("forked", grace_s=0.0)

    stage.live(story)

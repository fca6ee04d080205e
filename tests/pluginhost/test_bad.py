"""Laws of containment: whatever a plugin does, it is named for it, and those beside it do not notice."""

import asyncio

import pytest

from brownout.api.reasons import Circuit
from brownout.bootstrap.clock import SteadyClock
from brownout.engine.circuits import DEFAULT_THRESHOLD, Circuits
from brownout.pluginhost.host import PluginHost
from tests.eventually import eventually_async
from tests.pluginhost.bad import BAD, SOUND, Bad
from tests.pluginhost.stage import Stage

GOOD = ("one", "two", "three")
#: Beyond the limit on its memory: what the kernel counts to the group later, and pages that two share.
SLACK_BYTES = 16 * 2**20


class Watch:
    """Looks at the bad one while it is asked: its answers, its circuit, and the most that it held."""

    def __init__(self, stage: Stage, host: PluginHost) -> None:
        self._stage, self._host = stage, host
        self.said: list[str] = []
        self.failed_in_a_row = self.longest = 0
        self.opened = False
        self.most_bytes = 0

    async def ask(self) -> None:
        """Two requests at once, and a look."""
        for answer in await asyncio.gather(*(self._stage.ask(self._host, "bad") for _ in range(2))):
            self.said.append(answer.detail)
            self.failed_in_a_row = 0 if answer.ok else self.failed_in_a_row + 1
            self.longest = max(self.longest, self.failed_in_a_row)
        self.opened |= circuit_of(self._stage, "bad") is not Circuit.CLOSED
        self.most_bytes = max(self.most_bytes, await self._host.memory_bytes("bad") or 0)


def circuit_of(stage: Stage, name: str) -> Circuit:
    """The circuit of a plugin now."""
    assert stage.circuits is not None
    return stage.circuits.of(name, now=SteadyClock().now()).circuit


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_plugin_is_contained_and_its_reason_is_named(stage: Stage, bad: Bad) -> None:
    """Three good ones beside it answer every request rightly meanwhile; at the end nothing of it is left.

    What fails again and again gets no requests any more, and whatever it tries it holds no more than it may.
    """
    stage.circuits = Circuits(lambda openings: 0.05 * openings)

    async def story(host: PluginHost) -> None:
        for name in GOOD:
            await host.start(stage.launch(name, SOUND))
        launch = stage.launch("bad", bad.source, **bad.manifest)
        await host.start(launch)
        watch = Watch(stage, host)

        async def named() -> bool:
            await watch.ask()
            return any(word in each for word in bad.says for each in (*watch.said, *stage.faults))

        asking = asyncio.ensure_future(eventually_async(named, within_s=20.0))
        served = 0
        while not asking.done():
            answers = await asyncio.gather(*(stage.ask(host, name, served) for name in GOOD))
            assert len({answer.body for answer in answers}) == 1
            assert all(answer.ok for answer in answers), answers
            served += 1
        assert asking.exception() is None, (watch.said[-8:], stage.faults[-8:])
        assert served > 0
        while watch.failed_in_a_row > 0 and not watch.opened:
            await watch.ask()
        assert watch.opened or watch.longest < DEFAULT_THRESHOLD
        assert watch.most_bytes <= launch.limits.memory + SLACK_BYTES
        for name in GOOD:
            assert (await host.check(name, within_s=5.0)).ok
            assert circuit_of(stage, name) is Circuit.CLOSED
        if bad.lives:
            assert not any("exited" in fault for fault in stage.faults)

    stage.live(story)

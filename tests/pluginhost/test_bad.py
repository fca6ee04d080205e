"""Laws of containment: whatever a plugin does, it is named for it, and those beside it do not notice."""

import asyncio

import pytest

from brownout.pluginhost.host import PluginHost
from tests.eventually import eventually_async
from tests.pluginhost.bad import BAD, SOUND, Bad
from tests.pluginhost.stage import Stage

GOOD = ("one", "two", "three")


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_plugin_is_contained_and_its_reason_is_named(stage: Stage, bad: Bad) -> None:
    """Three good ones beside it answer every request rightly meanwhile; at the end nothing of it is left."""

    async def story(host: PluginHost) -> None:
        for name in GOOD:
            await host.start(stage.launch(name, SOUND))
        await host.start(stage.launch("bad", bad.source, **bad.manifest))
        said: list[str] = []

        async def named() -> bool:
            answers = await asyncio.gather(*(stage.ask(host, "bad") for _ in range(2)))
            said.extend(answer.detail for answer in answers)
            return any(word in each for word in bad.says for each in (*said, *stage.faults))

        asking = asyncio.ensure_future(eventually_async(named))
        served = 0
        while not asking.done():
            answers = await asyncio.gather(*(stage.ask(host, name, served) for name in GOOD))
            assert len({answer.body for answer in answers}) == 1
            assert all(answer.ok for answer in answers), answers
            served += 1
        await asking
        assert served > 0
        for name in GOOD:
            assert (await host.check(name, within_s=5.0)).ok
        if bad.lives:
            assert not any("exited" in fault for fault in stage.faults)

    stage.live(story)

"""Laws of calls that cross: whatever comes at the same moment, what was asked for last is so in the end."""

import asyncio

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import Answer
from brownout.pluginhost.host import PluginHost
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

SLOW = """
import time
def handle_request(request):
    time.sleep(request.body)
    return request.body
"""


async def _under_way(host: PluginHost, key: str) -> bool:
    seen = host.presence(key)
    return seen is not None and seen.detail == "stopping"


def test_a_stop_while_an_exchange_weighs_its_memory_leaves_nothing(stage: Stage) -> None:
    """The new version is not born any more: it would run on for ever, looked after by nobody."""
    stops: list[asyncio.Task[object]] = []

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("voice", config={"version": 1}))
        stage.free = lambda: stops.append(asyncio.ensure_future(host.stop("voice", grace_s=0.0)))
        changed = await host.start(stage.launch("voice", config={"version": 2}))
        assert changed.status is OutcomeStatus.SKIPPED
        await asyncio.gather(*stops)
        seen = host.presence("voice")
        assert seen is not None
        assert seen.presence is Presence.STOPPED
        assert stage.processes() == ()

    stage.live(story)


def test_a_stop_while_it_is_put_to_sleep_is_not_undone(stage: Stage) -> None:
    """What comes up is ended first, since its new version is loaded lazily: told to stop meanwhile, it is off."""
    stuck = "import time\ndef initialize(config): time.sleep(60)"

    async def story(host: PluginHost) -> None:
        coming = asyncio.ensure_future(host.start(stage.launch("voice", stuck)))
        assert await eventually_async(lambda: _runs(stage))
        sleeping = asyncio.ensure_future(host.start(stage.launch("voice", load="Lazy")))
        for _ in range(3):
            await asyncio.sleep(0)  # it is about to end what comes up
        await host.stop("voice", grace_s=0.0)
        assert (await sleeping).status is OutcomeStatus.SKIPPED
        seen = host.presence("voice")
        assert seen is not None
        assert (seen.presence, seen.asleep) == (Presence.STOPPED, False)
        await coming

    stage.live(story)


async def _runs(stage: Stage) -> bool:
    return bool(stage.processes())


def test_a_start_while_it_is_being_ended_waits_for_the_end_and_starts_it(stage: Stage) -> None:
    """Whoever switches it on again in that moment gets what runs, is asked and is looked after, the same or another."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("voice", SLOW))
        for version in (0, 1):
            asking = await _in_hand(stage, host, 0.4)
            stopping = asyncio.ensure_future(host.stop("voice", grace_s=5.0))
            await eventually_async(lambda: _under_way(host, "voice"))
            started = await host.start(stage.launch("voice", SLOW, config={"version": version}))
            assert (await stopping).status is OutcomeStatus.DONE
            assert (await asking).body == 0.4
            assert started.status is OutcomeStatus.DONE
            assert (await stage.ask(host, "voice", 0.0)).body == 0.0
            assert len(stage.processes()) == 1

    stage.live(story)


def test_a_stop_that_nobody_waits_for_goes_on_to_its_end(stage: Stage) -> None:
    """It is not said to run for ever after."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("voice", SLOW))
        asking = await _in_hand(stage, host, 0.4)
        stopping = asyncio.ensure_future(host.stop("voice", grace_s=5.0))
        await eventually_async(lambda: _under_way(host, "voice"))
        stopping.cancel()
        await asyncio.gather(stopping, asking, return_exceptions=True)

        async def gone() -> bool:
            seen = host.presence("voice")
            return seen is not None and seen.presence is Presence.STOPPED

        assert await eventually_async(gone)
        assert stage.processes() == ()

    stage.live(story)


def test_what_is_declared_anew_while_it_is_forgotten_is_not_lost(stage: Stage) -> None:
    """It is started once the old one is gone, answers, and is ended with the host."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("voice", SLOW))
        asking = await _in_hand(stage, host, 0.3)
        forgetting = asyncio.ensure_future(host.forget("voice", grace_s=5.0))
        await eventually_async(lambda: _under_way(host, "voice"))
        assert (await host.start(stage.launch("voice", SLOW))).status is OutcomeStatus.DONE
        await asyncio.gather(forgetting, asking)
        assert (await stage.ask(host, "voice", 0.0)).body == 0.0

    stage.live(story)


async def _in_hand(stage: Stage, host: PluginHost, for_s: float) -> asyncio.Future[Answer]:
    """A request that takes so long, which the plugin has in hand."""
    asking = asyncio.ensure_future(stage.ask(host, "voice", for_s))
    await eventually_async(lambda: _busy(host))
    return asking


async def _busy(host: PluginHost) -> bool:
    return host._keepers["voice"]._gate.in_hand == 1

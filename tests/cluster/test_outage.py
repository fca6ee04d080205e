"""The API server goes away and comes back: what is known stands, what is to be said is said later, nothing gives up."""

import asyncio
import logging

import pytest

from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus
from tests.apiserver.cluster import ApiServer
from tests.cluster.homes import Running, with_home
from tests.cluster.world import world_in
from tests.eventually import eventually_async

# With its own settings kopf tries 9 times, which takes 54 s, and then ends for good (kopf 1145, 1276).
KOPFS_OWN_TRIES = 9
DOWN = IntegrationStatus(state=State.DISABLED)


def test_an_outage_longer_than_kopfs_patience(own_api_server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    """The watch is tried again past kopf's own end; afterwards edits are seen and the offered status is written."""
    world = world_in(own_api_server)
    key = world.integration()
    caplog.set_level(logging.ERROR, logger="kopf")

    async def act(running: Running) -> None:
        await running.sees(key)
        own_api_server.stop()
        assert not await running.home.write_status(key, DOWN)
        await eventually_async(lambda: tried(caplog, KOPFS_OWN_TRIES + 1), within_s=60.0)
        assert key in running.home.inventory().integrations
        assert await running.home.current(key) is not None
        assert "does not answer" in " ".join(running.home.faults())
        assert running.home.may_act(key)
        own_api_server.start()
        world.edit(priority=3)
        await running.sees(key, lambda voice: voice.spec.priority == 3)
        assert await running.home.write_status(key, DOWN)
        await running.ready()
        world.edit(priority=4)
        await running.sees(key, lambda voice: voice.spec.priority == 4)

    with_home(world, act)
    assert world.seen()["status"]["state"] == "Disabled"


def test_what_was_deleted_during_an_outage_is_gone_after_it(own_api_server: ApiServer) -> None:
    """The API server comes back without the object: the listing on its return says so."""
    world = world_in(own_api_server)
    keys = [world.integration(name) for name in ("voice", "android")]

    async def act(running: Running) -> None:
        for key in keys:
            await running.sees(key)
        # An outage as seen from here: the object goes while nothing of it reaches us.
        own_api_server.pause()
        assert not await running.home.write_status(keys[0], DOWN)
        own_api_server.resume()
        await eventually_async(lambda: is_ready(own_api_server))
        own_api_server.request("DELETE", f"{world.integrations}/voice")
        await eventually_async(lambda: gone(running, keys[0]))
        assert keys[1] in running.home.inventory().integrations

    with_home(world, act)


def test_a_frozen_api_server_never_holds_up_the_planner(own_api_server: ApiServer) -> None:
    """It accepts connections and says nothing: reading from memory is instant, a write gives up after its 5 s."""
    world = world_in(own_api_server)
    key = world.integration()

    async def act(running: Running) -> None:
        await running.sees(key)
        own_api_server.pause()
        async with asyncio.timeout(1):
            assert key in running.home.inventory().integrations
            await running.home.announce(key, "Emergency", "RAM 96 %", warning=True)
        async with asyncio.timeout(10):
            assert not await running.home.write_status(key, DOWN)
        own_api_server.resume()
        await eventually_async(lambda: says(running, key))
        await eventually_async(lambda: told(world.events), within_s=30.0)  # tried again after up to 10 s

    with_home(world, act)


async def tried(caplog: pytest.LogCaptureFixture, times: int) -> bool:
    """Whether kopf has tried one request so often."""
    return any(f"attempt #{times} " in record.getMessage() for record in caplog.records)


async def is_ready(server: ApiServer) -> bool:
    """Whether it answers again."""
    return server.ready()


async def gone(running: Running, key: str) -> bool:
    """Whether it is declared no more."""
    return key not in running.home.inventory().integrations


async def says(running: Running, key: str) -> bool:
    """Whether the status is taken now."""
    return await running.home.write_status(key, DOWN)


async def told(events: object) -> bool:
    """Whether the Event that was queued is there."""
    assert callable(events)
    return [event["reason"] for event in events()] == ["Emergency"]

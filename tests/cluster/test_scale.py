"""The workload `scale` on a real API server: to 0 and back, and everybody else's hand respected."""

import asyncio

import pytest

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from tests.apiserver.cluster import ApiServer
from tests.cluster.homes import Running, with_home
from tests.cluster.world import world_in


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_two_replicas_go_to_none_and_come_back(api_server: ApiServer, namespace: str, kind: str) -> None:
    """What it had is told by the stop and given back by the start; observing tells the truth all the while."""
    world = world_in(api_server, namespace)
    world.workload(kind=kind)
    key = world.integration(kind=kind)

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        before = await running.driver.observe(voice)
        assert (before.presence, before.replicas) == (Presence.RUNNING, 2)
        stopped = await running.driver.stop(voice, grace_s=1.0)
        assert (stopped.status, stopped.replicas_before) == (OutcomeStatus.DONE, 2)
        assert world.replicas(kind=kind) == 0
        down = await running.driver.observe(voice)
        assert (down.presence, down.resumable) == (Presence.STOPPED, False)
        assert down.identity != before.identity
        assert (await running.driver.start(voice, None, replicas=2)).status is OutcomeStatus.DONE
        assert world.replicas(kind=kind) == 2
        again = await running.driver.observe(voice)
        assert (again.replicas, again.identity != before.identity) == (2, True)

    with_home(world, act)


def test_both_are_idempotent(api_server: ApiServer, namespace: str) -> None:
    """Stopping what stands still and starting what runs change nothing, and remember nothing wrong."""
    world = world_in(api_server, namespace)
    world.workload()
    key = world.integration()

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        assert (await running.driver.start(voice, None)).status is OutcomeStatus.DONE
        first = await running.driver.stop(voice, grace_s=1.0)
        second = await running.driver.stop(voice, grace_s=1.0)
        assert (first.replicas_before, second.replicas_before) == (2, None)
        assert second.status is OutcomeStatus.DONE

    with_home(world, act)


def test_a_level_is_a_number_of_replicas(api_server: ApiServer, namespace: str) -> None:
    """Lowering sets the level's number and remembers the owner's; an integration with numbers can be resumed from 0."""
    world = world_in(api_server, namespace)
    world.workload(replicas=5)
    levels = [{"name": "full", "config": {"replicas": 3}}, {"name": "reduced", "config": {"replicas": 1}}]
    key = world.integration(levels=levels)

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        lowered = await running.driver.start(voice, voice.spec.levels[1])
        assert (world.replicas(), lowered.replicas_before) == (1, 5)
        await running.driver.stop(voice, grace_s=0.0)
        assert (await running.driver.observe(voice)).resumable
        await running.driver.start(voice, voice.spec.levels[0])
        assert world.replicas() == 3

    with_home(world, act)


def test_a_rival_is_seen_and_respected(api_server: ApiServer, namespace: str) -> None:
    """Somebody scales up what we hold at 0: it runs, the detail says whose hand it was, and we do not undo it."""
    world = world_in(api_server, namespace)
    world.workload()
    key = world.integration()

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        await running.driver.stop(voice, grace_s=0.0)
        world.scale(5)
        seen = await running.driver.observe(voice)
        assert (seen.presence, seen.detail) == (Presence.RUNNING, "somebody else scaled it from 0 to 5")
        assert (await running.driver.start(voice, None, replicas=2)).status is OutcomeStatus.DONE
        assert world.replicas() == 5

    with_home(world, act)


def test_somebody_elses_zero_is_not_ours_to_undo(api_server: ApiServer, namespace: str) -> None:
    """Nothing is remembered of it, and a start without a number fails with what would help."""
    world = world_in(api_server, namespace)
    world.workload(replicas=0)
    key = world.integration()

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        seen = await running.driver.observe(voice)
        assert (seen.presence, seen.resumable) == (Presence.STOPPED, False)
        assert (await running.driver.stop(voice, grace_s=0.0)).replicas_before is None
        outcome = await running.driver.start(voice, None)
        assert outcome.status is OutcomeStatus.FAILED
        assert "scale it up" in outcome.detail
        assert world.replicas() == 0

    with_home(world, act)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"kind": "Deployment", "name": "nobody"}, "there is no Deployment nobody in namespace"),
        ({"kind": "Nonsense", "name": "voice"}, "there is no kind Nonsense in apps/v1"),
        ({"kind": "ControllerRevision", "name": "voice"}, "ControllerRevision of apps/v1 cannot be scaled"),
        ({"apiVersion": "nowhere.io/v1", "kind": "Deployment", "name": "voice"}, "serves no nowhere.io/v1"),
    ],
)
def test_a_target_that_is_not_there_is_an_observation(
    api_server: ApiServer, namespace: str, target: dict[str, str], said: str
) -> None:
    """One wrong name leaves the rest of the controller alone (acto 62); stopping it is done, starting it fails."""
    world = world_in(api_server, namespace)
    key = world.integration(workload={"scale": {"apiVersion": "apps/v1", **target}})

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        seen = await running.driver.observe(voice)
        assert seen.presence is Presence.MISSING
        assert said in seen.detail
        assert (await running.driver.stop(voice, grace_s=0.0)).status is OutcomeStatus.DONE
        assert (await running.driver.start(voice, None, replicas=1)).status is OutcomeStatus.FAILED

    with_home(world, act)


def test_only_the_integrations_own_namespace_is_reached(api_server: ApiServer, namespace: str) -> None:
    """A Deployment of the same name elsewhere is not seen, let alone scaled."""
    world = world_in(api_server, namespace)
    elsewhere = world_in(api_server, "default")
    elsewhere.workload("only-elsewhere")
    key = world.integration("only-elsewhere")

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        assert (await running.driver.observe(voice)).presence is Presence.MISSING
        await running.driver.stop(voice, grace_s=0.0)
        assert elsewhere.replicas("only-elsewhere") == 2

    with_home(world, act)
    api_server.request("DELETE", "/apis/apps/v1/namespaces/default/deployments/only-elsewhere")


def test_pods_are_waited_for_and_an_emergency_shortens_the_wait(api_server: ApiServer, namespace: str) -> None:
    """A stop of a minute returns as soon as another one has no more patience; both say what is still there."""
    world = world_in(api_server, namespace)
    world.workload()
    key = world.integration()
    path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/voice/status"
    assert world.server.request("PATCH", path, {"status": {"replicas": 2}}).status == 200

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        graceful = asyncio.create_task(running.driver.stop(voice, grace_s=60.0))
        await running.sees(key)
        urgent = await running.driver.stop(voice, grace_s=0.0)
        async with asyncio.timeout(10):
            outcome = await graceful
        assert urgent.status is outcome.status is OutcomeStatus.DONE
        assert "2 of its pods still end" in outcome.detail
        assert {urgent.replicas_before, outcome.replicas_before} == {2, None}
        assert "still end" in (await running.driver.observe(voice)).detail

    with_home(world, act)


def test_without_the_api_server_nothing_is_claimed(own_api_server: ApiServer) -> None:
    """Observing says that it is not known, acting says that it failed; neither raises nor hangs."""
    world = world_in(own_api_server)
    world.workload()
    key = world.integration()

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        own_api_server.stop()
        assert (await running.driver.observe(voice)).presence is Presence.UNKNOWN
        assert (await running.driver.stop(voice, grace_s=60.0)).status is OutcomeStatus.FAILED
        own_api_server.start()
        assert (await running.driver.observe(voice)).replicas == 2

    with_home(world, act)

"""The cluster home on a real API server: what is declared, what is told, and what it leaves alone."""

import asyncio

import pytest

from brownout.api.reasons import Reason, State
from brownout.api.status import IntegrationStatus, PolicyStatus
from tests.apiserver.audit import audit_events
from tests.apiserver.cluster import ApiServer
from tests.apiserver.kubectl import Kubectl
from tests.apiserver.users import ADMIN
from tests.cluster.homes import Running, running_home, with_home
from tests.cluster.world import POLICIES, world_in
from tests.eventually import eventually, eventually_async
from tests.local.loops import run

DISABLED = IntegrationStatus(
    state=State.DISABLED,
    reason=Reason.ABOVE_THRESHOLD,
    message="RAM 84 %: disabled voice",
    since="2026-01-02T03:04:05Z",
    replicas_before=2,
)


def test_an_empty_index_is_not_an_empty_cluster(api_server: ApiServer, namespace: str) -> None:
    """Before the first listing nothing is complete and nothing may be acted on; after it everything is there."""
    world = world_in(api_server, namespace)
    key = world.integration()

    async def story() -> None:
        async with running_home(api_server.admin_kubeconfig, namespace=namespace) as running:
            assert not running.home.inventory().complete
            assert running.home.faults()
            assert not running.home.may_act(key)
            await running.ready()
            assert key in running.home.inventory().integrations
            assert running.home.may_act(key)

    run(story())


def test_wishes_wake_the_planner_and_our_own_words_do_not(api_server: ApiServer, namespace: str) -> None:
    """Created, edited, deleted: each returns from `changed`. A status that we write does not."""
    world = world_in(api_server, namespace)

    async def act(running: Running) -> None:
        home = running.home
        await home.changed()
        key = world.integration()
        await running.sees(key)
        await home.changed()
        world.edit(priority=7)
        await running.sees(key, lambda voice: voice.spec.priority == 7)
        await home.changed()
        assert await home.write_status(key, DISABLED)
        await running.sees(key, lambda voice: voice.status and voice.status.state is State.DISABLED)
        woken = asyncio.create_task(home.changed())
        assert not (await asyncio.wait([woken], timeout=0.5))[0]
        api_server.request("DELETE", f"{world.integrations}/voice")
        async with asyncio.timeout(10):
            await woken
        await eventually_async(lambda: _gone(running, key))

    with_home(world, act)


async def _gone(running: Running, key: str) -> bool:
    return key not in running.home.inventory().integrations


def test_a_status_is_written_once_and_as_a_whole(api_server: ApiServer, namespace: str) -> None:
    """The same words cost no request; other words replace all of the old ones."""
    world = world_in(api_server, namespace)
    key = world.integration()

    async def act(running: Running) -> None:
        assert await running.home.write_status(key, DISABLED)
        version = world.seen()["metadata"]["resourceVersion"]
        assert world.seen()["status"]["replicasBefore"] == 2
        for _ in range(3):
            assert await running.home.write_status(key, DISABLED)
        assert world.seen()["metadata"]["resourceVersion"] == version
        assert await running.home.write_status(key, IntegrationStatus(state=State.ENABLED))
        assert world.seen()["status"] == {"state": "Enabled", "conditions": []}

    with_home(world, act)


def test_a_status_never_reaches_a_successor_of_the_same_name(api_server: ApiServer, namespace: str) -> None:
    """Deleted and made again before the watch told of it: the words about the first are not put on the second."""
    world = world_in(api_server, namespace)
    key = world.integration()

    async def act(running: Running) -> None:
        first = running.home._integrations.shelf.get(key)
        assert first is not None
        api_server.request("DELETE", f"{world.integrations}/voice")
        world.integration()
        # The shelf as it would be had the news not come yet.
        running.home._integrations.shelf._snapshots[key] = first
        await running.home._statuses._put(first, DISABLED.to_wire())
        assert "status" not in world.seen()
        assert (await running.sees(key, lambda voice: voice.uid != first.uid)).uid == world.seen()["metadata"]["uid"]

    with_home(world, act)


def test_garbage_in_a_status_harms_nothing(api_server: ApiServer, namespace: str) -> None:
    """Whoever may write the status may write nonsense that the schema lets pass; ours replaces it."""
    world = world_in(api_server, namespace)
    key = world.integration()
    nonsense = {"status": {"message": "\u202e" * 100, "since": "yesterday", "replicasBefore": 7}}
    assert api_server.request("PATCH", f"{world.integrations}/voice/status", nonsense).status in {200, 422}

    async def act(running: Running) -> None:
        await running.sees(key)
        assert await running.home.write_status(key, DISABLED)
        assert world.seen()["status"]["replicasBefore"] == 2

    with_home(world, act)


def test_just_before_acting_it_is_read_again(api_server: ApiServer, namespace: str) -> None:
    """`current` gives what stands in the API server now, and None for what is gone."""
    world = world_in(api_server, namespace)
    key = world.integration()

    async def act(running: Running) -> None:
        await running.sees(key)
        world.edit(priority=3)
        found = await running.home.current(key)
        assert found is not None
        assert found.spec.priority == 3
        api_server.request("DELETE", f"{world.integrations}/voice")
        assert await running.home.current(key) is None
        assert await running.home.write_status(key, DISABLED)

    with_home(world, act)


def test_people_read_the_decision_where_they_look(api_server: ApiServer, namespace: str, kubectl: Kubectl) -> None:
    """`kubectl get` has the columns, `describe` the status and the Event, `wait` the state."""
    world = world_in(api_server, namespace)
    key = world.integration(priority=10)

    async def act(running: Running) -> None:
        await running.home.write_status(key, DISABLED)
        for _ in range(2):
            await running.home.announce(key, "AboveThreshold", "RAM 84 %: disabled voice", warning=True)
        await eventually_async(lambda: _counted(2))

    async def _counted(times: int) -> bool:
        return [event["count"] for event in world.events()] == [times]

    with_home(world, act)
    assert "Disabled" in kubectl("get", "integrations")
    assert "AboveThreshold" in kubectl("get", "intg", "--output=wide")
    described = kubectl("describe", "integration", "voice")
    assert "Replicas Before:  2" in described
    assert "Warning  AboveThreshold" in described
    assert "RAM 84 %: disabled voice" in described
    kubectl("wait", "integration/voice", "--for=jsonpath={.status.state}=Disabled", "--timeout=5s")


def test_nothing_is_put_onto_users_objects(api_server: ApiServer, namespace: str) -> None:
    """No finalizer, no annotation, no label; and the spec is never written."""
    world = world_in(api_server, namespace)
    world.workload()
    world.policy(interval="1s")
    key = world.integration()
    before = world.seen()

    async def act(running: Running) -> None:
        voice = await running.sees(key)
        await running.home.write_status(key, DISABLED)
        await running.home.write_policy_status(PolicyStatus(memory_percent=50.0))
        await running.driver.stop(voice, grace_s=0.0)
        world.edit(priority=5)
        await running.sees(key, lambda voice: voice.spec.priority == 5)

    with_home(world, act)
    after = world.seen()
    policy = api_server.request("GET", f"{POLICIES}/default").body
    for metadata in (after["metadata"], policy["metadata"]):
        assert not {"finalizers", "annotations", "labels"} & set(metadata)
    assert after["spec"] == {**before["spec"], "priority": 5}


def test_the_policy_carries_the_heartbeat_and_its_figures(api_server: ApiServer, namespace: str) -> None:
    """Written once per beat however often it is called, and it comes back through the watch."""
    world = world_in(api_server, namespace)
    world.policy(interval="1s")

    async def act(running: Running) -> None:
        for percent in range(10):
            assert await running.home.write_policy_status(PolicyStatus(memory_percent=50.0 + percent, node="one"))
        status = api_server.request("GET", f"{POLICIES}/default").body["status"]
        assert status["memoryPercent"] == 50
        assert status["heartbeat"]
        await eventually_async(lambda: _no_silence(running))

    async def _no_silence(running: Running) -> bool:
        return not running.home._policies._canary._awaited

    with_home(world, act)


@pytest.mark.parametrize("with_policy", [True, False])
def test_an_idle_home_writes_nothing_but_the_heartbeat(
    api_server: ApiServer, namespace: str, *, with_policy: bool
) -> None:
    """Leases are renewed and the policy's status is written; nothing else, though words are offered each tick."""
    world = world_in(api_server, namespace)
    keys = [world.integration(name) for name in ("voice", "android")]
    if with_policy:
        world.policy(interval="1s")

    async def act(running: Running) -> None:
        for key in keys:
            await running.sees(key)
            await running.home.write_status(key, DISABLED)
        written = len(writes())
        for tick in range(20):
            for key in keys:
                await running.home.write_status(key, DISABLED)
            await running.home.write_policy_status(PolicyStatus(memory_percent=float(tick)))
            await asyncio.wait([running.task], timeout=0.1)
        await eventually_async(lambda: _renewed(written))

    async def _renewed(since: int) -> bool:
        return len(writes()) > since

    def writes() -> list[str]:
        found = audit_events(api_server.audit_log, user=ADMIN)
        return [event.resource for event in found if event.is_write and "coordination" in event.uri + event.resource]

    with_home(world, act)
    ours = [
        (event.resource, event.name)
        for event in audit_events(api_server.audit_log, user=ADMIN)
        if event.is_write and (event.namespace == namespace or event.resource.startswith("brownoutpolicies"))
    ]
    start = max(at for at, one in enumerate(ours) if one[0] == "integrations/status")
    idle = set(ours[start + 1 :]) - {("integrations", "")}
    allowed = {("leases", "brownout"), ("brownoutpolicies/status", "default")}
    assert ("leases", "brownout") in idle
    assert idle <= allowed
    assert (("brownoutpolicies/status", "default") in idle) == with_policy


def test_a_broken_edit_keeps_the_last_good_version(api_server: ApiServer, namespace: str) -> None:
    """What the schema of an old API server lets pass (CEL), the home refuses, with its path; the good one stands in."""
    world = world_in(api_server, namespace)
    levels = [{"name": "full"}, {"name": "reduced"}]
    key = world.integration(levels=levels)

    async def act(running: Running) -> None:
        await running.sees(key)
        twice = {"spec": {"levels": [{"name": "full"}, {"name": "full"}]}}
        if api_server.request("PATCH", f"{world.integrations}/voice", twice).status == 422:
            return  # this API server knows CEL and refuses it itself
        await eventually_async(lambda: _rejected(running))
        assert [level.name for level in running.home.inventory().integrations[key].spec.levels] == ["full", "reduced"]
        assert running.home.inventory().problems[key][0].path == "spec.levels[1].name"

    async def _rejected(running: Running) -> bool:
        return key in running.home.inventory().rejected

    with_home(world, act)


def test_an_agent_minds_its_own_node(api_server: ApiServer, namespace: str) -> None:
    """Its own and what names none may be acted on; another node's is shown as foreign and left alone."""
    world = world_in(api_server, namespace)
    keys = {node: world.integration(f"on-{node or 'any'}", node=node) for node in ("one", "two", "")}

    async def act(running: Running) -> None:
        for key in keys.values():
            await running.sees(key)
        assert running.home.inventory().foreign == {keys["two"]}
        await eventually_async(lambda: _may(running, keys["one"], keys[""]))
        assert not running.home.may_act(keys["two"])

    async def _may(running: Running, *all_of: str) -> bool:
        return all(running.home.may_act(key) for key in all_of)

    with_home(world, act, node="one")


def test_signals_and_other_tasks_are_left_alone_when_kopf_ends(api_server: ApiServer, namespace: str) -> None:
    """A task that is younger than kopf lives on after the home has ended."""
    world = world_in(api_server, namespace)

    async def story() -> None:
        async with running_home(api_server.admin_kubeconfig, namespace=namespace) as running:
            await running.ready()
            younger = asyncio.create_task(asyncio.Event().wait())
            running.task.cancel()
            await asyncio.wait([running.task])
            assert not younger.done()
            younger.cancel()

    run(story())
    assert eventually(world.server.ready)

"""Two controllers at once: one acts, the other waits for it to end, to die, or to sleep."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace

from brownout.engine.ports import OutcomeStatus
from brownout.kube.keeper import Rhythm
from tests.apiserver.cluster import ApiServer
from tests.cluster.homes import QUICK, Running, running_home
from tests.cluster.world import World, world_in
from tests.eventually import eventually_async
from tests.local.loops import run


def test_only_one_of_two_acts_and_the_other_says_why_not(api_server: ApiServer, namespace: str) -> None:
    """The second may not act, names the first in its faults, and its driver refuses to write."""
    world = world_in(api_server, namespace)
    world.workload()
    key = world.integration()

    async def story() -> None:
        async with home(world, "one") as one:
            await one.ready()  # before the other one starts, or it could be the faster of the two
            async with home(world, "two") as two:
                voice = await two.sees(key)
                await eventually_async(lambda: is_told(two, "held by one"))
                assert one.home.may_act(key)
                assert not two.home.may_act(key)
                refused = await two.driver.stop(voice, grace_s=0.0)
                assert (refused.status, refused.detail) == (OutcomeStatus.SKIPPED, "another controller holds the lease")
                assert world.replicas() == 2
                assert (await one.driver.stop(voice, grace_s=0.0)).status is OutcomeStatus.DONE

    run(story())


def test_a_controller_that_ends_hands_over_at_once(api_server: ApiServer, namespace: str) -> None:
    """It gives its lease back; the next one need not wait for it to run out."""
    world = world_in(api_server, namespace)
    key = world.integration()
    patient = replace(QUICK, lease_s=3600.0)

    async def story() -> None:
        async with home(world, "two", patient) as two, home(world, "one", patient) as one:
            await eventually_async(lambda: either_may_act(one, two, key))
            first = one if one.home.may_act(key) else two
            second = two if first is one else one
            first.task.cancel()
            with suppress(asyncio.CancelledError):
                await first.task
            await eventually_async(lambda: may_act(second, key))

    run(story())


def test_a_controller_that_dies_is_replaced_when_its_lease_runs_out(api_server: ApiServer, namespace: str) -> None:
    """Nobody gave it back, so it is watched for its duration, on the watcher's own clock."""
    world = world_in(api_server, namespace)
    key = world.integration()
    dead = {
        "metadata": {"name": "brownout"},
        "spec": {"holderIdentity": "dead", "leaseDurationSeconds": 1, "renewTime": "2999-01-01T00:00:00.000000Z"},
    }
    world.made(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", dead)

    async def story() -> None:
        async with home(world, "two") as two:
            await eventually_async(lambda: is_told(two, "held by dead"))
            assert not two.home.may_act(key)
            await eventually_async(lambda: may_act(two, key))

    run(story())
    lease = api_server.request("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/brownout").body
    assert lease["spec"]["leaseTransitions"] == 1


def test_one_that_slept_through_its_lease_does_not_act_on_waking(api_server: ApiServer, namespace: str) -> None:
    """Before each write a lease that may have run out is confirmed: the zombie finds the new holder, and skips."""
    world = world_in(api_server, namespace)
    world.workload()
    key = world.integration()
    asleep = replace(QUICK, renew_every_s=3600.0)

    async def story() -> None:
        async with home(world, "zombie", asleep) as zombie:
            voice = await zombie.sees(key)
            await eventually_async(lambda: may_act(zombie, key))
            async with home(world, "two") as two:
                await eventually_async(lambda: may_act(two, key))
                assert zombie.home.may_act(key)  # it does not know better yet
                outcome = await zombie.driver.stop(voice, grace_s=0.0)
                assert outcome.status is OutcomeStatus.SKIPPED
                assert not zombie.home.may_act(key)
                assert world.replicas() == 2

    run(story())


def test_agents_of_two_nodes_share_what_names_no_node_between_them(api_server: ApiServer, namespace: str) -> None:
    """Each acts on its own node; exactly one of them acts on the rest."""
    world = world_in(api_server, namespace)
    keys = {node: world.integration(f"on-{node or 'any'}", node=node) for node in ("a", "b", "")}

    async def story() -> None:
        async with running_home(api_server.admin_kubeconfig, namespace=namespace, name="one", node="a") as one:
            await one.ready()
            async with running_home(api_server.admin_kubeconfig, namespace=namespace, name="two", node="b") as two:
                await two.ready()
                for key in keys.values():
                    await two.sees(key)
                assert [one.home.may_act(keys[node]) for node in ("a", "b", "")] == [True, False, True]
                assert [two.home.may_act(keys[node]) for node in ("a", "b", "")] == [False, True, False]

    run(story())


def home(world: World, name: str, rhythm: Rhythm = QUICK) -> AbstractAsyncContextManager[Running]:
    """A home of this name in the world's namespace."""
    return running_home(world.server.admin_kubeconfig, namespace=world.namespace, name=name, rhythm=rhythm)


async def may_act(running: Running, key: str) -> bool:
    """Whether it may."""
    return running.home.may_act(key)


async def either_may_act(one: Running, two: Running, key: str) -> bool:
    """Whether one of them may."""
    return one.home.may_act(key) or two.home.may_act(key)


async def is_told(running: Running, words: str) -> bool:
    """Whether a fault says so."""
    return any(words in fault for fault in running.home.faults())

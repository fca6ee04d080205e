"""The rights of the manifests are exactly those that are used: none is missing, none is there in vain."""

from pathlib import Path
from typing import Any

from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.engine.ports import OutcomeStatus
from tests.apiserver.audit import audit_events
from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.kubectl import Kubectl
from tests.apiserver.users import SERVICE_ACCOUNT
from tests.cluster.homes import Running, running_home
from tests.cluster.world import POLICIES, World, world_in
from tests.eventually import eventually_async
from tests.local.loops import run

BASE = Path(__file__).parents[2] / "manifests" / "base"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = ("Deployment", "StatefulSet", "ReplicaSet")
Right = tuple[str, str, str]


def install(server: ApiServer, kubectl: Kubectl) -> None:
    """Apply the base as a person does."""
    flags = () if server.supports_cel else ("--validate=false",)
    kubectl("apply", "--kustomize", str(BASE), *flags)


def granted(server: ApiServer) -> set[Right]:
    """Group, resource and verb of every rule that the ServiceAccount has."""
    roles = [server.request("GET", f"{RBAC}/clusterroles/{name}").body for name in ("brownout", "brownout-scale")]
    roles.append(server.request("GET", f"{RBAC}/namespaces/brownout-system/roles/brownout").body)
    rules: list[dict[str, Any]] = [rule for role in roles for rule in role["rules"]]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(server: ApiServer) -> set[Right]:
    """The same of every request that the ServiceAccount made for an object."""
    events = audit_events(server.audit_log, user=SERVICE_ACCOUNT)
    assert not [event for event in events if event.code == 403]
    return {(event.group, event.resource, event.verb) for event in events if event.resource}


async def everything(running: Running, world: World) -> None:
    """Whatever the home and its driver can do."""
    home = running.home
    for kind in KINDS:
        one = await running.sees(f"{world.namespace}/{kind.lower()}")
        assert (await running.driver.stop(one, grace_s=0.0)).status is OutcomeStatus.DONE
    key = f"{world.namespace}/deployment"
    assert await home.current(key) is not None
    assert await home.write_status(key, IntegrationStatus(state=State.DISABLED))
    assert await home.write_policy_status(PolicyStatus(memory_percent=50.0))
    stale = home._policies.shelf.get("default")
    assert stale is not None
    assert world.server.request("DELETE", f"{POLICIES}/default").status == 200
    world.policy()
    await home._statuses.write(key, {})
    assert not await home._policy_writer._put(stale, {})  # refused: another object; it is looked at again
    for _ in range(2):
        await home.announce(key, "Emergency", "RAM 96 %", warning=True)
    await eventually_async(lambda: counted(world))


async def counted(world: World) -> bool:
    """Whether the Event was made and then counted."""
    return [event["count"] for event in world.events()] == [2]


def test_what_is_granted_is_what_is_used(own_api_server: ApiServer, tmp_path: Path) -> None:
    """The whole home under the ServiceAccount of the manifests; the audit log is the judge."""
    server = own_api_server
    admin = kubectl_for(server, server.admin_kubeconfig, tmp_path / "kubectl", namespace="brownout-system")
    install(server, admin)
    world = world_in(server)
    world.policy(interval="1s")
    for kind in KINDS:
        world.workload(kind.lower(), kind=kind)
        world.integration(kind.lower(), kind=kind)

    async def story() -> None:
        async with running_home(server.kubeconfig(SERVICE_ACCOUNT), namespace="brownout-system") as running:
            await running.ready()
            await everything(running, world)
            await eventually_async(renewed)

    async def renewed() -> bool:
        return ("coordination.k8s.io", "leases", "update") in used(server)

    run(story())
    rights = granted(server)
    assert not [right for right in rights if "*" in "".join(right)]
    assert used(server) == rights

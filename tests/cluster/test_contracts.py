"""What every Home and every WorkloadDriver promises, held by those of the cluster on a real API server.

The promises themselves stand in tests/contracts and are collected here a second time, with this folder's `place`.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from brownout.api.integration import Integration, Level
from brownout.api.status import IntegrationStatus
from brownout.engine.ports import Home, Inventory, Outcome, WorkloadDriver
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.scale import ScaleDriver
from brownout.kube.store import KubeHome
from tests.apiserver.cluster import ApiServer
from tests.builders import make_integration
from tests.cluster.homes import MonotonicClock, Running, sockets_closed, with_home
from tests.cluster.world import APPS, World, world_in
from tests.contracts.test_home import (
    test_a_change_is_told_and_seen,
    test_a_status_is_part_of_the_object_and_no_change,
    test_announcing_never_raises,
    test_it_knows_what_is_declared_once_it_was_read,
    test_the_newest_spec_just_before_acting,
    test_what_a_status_no_longer_says_is_gone,
    test_what_is_withdrawn_is_gone,
)
from tests.contracts.test_workload_driver import (
    test_forgetting_ends_what_the_driver_owns,
    test_one_does_not_wait_for_another,
    test_up_and_down_each_again_without_harm,
    test_what_does_not_exist_is_an_observation,
    test_what_does_not_listen_is_ended_after_its_grace,
)
from tests.local.loops import run

__all__ = [
    "test_a_change_is_told_and_seen",
    "test_a_status_is_part_of_the_object_and_no_change",
    "test_announcing_never_raises",
    "test_forgetting_ends_what_the_driver_owns",
    "test_it_knows_what_is_declared_once_it_was_read",
    "test_one_does_not_wait_for_another",
    "test_the_newest_spec_just_before_acting",
    "test_up_and_down_each_again_without_harm",
    "test_what_a_status_no_longer_says_is_gone",
    "test_what_does_not_exist_is_an_observation",
    "test_what_does_not_listen_is_ended_after_its_grace",
    "test_what_is_withdrawn_is_gone",
]


@pytest.fixture
def place(api_server: ApiServer, namespace: str) -> "Cluster":
    """A namespace of this test."""
    return Cluster(world_in(api_server, namespace))


class Cluster:
    """A namespace, as a place to declare in and as a place where workloads run."""

    owns = False

    def __init__(self, world: World) -> None:
        self._world = world
        self._scales = False
        self._declared: set[str] = set()

    def declare(self, name: str, **spec: Any) -> None:
        """Make the Integration, or edit its spec."""
        if name in self._declared:
            self._world.edit(name, **spec)
        else:
            self._world.integration(name, **spec)
            self._declared.add(name)

    def withdraw(self, name: str) -> None:
        """Delete it."""
        assert self._world.server.request("DELETE", f"{self._world.integrations}/{name}").status == 200

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """One whose Deployment stands at 0; the pods of a deaf one never end."""
        self._scales = True
        self._world.workload(name, replicas=0)
        if deaf:
            path = f"{APPS}/{self._world.namespace}/deployments/{name}/status"
            assert self._world.server.request("PATCH", path, {"status": {"replicas": 1}}).status == 200
        return self._scaling(name)

    def stranger(self) -> Integration:
        """One whose Deployment does not exist."""
        self._scales = True
        return self._scaling("stranger")

    def live(self, story: Callable[[Any, Any], Awaitable[None]]) -> None:
        """With the driver where something scales, else with a home."""
        if self._scales:
            run(self._driven(story))
        else:

            async def act(running: Running) -> None:
                home = Unqualified(running.home, self._world.namespace)
                await home.changed()
                await story(self, home)

            with_home(self._world, act)

    async def _driven(self, story: Callable[[Any, Any], Awaitable[None]]) -> None:
        api = Api(Credentials(kubeconfig=str(self._world.server.admin_kubeconfig)))
        driver = ScaleDriver(api, MonotonicClock(), poll_s=0.1)
        await story(self, Remembering(driver))
        await driver.close()
        await api.close()
        await sockets_closed()

    def _scaling(self, name: str) -> Integration:
        scale = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        return make_integration(name, namespace=self._world.namespace, workload={"scale": scale})


class Remembering:
    """The driver beside somebody who remembers that there was one replica, as the engine does."""

    def __init__(self, driver: WorkloadDriver) -> None:
        self._driver = driver
        self.observe, self.stop = driver.observe, driver.stop
        self.forget, self.close = driver.forget, driver.close

    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:
        """With what is remembered."""
        return await self._driver.start(integration, level, replicas=replicas or 1)


class Unqualified:
    """The home as seen from one namespace: keys without it, as on a box."""

    def __init__(self, home: KubeHome, namespace: str) -> None:
        self._home = home
        self._prefix = f"{namespace}/"
        self.changed, self.faults = home.changed, home.faults
        self.write_policy_status = home.write_policy_status

    def inventory(self) -> Inventory:
        """What is declared in the namespace."""
        whole = self._home.inventory()
        return Inventory(integrations=self._short(whole.integrations), policy=whole.policy, complete=whole.complete)

    async def current(self, key: str) -> Integration | None:
        """By its short key."""
        return await self._home.current(self._prefix + key)

    async def write_status(self, key: str, status: IntegrationStatus) -> bool:
        """By its short key."""
        return await self._home.write_status(self._prefix + key, status)

    async def announce(self, key: str, reason: str, message: str, *, warning: bool) -> None:
        """By its short key."""
        await self._home.announce(self._prefix + key, reason, message, warning=warning)

    def may_act(self, key: str) -> bool:
        """By its short key."""
        return self._home.may_act(self._prefix + key)

    def _short(self, integrations: Mapping[str, Integration]) -> Mapping[str, Integration]:
        ours = {key: one for key, one in integrations.items() if key.startswith(self._prefix)}
        return MappingProxyType({key.removeprefix(self._prefix): one for key, one in ours.items()})


_: tuple[type[Home], type[WorkloadDriver]] = (Unqualified, Remembering)  # they are what they pretend to be

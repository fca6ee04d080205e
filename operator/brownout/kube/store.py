"""The home in a cluster: Integrations and the policy as custom resources, their status, their Events.

It answers from memory and writes with short timeouts, so that a slow API server never holds up a decision. When the API
server is away the last known inventory stands, and a status that could not be written is offered again by the engine.
One controller acts for a node, and one for what names no node: Leases see to that (lease.py). It decides nothing.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.errors import HomeUnavailable
from brownout.engine.ports import Clock, Inventory
from brownout.kube.client import Api
from brownout.kube.declared import Declarations
from brownout.kube.endpoints import INTEGRATIONS, POLICIES, Endpoint
from brownout.kube.events import Announcer, Notice
from brownout.kube.feed import Feed
from brownout.kube.heartbeat import Heartbeat
from brownout.kube.identity import Identity, Responsibilities
from brownout.kube.keeper import Keeper, Rhythm
from brownout.kube.operator import BACKOFFS_S, watch_for_ever
from brownout.kube.refusals import SelfProtection
from brownout.kube.shelf import Snapshot, snapshot_of
from brownout.kube.statuses import StatusWriter

__all__ = ["KubeHome"]


class KubeHome:
    """Where integrations are declared: the cluster that `api` speaks to. Make it inside the event loop."""

    def __init__(
        self,
        api: Api,
        clock: Clock,
        identity: Identity,
        *,
        rhythm: Rhythm | None = None,
        plugins: bool = False,
        backoffs_s: tuple[float, ...] = BACKOFFS_S,
    ) -> None:
        rhythm = rhythm or Rhythm()
        self._api = api
        self._clock = clock
        self._backoffs_s = backoffs_s
        self.protection = SelfProtection(namespace=identity.namespace, pod=identity.pod, plugins=plugins)
        self._duties = Responsibilities(api, clock, identity, lease_s=rhythm.lease_s)
        self._integrations = Feed(INTEGRATIONS, floor_s=rhythm.floor_s)
        self._policies = Feed(POLICIES, floor_s=rhythm.floor_s)
        self._declarations = Declarations(duties=self._duties, protection=self.protection)
        self._statuses = StatusWriter(api, INTEGRATIONS, self._integrations.shelf, wrote=self._heard)
        self._policy_writer = StatusWriter(api, POLICIES, self._policies.shelf, wrote=self._heard_policy)
        self._heartbeat = Heartbeat(self._policy_writer, self._policies.shelf, self._duties.of_none)
        self._announcer = Announcer(api, clock, identity.name)
        self._keeper = Keeper(api, clock, (self._integrations, self._policies), self._duties.leases, rhythm)
        self._keeper.interval_s = lambda: self._inventory.policy.spec.interval
        self._keeper.heartbeat_is_ours = lambda: self._heartbeat.ours
        self._keeper.on_change = self._wake
        self._changed = asyncio.Event()
        self._inventory = Inventory()
        self._built_of: tuple[int, int, bool] | None = None

    async def run(self) -> None:
        """Be the home until cancelled. Raises HomeUnavailable when it cannot start, or has to start afresh.

        The connection stays open: who made it closes it, after the last status is written.
        """
        try:
            await self._keeper.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    watch_for_ever(self._api.credentials, self._seen, backoffs_s=self._backoffs_s), name="watch"
                )
                group.create_task(self._keeper.hold_leases(), name="leases")
                group.create_task(self._keeper.stay_honest(), name="listing")
                group.create_task(self._announcer.run(), name="events")
        except BaseExceptionGroup as faults:
            raise _first(faults) from None

    # --- what is declared --------------------------------------------------------------------------------------

    def inventory(self) -> Inventory:
        """Everything declared, as last known."""
        built_of = (self._integrations.revision, self._policies.revision, self._keeper.listed)
        if built_of != self._built_of:
            self._inventory = self._declarations.inventory(
                self._integrations.shelf, self._policies.shelf, complete=self._keeper.listed
            )
            self._built_of = built_of
        return self._inventory

    async def changed(self) -> None:
        """Return when a wish, or what we may act on, has changed. Our own status writes are no change."""
        await self._changed.wait()
        self._changed.clear()

    async def current(self, key: str) -> Integration | None:
        """Read it again; the last known while the API server is away."""
        namespace, _, name = key.rpartition("/")
        try:
            answer = await self._api.get(INTEGRATIONS.path(namespace=namespace, name=name))
        except HomeUnavailable:
            return self.inventory().integrations.get(key)
        if answer.missing and self._integrations.missed(key):
            self._wake()
        if answer.done and (found := snapshot_of(answer.body)) is not None:
            self._heard(found)
        return self.inventory().integrations.get(key)

    # --- what is told ------------------------------------------------------------------------------------------

    async def write_status(self, key: str, status: IntegrationStatus) -> bool:
        """Replace the status where it differs; False when the API server does not take it now."""
        return await self._statuses.write(key, status.to_wire())

    async def write_policy_status(self, status: PolicyStatus) -> bool:
        """Write the heartbeat when it is due and ours; False when the API server does not take it now."""
        interval_s = self.inventory().policy.spec.interval
        return await self._heartbeat.beat(status, interval_s=interval_s, now=self._clock.now())

    async def announce(self, key: str, reason: str, message: str, *, warning: bool) -> None:
        """Queue an Event; of what is not there, nothing is told."""
        known = self._integrations.shelf.get(key)
        if known is not None:
            self._announcer.announce(Notice.about(known, reason=reason, message=message, warning=warning))

    # --- whether we may ----------------------------------------------------------------------------------------

    def may_act(self, key: str) -> bool:
        """Whether it is on our node (or on none) and the lease for that is ours."""
        known = self._integrations.shelf.get(key)
        if known is None or not self._keeper.listed or self._duties.is_foreign(known.node):
            return False
        return self._duties.lease_for(known.node).held

    async def fence(self, integration: Integration) -> bool:
        """Whether its lease is surely ours now: asked before each write to a workload. Raises HomeUnavailable."""
        return await self._duties.lease_for(integration.spec.node).confirm()

    def faults(self) -> tuple[str, ...]:
        """Why it is not fit for work."""
        found = [self._api.trouble, str(self._keeper.silence() or "")]
        if not self._keeper.listed:
            found.append("the cluster has not been read yet")
        elif self._keeper.mute:
            found.append("the watch has brought nothing yet")
        found.append(self._duties.own.why_not if self._keeper.listed else "")
        return tuple(fault for fault in found if fault)

    # --- what comes in -----------------------------------------------------------------------------------------

    def _seen(self, endpoint: Endpoint, kind: str | None, body: Mapping[str, Any]) -> None:
        feed = self._integrations if endpoint == INTEGRATIONS else self._policies
        if feed.seen(kind, body, now=self._clock.now()):
            self._wake()

    def _heard(self, snapshot: Snapshot) -> None:
        if self._integrations.heard(snapshot, now=self._clock.now()):
            self._wake()

    def _heard_policy(self, snapshot: Snapshot) -> None:
        if self._policies.heard(snapshot, now=self._clock.now()):
            self._wake()

    def _wake(self) -> None:
        self._changed.set()


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the home: its own fault if there is one among them, else the first of whatever it was."""
    inner = (faults.subgroup(HomeUnavailable) or faults).exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner

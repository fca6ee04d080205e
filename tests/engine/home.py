"""A home in memory whose faults are switched on by the test: it hangs, refuses, loses its lease."""

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.engine.ports import Inventory
from tests.builders import make_integration, make_policy
from tests.engine.log import Log


class Home:
    """Implements the Home port. Statuses that were written are part of the inventory, as in every home."""

    def __init__(self, log: Log, *integrations: Integration, **policy: Any) -> None:
        self.log = log
        self.known = Inventory(policy=make_policy(**policy), complete=True)
        self.statuses: dict[str, IntegrationStatus] = {}
        self.announced: list[tuple[str, str, str]] = []
        self.policy_status = PolicyStatus()
        self.policy_writes = 0
        self.refuses = False
        self.hangs = False
        self.mute = False  # announcing hangs
        self.error: Exception | None = None
        self.not_ours: set[str] = set()
        self._news = asyncio.Event()
        for integration in integrations:
            self.put(integration)
        self._news.clear()

    # --- what a test does ----------------------------------------------------------------------------------------

    def put(self, integration: Integration) -> None:
        """Declare an integration, or edit it."""
        self.change(integrations=MappingProxyType({**self.known.integrations, integration.name: integration}))

    def edit(self, name: str, **spec: Any) -> None:
        """Edit the spec of an integration; its generation counts up."""
        old = self.known.integrations[name]
        new = make_integration(name, uid=old.uid, generation=old.metadata.generation + 1, **spec)
        self.put(new.model_copy(update={"status": old.status}))

    def remove(self, name: str) -> None:
        """Withdraw an integration, with its status."""
        self.change(integrations={key: one for key, one in self.known.integrations.items() if key != name})
        self.statuses.pop(name, None)

    def set_policy(self, **policy: Any) -> None:
        """Another policy."""
        self.change(policy=make_policy(generation=self.known.policy.metadata.generation + 1, **policy))

    def change(self, **changes: Any) -> None:
        """Another inventory."""
        self.known = replace(self.known, **changes)
        self._news.set()

    # --- the port ------------------------------------------------------------------------------------------------

    def inventory(self) -> Inventory:
        """What is declared, with the statuses that stand written."""
        written = {
            key: integration.model_copy(update={"status": self.statuses.get(key, integration.status)})
            for key, integration in self.known.integrations.items()
        }
        return replace(self.known, integrations=MappingProxyType(written))

    async def changed(self) -> None:
        """Return at the next change."""
        await self._news.wait()
        self._news.clear()
        if self.error is not None:
            raise self.error

    async def current(self, key: str) -> Integration | None:
        """As it is declared now."""
        return self.inventory().integrations.get(key)

    async def write_status(self, key: str, status: IntegrationStatus) -> bool:
        """Keep a status, if the home is well."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            return False
        held = f" hold={status.hold.reason} off={status.hold.off}" if status.hold and status.hold.reason else ""
        self.log.add(f"status {key} {status.state}{held}")
        self.statuses[key] = status
        return True

    async def write_policy_status(self, status: PolicyStatus) -> bool:
        """Keep the policy's status, if the home is well."""
        if self.hangs:
            await asyncio.Event().wait()
        self.policy_writes += 1
        self.policy_status = status
        return not self.refuses

    async def announce(self, key: str, reason: str, message: str, *, warning: bool) -> None:
        """Tell people."""
        self.log.add(f"announce {key} {reason}")
        self.announced.append((key, reason, message))
        if self.mute:
            await asyncio.Event().wait()

    def may_act(self, key: str) -> bool:
        """Unless the lease is lost."""
        return key not in self.not_ours

    def faults(self) -> tuple[str, ...]:
        """None of its own."""
        return ()

"""Reporting: the status of every integration and of the policy, written only where something has changed.

Writing never holds up deciding: a home that is slow or away gets the newest status at a later tick.
"""

import asyncio
import math
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from brownout.api.reasons import ConditionType, Reason
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.conditions import condition, merged
from brownout.core.errors import describe
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.plan import Decision
from brownout.core.snapshot import Snapshot
from brownout.engine.ports import Inventory
from brownout.engine.world import World

# Writes under way at once: enough for 1000 statuses in seconds, few enough for a small API server.
SIDE_BY_SIDE = 8
PATIENCE_S = 10.0


@dataclass(slots=True)
class Reporter:
    """Knows what stands written, and writes what differs."""

    world: World
    written: dict[str, IntegrationStatus] = field(default_factory=dict)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def write(self, statuses: Mapping[str, IntegrationStatus], policy_status: PolicyStatus) -> None:
        """Offer every changed status to the home, and the policy's each time: it is the heartbeat."""
        changed = [key for key, status in statuses.items() if status != self.written.get(key)]
        await asyncio.gather(
            self._write_policy(policy_status), *(self.write_one(key, statuses[key]) for key in changed)
        )

    async def write_one(self, key: str, status: IntegrationStatus) -> bool:
        """Write one status now; False when the home could not take it."""
        async with self._gate:
            done = await self._bounded("status", self.world.home.write_status(key, status))
        if done:
            self.written[key] = status
        return done

    def forget(self, keys: frozenset[str]) -> None:
        """These are no longer declared."""
        for key in keys:
            self.written.pop(key, None)

    async def _write_policy(self, status: PolicyStatus) -> None:
        await self._bounded("status", self.world.home.write_policy_status(status))

    async def _bounded(self, where: str, writing: Coroutine[Any, Any, bool]) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await writing
        except Exception as error:  # noqa: BLE001 - a home's bug costs a status, never the loop
            self.world.observers.on_fault(where, describe(error))
            return False


def policy_status_of(
    snapshot: Snapshot, decision: Decision, inventory: Inventory, previous: PolicyStatus, *, now: Instant, node: str
) -> PolicyStatus:
    """What the machine looks like, for the policy's status."""
    outlook, total = snapshot.outlook, snapshot.outlook.total
    generation = inventory.policy.metadata.generation
    known = outlook.measured_percent is not None
    faults = [str(problem) for problems in inventory.problems.values() for problem in problems]
    statements = (
        condition(ConditionType.READY, known, decision.reason, decision.message, now=now, generation=generation),
        condition(
            ConditionType.ACCEPTED,
            not faults,
            Reason.INVALID_SPEC if faults else "Valid",
            "; ".join(faults)[:4000],
            now=now,
            generation=generation,
        ),
    )
    left_s = outlook.seconds_to(snapshot.policy.thresholds.disable)
    return PolicyStatus(
        observed_generation=generation,
        node=node or None,
        memory_percent=_rounded(outlook.measured_percent),
        forecast_percent=_rounded(total.value if total else None),
        lower=_rounded(total.lower if total and math.isfinite(total.upper) else None),
        upper=_rounded(total.upper if total else None),
        model=total.model.value if total else None,
        time_to_disable=float(round(left_s)) if left_s is not None else None,
        heartbeat=to_rfc3339(now),
        conditions=merged(previous.conditions, statements),
    )


def _rounded(value: float | None) -> float | None:
    return round(max(0.0, value), 1) if value is not None and math.isfinite(value) else None

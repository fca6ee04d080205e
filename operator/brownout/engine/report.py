"""Reporting: the status of every integration and of the policy, written only where something has changed.

Writing never holds up deciding: a home that is slow or away gets the newest status at a later tick.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from brownout.api.policy import Thresholds
from brownout.api.reasons import ConditionType, Reason
from brownout.api.status import HardwareStatus, IntegrationStatus, PolicyStatus, ThresholdsStatus
from brownout.core.conditions import conditions
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.outlook import Outlook
from brownout.core.parting import parted
from brownout.core.plan import Decision
from brownout.core.snapshot import Snapshot
from brownout.core.tiers import Hardware, tier_in_force
from brownout.engine.ports import Inventory
from brownout.engine.world import World

# Writes under way at once: enough for 1000 statuses in seconds, few enough for a small API server.
SIDE_BY_SIDE = 8
PATIENCE_S = 10.0


class Reporter:
    """Knows what each status should say and what stands written, and writes what differs: always the newest.

    Of one object never two writes are under way, so that an older status cannot overtake a newer one.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._newest: dict[str, IntegrationStatus] = {}
        self._written: dict[str, IntegrationStatus] = {}
        self._gate = asyncio.Semaphore(SIDE_BY_SIDE)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._round: asyncio.Task[None] | None = None
        self._ahead: set[asyncio.Task[bool]] = set()

    def offer(self, statuses: Mapping[str, IntegrationStatus], policy_status: PolicyStatus) -> None:
        """Begin to write what has changed, and the policy's status each time: it is the heartbeat.

        While an earlier round is under way nothing is begun; the next tick offers again. What is not offered is
        somebody else's now, and what stands there is not known any more.
        """
        self._newest = dict(statuses)
        self._written = {key: status for key, status in self._written.items() if key in statuses}
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._write_all(policy_status))

    def write_ahead(self, key: str, status: IntegrationStatus) -> asyncio.Task[bool]:
        """Begin to write one status before all others; the result is False when the home could not take it."""
        self._newest[key] = status
        task = asyncio.create_task(self._write(key))
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)
        return task

    def forget(self, keys: frozenset[str]) -> None:
        """These are no longer declared: nothing is written of them any more, and a successor begins afresh."""
        for key in keys:
            self._newest.pop(key, None)
            self._written.pop(key, None)
            if not self._turns[key].locked():
                del self._turns[key]

    async def finish(self, *, patience_s: float) -> bool:
        """Let what is being written get through; then give it up. Whether all got through."""
        tasks = (self._round, *self._ahead)
        return await _through({task for task in tasks if task is not None and not task.done()}, patience_s=patience_s)

    async def part(self, keys: Iterable[str], *, patience_s: float) -> None:
        """Write that these ended with the controller: what stands written says that they run. The last that is done."""
        now, known = self._world.clock.now(), self._newest
        changed = {
            key: status for key in keys if key in known and (status := parted(known[key], now=now)) != known[key]
        }
        known.update(changed)
        await _through({asyncio.create_task(self._write_in_turn(key)) for key in changed}, patience_s=patience_s)

    async def _write_all(self, policy_status: PolicyStatus) -> None:
        changed = [key for key, status in self._newest.items() if status != self._written.get(key)]
        policy = self._bounded(lambda: self._world.home.write_policy_status(policy_status))
        await asyncio.gather(policy, *(self._write_in_turn(key) for key in changed))

    async def _write_in_turn(self, key: str) -> None:
        async with self._gate:
            await self._write(key)

    async def _write(self, key: str) -> bool:
        async with self._turns[key]:
            status = self._newest.get(key)
            if status is None or status == self._written.get(key):
                return True
            done = await self._bounded(lambda: self._world.home.write_status(key, status))
            if done and key in self._newest:
                self._written[key] = status
            return done

    async def _bounded(self, write: Callable[[], Awaitable[bool]]) -> bool:
        with self._world.contained("status"):
            async with asyncio.timeout(PATIENCE_S):
                return await write()
        return False


async def _through(writing: AbstractSet[asyncio.Task[Any]], *, patience_s: float) -> bool:
    """Whether all of these are done in time; what is not is given up."""
    late = (await asyncio.wait(writing, timeout=patience_s))[1] if writing else frozenset()
    for task in late:
        task.cancel()
    return not late


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Which machine a policy's status is about: its name, and what it has."""

    node: str
    hardware: Hardware


def policy_status_of(
    snapshot: Snapshot,
    decision: Decision,
    inventory: Inventory,
    previous: PolicyStatus,
    *,
    now: Instant,
    machine: Machine,
) -> PolicyStatus:
    """What the machine looks like, for the policy's status."""
    outlook, total = snapshot.outlook, snapshot.outlook.total
    generation = inventory.policy.metadata.generation
    known = outlook.measured_percent is not None
    faults = [str(problem) for problems in inventory.problems.values() for problem in problems]
    accepted = Reason.INVALID_SPEC if faults else Reason.WITHIN_LIMITS
    statements = (
        (ConditionType.READY, known, decision.reason, decision.message),
        (ConditionType.ACCEPTED, not faults, accepted, "; ".join(faults)),
    )
    tier = tier_in_force(inventory.policy.spec, machine.hardware)
    limits = snapshot.policy.thresholds
    return PolicyStatus(
        observed_generation=generation,
        node=machine.node or None,
        memory_percent=_rounded(outlook.measured_percent),
        forecast_percent=_rounded(total.value if total else None),
        lower=_rounded(total.lower if total and math.isfinite(total.upper) else None),
        upper=_rounded(total.upper if total else None),
        model=total.model.value if total else None,
        time_to_disable=_left_s(outlook, limits.disable),
        time_to_emergency=_left_s(outlook, limits.emergency),
        tier=tier.tier.name if tier.tier else None,
        tier_message=tier.why,
        thresholds=_thresholds(limits),
        hardware=_hardware(machine.hardware),
        heartbeat=to_rfc3339(now),
        conditions=conditions(previous.conditions, statements, now=now, generation=generation),
    )


def _left_s(outlook: Outlook, threshold_percent: float) -> float | None:
    """Whole seconds until a threshold; None where it is not approached."""
    left_s = outlook.seconds_to(threshold_percent)
    return None if left_s is None else float(round(left_s))


def _thresholds(found: Thresholds) -> ThresholdsStatus:
    return ThresholdsStatus(disable=found.disable, enable=found.enable, emergency=found.emergency)


def _hardware(found: Hardware) -> HardwareStatus:
    cores = round(found.cores, 2) if found.cores is not None else None
    return HardwareStatus(memory=found.memory_bytes, cores=cores, gpu=found.gpu, gpu_memory=found.gpu_memory_bytes)


def _rounded(value: float | None) -> float | None:
    return round(max(0.0, value), 1) if value is not None and math.isfinite(value) else None

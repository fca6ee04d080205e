"""Observing: one look at everything that a decision rests on, all side by side, each bounded in time.

Whatever does not answer is unknown, which is a value: it never makes the tick late and never reads as "low".
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.gather import member_of
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger
from brownout.core.member import UNSEEN, Member, Observation, Presence
from brownout.core.sample import Sample
from brownout.core.wording import sentence
from brownout.engine.ports import Inventory
from brownout.engine.world import World, faulty

# A workload or sensor that has not answered by then is unknown for this tick. Well under the 30 s tick, well over
# what a loaded box needs.
PATIENCE_S = 5.0
# Characters of what a workload says of itself (the end of its stderr may be long) that go into statuses and sentences.
MOST_DETAIL = 1000


async def observe(world: World, inventory: Inventory) -> tuple[Sample, Mapping[str, Observation]]:
    """The machine and every workload of ours, read at the same moment so that base and footprints add up."""
    ours = {key: found for key, found in inventory.integrations.items() if key not in inventory.foreign}
    sample, observed = await asyncio.gather(
        _sample(world, inventory.policy.spec),
        asyncio.gather(*(_observation(world, found) for found in ours.values())),
    )
    observations = dict(zip(ours, observed, strict=True))
    return replace(sample, footprints=_held(observations)), MappingProxyType(observations)


def _held(observations: Mapping[str, Observation]) -> Mapping[str, int]:
    """What was measured of those that run. What is asleep takes nothing, which is not its size."""
    running = (Presence.RUNNING, Presence.STARTING)
    return MappingProxyType(
        {
            key: seen.memory_bytes
            for key, seen in observations.items()
            if seen.memory_bytes is not None and seen.presence in running and not seen.asleep
        }
    )


async def _sample(world: World, policy: PolicySpec) -> Sample:
    now = world.clock.now()
    with world.contained("sensor"):
        async with asyncio.timeout(PATIENCE_S):
            return await world.sensor.read(now=now, scope=policy.scope, budget_bytes=policy.memory_budget)
    return Sample(at=now)


async def _observation(world: World, integration: Integration) -> Observation:
    driver = world.driver(integration)
    if driver is None:
        kind = integration.spec.workload.kind.value
        return Observation(presence=Presence.MISSING, detail=f"this home cannot run workload.{kind}", resumable=False)
    try:
        async with asyncio.timeout(PATIENCE_S):
            seen = await driver.observe(integration)
    except Exception as error:  # noqa: BLE001 - one bad integration must not blind the others (acto 62)
        why = sentence(faulty(error), longest=MOST_DETAIL)
        world.observers.on_fault("workload", f"{integration.name}: {why}")
        return Observation(presence=Presence.UNKNOWN, detail=why)
    return replace(seen, detail=sentence(seen.detail, longest=MOST_DETAIL))


def members_of(
    inventory: Inventory, observed: Mapping[str, Observation], ledger: Ledger, *, now: Instant
) -> tuple[Member, ...]:
    """The members of a snapshot: wish, sight and memory joined."""
    return tuple(
        replace(
            member_of(key, integration, observed.get(key, UNSEEN), ledger, now=now),
            accepted=key not in inventory.rejected,
            ours=key not in inventory.foreign,
        )
        for key, integration in inventory.integrations.items()
    )

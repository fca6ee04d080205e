"""Observing: one look at everything that a decision rests on, all side by side, each bounded in time.

Whatever does not answer is unknown, which is a value: it never makes the tick late and never reads as "low".
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.footprint import Footprint, estimate
from brownout.core.instant import Instant
from brownout.core.ladder import ladder_of
from brownout.core.ledger import Ledger
from brownout.core.member import UNSEEN, Member, Observation, Presence
from brownout.core.outlook import look_out
from brownout.core.sample import Sample
from brownout.core.snapshot import Snapshot
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
    """What was measured of those that run."""
    running = (Presence.RUNNING, Presence.STARTING)
    return MappingProxyType(
        {
            key: seen.memory_bytes
            for key, seen in observations.items()
            if seen.memory_bytes is not None and seen.presence in running
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
    return tuple(_member(key, inventory, observed.get(key, UNSEEN), ledger, now=now) for key in inventory.integrations)


def _member(key: str, inventory: Inventory, seen: Observation, ledger: Ledger, *, now: Instant) -> Member:
    integration = inventory.integrations[key]
    blank = Member(key=key, integration=integration, ladder=ladder_of(integration))
    return replace(
        blank,
        observed=seen,
        hold=ledger.holds.get(key),
        footprints=footprints_of(blank, ledger),
        accepted=key not in inventory.rejected,
        since=ledger.moved.get(key, 0.0),
        resting=key in ledger.failures and now < ledger.failures[key].until,
        ours=key not in inventory.foreign,
    )


def footprints_of(member: Member, ledger: Ledger) -> tuple[Footprint, ...]:
    """What the member takes at each of its rungs, best first."""
    return tuple(
        estimate(
            ledger.measured.get((member.key, rung), ()),
            learned_bytes=ledger.learned.get((member.key, rung)),
            guess_bytes=member.ladder.first_guess_bytes(rung, member.integration),
        )
        for rung in range(member.ladder.off)
    )


def snapshot_of(
    policy: PolicySpec, ledger: Ledger, members: tuple[Member, ...], *, in_flight: frozenset[str], now: Instant
) -> Snapshot:
    """The snapshot that the next decision rests on."""
    return Snapshot(
        policy=policy,
        outlook=look_out(
            ledger.window,
            ledger.sample,
            policy,
            now=now,
            since=ledger.forecast_since,
            previous=ledger.smoothed_percent,
        ),
        members=members,
        calm_since=ledger.calm_since,
        last_shed_at=ledger.last_shed_at,
        last_return_at=ledger.last_return_at,
        pending=ledger.pending,
        in_flight=in_flight,
    )

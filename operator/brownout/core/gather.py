"""Gathering: what is declared, what is seen and what is remembered, joined into the snapshot of one decision. Pure.

The engine gathers from the world, the simulator from its plant; from here on both are the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.footprint import Footprint, estimate
from brownout.core.forecasting.peak import daily_peak
from brownout.core.instant import Instant
from brownout.core.ladder import ladder_of
from brownout.core.ledger import Ledger
from brownout.core.level_record import UNTRIED
from brownout.core.measurements import NONE
from brownout.core.member import Member, Observation
from brownout.core.outlook import look_out
from brownout.core.resources import others_foretold
from brownout.core.snapshot import Snapshot
from brownout.core.triggers import Trigger


def member_of(key: str, integration: Integration, seen: Observation, ledger: Ledger, *, now: Instant) -> Member:
    """One integration as its owner wishes it, as it is seen and as the ledger knows it; ours, and accepted."""
    ladder = ladder_of(integration)
    records = tuple([ledger.records.get((key, rung), UNTRIED) for rung in range(len(ladder.levels))])
    return Member(
        key=key,
        integration=integration,
        ladder=ladder,
        observed=seen,
        hold=ledger.holds.get(key),
        footprints=footprints_of(key, integration, ledger),
        records=records,
        unfit=frozenset([rung for rung, record in enumerate(records) if record.resting(now)]),
        since=ledger.moved.get(key, 0.0),
        resting=key in ledger.failures and now < ledger.failures[key].until,
    )


def footprints_of(key: str, integration: Integration, ledger: Ledger) -> tuple[Footprint, ...]:
    """What an integration takes at each of its rungs, best first."""
    ladder = ladder_of(integration)
    return tuple(
        estimate(
            ledger.measured.get((key, rung), NONE),
            learned=ledger.learned.get((key, rung), ()),
            guess_bytes=ladder.first_guess_bytes(rung, integration),
        )
        for rung in range(ladder.off)
    )


def growth_bytes(members: Iterable[Member], *, within_s: float) -> float:
    """What those that run and grow will hold more by then. Nobody counts on one that shrinks to go on doing so."""
    return within_s * sum(
        max(0.0, member.footprint(member.rung).drift_bytes_per_s) for member in members if member.running
    )


def snapshot_of(
    policy: PolicySpec,
    ledger: Ledger,
    members: tuple[Member, ...],
    *,
    in_flight: frozenset[str],
    now: Instant,
    triggers: tuple[Trigger, ...] = (),
) -> Snapshot:
    """The snapshot that the next decision rests on."""
    limit_bytes = ledger.sample.memory_limit_bytes if ledger.sample else None
    grown_bytes = growth_bytes(members, within_s=policy.forecast.horizon)
    growth_percent = 100.0 * grown_bytes / limit_bytes if limit_bytes else 0.0
    outlook = look_out(ledger.sample, ledger.panel, policy, now=now, growth_percent=growth_percent)
    peak = daily_peak(ledger.champions, ledger.panel, now=now)
    if peak is not None and outlook.measured_percent is not None:
        outlook = replace(outlook, peak=peak.shifted(outlook.ours_percent))
    return Snapshot(
        policy=policy,
        outlook=replace(outlook, others=others_foretold(ledger.others)),
        members=members,
        calm_since=ledger.calm_since,
        last_shed_at=ledger.last_shed_at,
        last_return_at=ledger.last_return_at,
        pending=ledger.pending,
        in_flight=in_flight,
        triggers=triggers,
    )

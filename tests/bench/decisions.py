"""How long one decision takes, for 4, 100 and 1000 integrations, and what they say: the pure core alone, no port."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import product
from types import MappingProxyType

from brownout.api.policy import PolicySpec
from brownout.api.status import IntegrationStatus
from brownout.api.strategies import DecideStrategy
from brownout.core.decide import decide
from brownout.core.footprint import Footprint, Source
from brownout.core.forecasting.feeding import fed
from brownout.core.forecasting.panel import Panel
from brownout.core.ladder import ladder_of
from brownout.core.member import Member, Observation, Presence
from brownout.core.outlook import look_out
from brownout.core.plan import Decision
from brownout.core.sample import Sample, Witness
from brownout.core.snapshot import Snapshot
from brownout.core.standing import Standing, status_of
from tests.bench.report import Figure, quantile
from tests.builders import make_integration

GIB = 2**30
GOALS_MS = {4: 0.2, 100: None, 1000: 5.0}
ROUNDS = 60
CPU = "median of 60, CPU"


def figures() -> Iterator[Figure]:
    """Both kinds of tick, one that only looks and one that has to shed, under each of the strategies."""
    for strategy, (count, goal) in product(DecideStrategy, GOALS_MS.items()):
        for load, percent in (("calm", 50.0), ("shedding", 84.0)):
            snapshot = _snapshot(count, percent, strategy)
            times_ms = [_timed_ms(snapshot) for _ in range(ROUNDS)]
            name = f"decision by {strategy.value}, {count} integrations, {load}"
            yield Figure(name=name, value=quantile(times_ms, 0.5), unit="ms", goal=goal, note=CPU)
    for what, times_ms in _statuses_ms().items():
        yield Figure(name=f"statuses of 1000 integrations, {what}", value=quantile(times_ms, 0.5), unit="ms", note=CPU)
    yield Figure(name="forecast of the base, one sample more", value=_forecast_ms(), unit="ms", note="median of 60")


def _timed_ms(snapshot: Snapshot) -> float:
    fresh = Snapshot(policy=snapshot.policy, outlook=snapshot.outlook, members=snapshot.members)
    started = time.process_time()
    decide(fresh, now=1e9)
    return 1e3 * (time.process_time() - started)


def _statuses_ms() -> dict[str, list[float]]:
    """What a tick costs where all of them have something to say for the first time, and where nobody has."""
    snapshot = _snapshot(1000, 50.0, DecideStrategy.THRESHOLDS)
    decision, nothing = decide(snapshot, now=1e9), dict[str, IntegrationStatus]()
    times_ms: dict[str, list[float]] = {"all new": [], "nothing new": []}
    for _ in range(ROUNDS):
        started = time.process_time()
        known = _said(snapshot, decision, nothing)
        said = time.process_time()
        _said(snapshot, decision, known)
        times_ms["all new"].append(1e3 * (said - started))
        times_ms["nothing new"].append(1e3 * (time.process_time() - said))
    return times_ms


def _said(
    snapshot: Snapshot, decision: Decision, known: Mapping[str, IntegrationStatus]
) -> dict[str, IntegrationStatus]:
    standings = {
        member.key: Standing(
            member=member,
            snapshot=snapshot,
            decision=decision,
            said=None,
            previous=known.get(member.key, IntegrationStatus()),
            in_flight=False,
        )
        for member in snapshot.members
    }
    return {key: status_of(standing, now=1e9) for key, standing in standings.items()}


def _snapshot(count: int, percent: float, strategy: DecideStrategy) -> Snapshot:
    members = tuple(_member(index, 8 * GIB // count) for index in range(count))
    held = {member.key: 8 * GIB // count for member in members}
    policy = PolicySpec.model_validate({"decide": {"strategy": strategy.value}})
    panel, sample = _panel(percent, held)
    outlook = look_out(sample, panel, policy, now=1e9)
    return Snapshot(policy=policy, outlook=outlook, members=members)


def _member(index: int, size_bytes: int) -> Member:
    integration = make_integration(f"it-{index}", priority=index % 17)
    footprint = Footprint(steady_bytes=size_bytes, peak_bytes=size_bytes, source=Source.MEASURED)
    seen = Observation(presence=Presence.RUNNING, memory_bytes=size_bytes, identity=str(index))
    return Member(
        key=integration.name,
        integration=integration,
        ladder=ladder_of(integration),
        observed=seen,
        footprints=(footprint,),
    )


def _panel(percent: float, held: Mapping[str, int] = MappingProxyType({})) -> tuple[Panel, Sample]:
    """A calibrated panel, which has seen an hour of a load that wavers by a point, and its newest sample."""
    panel, policy = Panel.blank(PolicySpec().forecast, interval_s=PolicySpec().interval), PolicySpec()
    samples = [_sample(percent + index * 7 % 11 / 10, 1e9 - 30.0 * (119 - index), held) for index in range(120)]
    for sample in samples:
        panel = fed(panel, sample, policy, since=0.0)
    return panel, samples[-1]


def _sample(percent: float, at: float, held: Mapping[str, int] = MappingProxyType({})) -> Sample:
    return Sample(
        at=at,
        memory_percent=percent,
        memory_used_bytes=int(12 * GIB * percent / 100),
        memory_limit_bytes=12 * GIB,
        witness=Witness.NODE,
        footprints=held,
    )


def _forecast_ms() -> float:
    """What a tick costs: the panel takes in one more sample, and the outlook is made from it."""
    panel, _ = _panel(60.0)
    times_ms = []
    for index in range(ROUNDS):
        at = 1e9 + 30.0 * (index + 1)
        sample = _sample(60.0 + index % 7, at)
        started = time.perf_counter()
        panel = fed(panel, sample, PolicySpec(), since=0.0)
        look_out(sample, panel, PolicySpec(), now=at)
        times_ms.append(1e3 * (time.perf_counter() - started))
    return quantile(times_ms, 0.5)

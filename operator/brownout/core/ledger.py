"""The ledger: what the controller remembers from tick to tick. Pure: every change gives a new ledger.

What must outlive a restart (who is held, since when, why, how long it waits) is also in each status; the ledger is
rebuilt from those, from history and from what is seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from brownout.api.policy import PolicySpec
from brownout.api.reasons import Reason
from brownout.core.footprint import LEARNT
from brownout.core.forecasting.champions import Champions
from brownout.core.forecasting.feeding import fed
from brownout.core.forecasting.panel import Panel
from brownout.core.health import Findings
from brownout.core.instant import Instant
from brownout.core.level_record import UNTRIED, LevelRecord
from brownout.core.measurements import NONE, START_S, Look, Measured
from brownout.core.member import Hold, Observation, Presence
from brownout.core.rates import Served
from brownout.core.sample import STALE_AFTER_INTERVALS, Resource, Sample
from brownout.core.settle import Pending, Settled
from brownout.core.window import Window

# Limits that differ by less are the same one: a kernel that takes some pages for itself does not break the series.
SAME_SIZE = 0.01

RungKey = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The last decision about one integration: what its status repeats until the next one."""

    at: Instant
    reason: Reason
    message: str
    id: int = 0
    failed: str = ""  # why it could not be carried out; empty when it was
    numbers: Mapping[str, float | str | None] = field(default_factory=lambda: MappingProxyType({}))
    frees_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Steps of one integration that failed or were stale, one after the other, and until when it is left alone."""

    count: int
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`measured` holds the last measurements of each integration at each rung, `learned` what its last steps were seen
    to free where nothing measures the workload (oldest first), `said` the last decision about each, `returned` when we
    brought what back and after how many that did not last, `moved` when a member last changed its rung, `records` how
    each level of each did, `others` the panels of CPU and disk.
    """

    window: Window = field(default_factory=Window)
    sample: Sample | None = None
    holds: Mapping[str, Hold] = field(default_factory=lambda: MappingProxyType({}))
    measured: Mapping[RungKey, Measured] = field(default_factory=lambda: MappingProxyType({}))
    learned: Mapping[RungKey, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    said: Mapping[str, Said] = field(default_factory=lambda: MappingProxyType({}))
    returned: Mapping[str, tuple[Instant, int]] = field(default_factory=lambda: MappingProxyType({}))
    moved: Mapping[str, Instant] = field(default_factory=lambda: MappingProxyType({}))
    failures: Mapping[str, Failures] = field(default_factory=lambda: MappingProxyType({}))
    records: Mapping[RungKey, LevelRecord] = field(default_factory=lambda: MappingProxyType({}))
    pending: Pending | None = None
    calm_since: Instant | None = None
    last_shed_at: Instant = 0.0
    last_return_at: Instant = 0.0
    forecast_since: Instant = 0.0
    panel: Panel | None = None
    others: Mapping[Resource, Panel] = field(default_factory=lambda: MappingProxyType({}))
    champions: Champions | None = None  # what training made of history, where it has


def sampled(ledger: Ledger, sample: Sample, policy: PolicySpec) -> Ledger:
    """The ledger after one look at the machine.

    A tick out of turn (a change, an early call of the sentinel) is looked at but not kept in the window, whose
    samples must stay one interval apart: forecasts count them.
    """
    window = ledger.window.resized(span_s=policy.window, interval_s=policy.interval)
    latest = window.latest
    due = latest is None or sample.at - latest.at >= 0.9 * policy.interval
    if _of_another_size(ledger.sample, sample):
        ledger = replace(ledger, forecast_since=sample.at)
    return replace(
        ledger,
        window=window.add(sample) if due else window,
        panel=fed(_panel(ledger, policy), sample, policy, since=ledger.forecast_since),
        sample=sample,
        calm_since=_calm_since(ledger, sample, policy),
    )


def _panel(ledger: Ledger, policy: PolicySpec) -> Panel | None:
    """The panel; one for other settings than it was made for learns from the window what there is to learn."""
    panel = ledger.panel
    if panel is None or panel.fits(policy.forecast, interval_s=policy.interval):
        return panel
    panel = None
    for sample in ledger.window.samples:
        panel = fed(panel, sample, policy, since=ledger.forecast_since)
    return panel


def _of_another_size(before: Sample | None, sample: Sample) -> bool:
    """Whether the limit has changed: the same bytes are other percents now, and the jump between is no trend."""
    old, new = before.memory_limit_bytes if before else None, sample.memory_limit_bytes
    return bool(old and new and abs(new - old) > SAME_SIZE * old)


def _calm_since(ledger: Ledger, sample: Sample, policy: PolicySpec) -> Instant | None:
    """Since when memory is below the enable threshold without interruption; a gap in the samples interrupts it."""
    memory = sample.percent(Resource.MEMORY)
    if memory is None or memory >= policy.thresholds.enable:
        return None
    last = ledger.sample
    gap = last is None or sample.at - last.at > STALE_AFTER_INTERVALS * policy.interval
    return sample.at if gap or ledger.calm_since is None else ledger.calm_since


def resumed(ledger: Ledger, samples: tuple[Sample, ...], policy: PolicySpec, *, now: Instant) -> Ledger:
    """The ledger with the window that history still holds (requirement S2)."""
    window = ledger.window.resized(span_s=policy.window, interval_s=policy.interval).filled(samples, now=now)
    for sample in window.samples:
        ledger = replace(ledger, sample=sample, calm_since=_calm_since(ledger, sample, policy))
    return replace(ledger, window=window)


def taught(ledger: Ledger, samples: Iterable[Sample], policy: PolicySpec) -> Ledger:
    """The ledger whose panel has learnt from these samples too, oldest first: half a millisecond for each."""
    panel = ledger.panel
    for sample in samples:
        panel = fed(panel, sample, policy, since=ledger.forecast_since)
    return replace(ledger, panel=panel)


def footprints_measured(ledger: Ledger, observed: Mapping[str, Observation]) -> Ledger:
    """The ledger with what each integration was measured to hold, in a start or at rest, at the rung it stands on."""
    measured = dict(ledger.measured)
    for key, seen in observed.items():
        awake = seen.presence in (Presence.RUNNING, Presence.STARTING) and not seen.asleep
        if awake and seen.memory_bytes is not None:  # that one which sleeps holds nothing says nothing of its size
            place = (key, ledger.holds[key].rung if key in ledger.holds else 0)
            known = measured.get(place, NONE)
            look = _look(ledger, key, seen, seen.memory_bytes, known=bool(known.steady))
            after = known.seen(look)
            measured[place] = after.with_drift() if after.trail is not known.trail else after
    return replace(ledger, measured=MappingProxyType(measured))


def _look(ledger: Ledger, key: str, seen: Observation, size_bytes: int, *, known: bool) -> Look:
    """One measurement with what makes it one of a start, or one at rest.

    Looks out of turn come in storms (an editor, a burst of events), so they only count where nothing is known yet.
    """
    sample, window, moved = ledger.sample, ledger.window, ledger.moved.get(key)
    at = sample.at if sample else 0.0
    lowered = moved is not None and _came_down(ledger, key, moved)
    settling = lowered and moved is not None and moved <= at < moved + START_S
    return Look(
        at=at,
        size_bytes=size_bytes,
        interval_s=window.span_s / window.capacity,
        starting=seen.presence is Presence.STARTING,
        came_up_at=None if lowered else moved,
        at_rest=not settling and (window.latest is sample or not known),
    )


def _came_down(ledger: Ledger, key: str, moved: Instant) -> bool:
    """Whether the last step of ours left it lower than it was: it may still hold what it held."""
    hold, returned = ledger.holds.get(key), ledger.returned.get(key)
    return hold is not None and hold.since == moved and (returned is None or returned[0] != moved)


def settled(ledger: Ledger, *, now: Instant) -> tuple[Ledger, Settled | None]:
    """Close the pending shed when it has shown its effect or has had its time; say how it turned out.

    What could not be measured as a process tree is learned from what came back: an ineffective step is thereby
    remembered, and not counted on again.
    """
    pending, sample = ledger.pending, ledger.sample
    if pending is None:
        return ledger, None
    used = sample.memory_used_bytes if sample and sample.at >= pending.at else None
    outcome = pending.outcome(used, now=now)
    if outcome is Settled.WAITING:
        return ledger, outcome
    learned = dict(ledger.learned)
    if used is not None and pending.learns:
        size, place = pending.freed_bytes(used) + pending.leaves_bytes, (pending.key, pending.rung)
        learned[place] = (*learned.get(place, ()), size)[-LEARNT:]
    return replace(ledger, pending=None, learned=MappingProxyType(learned)), outcome


def forgotten(ledger: Ledger, keys: frozenset[str]) -> Ledger:
    """The ledger without what is no longer declared: a later one of the same name starts afresh."""
    if not keys:
        return ledger
    pending = None if ledger.pending and ledger.pending.key in keys else ledger.pending
    return replace(
        ledger,
        holds=MappingProxyType({key: hold for key, hold in ledger.holds.items() if key not in keys}),
        measured=MappingProxyType({place: sizes for place, sizes in ledger.measured.items() if place[0] not in keys}),
        learned=MappingProxyType({place: size for place, size in ledger.learned.items() if place[0] not in keys}),
        failures=MappingProxyType({key: past for key, past in ledger.failures.items() if key not in keys}),
        said=MappingProxyType({key: said for key, said in ledger.said.items() if key not in keys}),
        returned=MappingProxyType({key: seen for key, seen in ledger.returned.items() if key not in keys}),
        moved=MappingProxyType({key: at for key, at in ledger.moved.items() if key not in keys}),
        records=MappingProxyType({place: it for place, it in ledger.records.items() if place[0] not in keys}),
        pending=pending,
    )


def released(ledger: Ledger, key: str) -> Ledger:
    """The ledger without one hold: somebody else brought it back, and we do not fight over it."""
    return replace(ledger, holds=MappingProxyType({held: hold for held, hold in ledger.holds.items() if held != key}))


def levels_served(ledger: Ledger, served: Mapping[str, Served], *, now: Instant) -> Ledger:
    """The ledger with what each integration served since the last sample, at the level where it stands."""
    found = {
        place: ledger.records.get(place, UNTRIED).served(did, now=now)
        for place, did in ((_place(ledger, key), did) for key, did in served.items())
    }
    known = {place: record for place, record in found.items() if record is not ledger.records.get(place)}
    return replace(ledger, records=MappingProxyType({**ledger.records, **known})) if known else ledger


def levels_checked(ledger: Ledger, found: Mapping[str, Findings], *, now: Instant) -> Ledger:
    """The ledger with what health checks found of each since the last sample, at the level where it stands."""
    checked = {key: one for key, one in found.items() if one.checks}
    records = {
        place: ledger.records.get(place, UNTRIED).checked(one.checks, one.errors, now=now)
        for place, one in ((_place(ledger, key), one) for key, one in checked.items())
    }
    return replace(ledger, records=MappingProxyType({**ledger.records, **records})) if records else ledger


def level_missed(ledger: Ledger, place: RungKey, why: str, *, now: Instant) -> Ledger:
    """The ledger after a switch to a level that did not come up: it rests, longer each time in a row."""
    record = ledger.records.get(place, UNTRIED).missed(why, now=now)
    return replace(ledger, records=MappingProxyType({**ledger.records, place: record}))


def level_came_up(ledger: Ledger, place: RungKey) -> Ledger:
    """The ledger after a switch to a level that held."""
    known = ledger.records.get(place)
    if known is None or known.came_up() is known:
        return ledger
    return replace(ledger, records=MappingProxyType({**ledger.records, place: known.came_up()}))


def _place(ledger: Ledger, key: str) -> RungKey:
    return key, ledger.holds[key].rung if key in ledger.holds else 0

"""Small worlds for tests of the core: windows from a line of text, members, outlooks and snapshots.

The machine has 100 GiB, so that one per cent of it is one GiB and sums can be done in the head.
"""

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from brownout.api.policy import PolicySpec
from brownout.api.reasons import BudgetState, Reason
from brownout.core.allowance import UNLIMITED, Allowance
from brownout.core.footprint import Footprint, Source
from brownout.core.forecast import Forecast, Model
from brownout.core.forecasting.feeding import fed
from brownout.core.forecasting.panel import Panel
from brownout.core.forecasting.path import Path, Spread
from brownout.core.forecasting.residuals import Residuals
from brownout.core.instant import Instant
from brownout.core.ladder import ladder_of
from brownout.core.member import Hold, Member, Observation, Presence
from brownout.core.outlook import Outlook
from brownout.core.sample import Sample, Witness
from brownout.core.snapshot import Snapshot
from brownout.core.window import Window
from tests.builders import make_integration

#: A Friday in January 2026, in unix seconds: large enough that careless sums lose their digits.
NOW: Instant = 1_767_323_040.0
ONE_PERCENT = 2**30
LIMIT = 100 * ONE_PERCENT
POLICY = PolicySpec()

_PART = re.compile(
    r"(?P<kind>flat|ramp|none)(?: (?P<first>\d+(?:\.\d+)?)(?:\.\.(?P<last>\d+(?:\.\d+)?))?)?"
    r"(?: x(?P<count>\d+))?"
)


def bytes_of(percent: float) -> int:
    """Percent of the machine as bytes."""
    return round(percent * ONE_PERCENT)


def make_dice(seed: int = 20260102) -> random.Random:
    """Make chance that is the same in every run."""
    return random.Random(seed)


def make_sample(percent: float | None, at: Instant = NOW, **footprints: float) -> Sample:
    """Make a sample of a machine in use to so many per cent, of which `footprints` are ours, by key."""
    used = bytes_of(percent) if percent is not None else None
    held = MappingProxyType({key: bytes_of(size) for key, size in footprints.items()})
    return Sample(
        at=at,
        memory_percent=percent,
        memory_used_bytes=used,
        memory_limit_bytes=LIMIT,
        witness=Witness.NODE,
        footprints=held,
    )


def values_of(text: str) -> Iterator[float | None]:
    """Read `flat 50 x20, ramp 50..90 x10, none x3`: percentages; None where nothing could be read."""
    for part in text.split(", "):
        found = _PART.fullmatch(part)
        assert found, f"{part!r} is no part of a window"
        count, first = int(found["count"] or 1), float(found["first"] or 0.0)
        last = float(found["last"] or first)
        for index in range(count):
            yield None if found["kind"] == "none" else first + (last - first) * index / max(1, count - 1)


def make_samples(text: str, *, interval_s: float = 30.0, end: Instant = NOW, **footprints: float) -> tuple[Sample, ...]:
    """Make samples whose last is at `end`. `gap 600` is a silence of so many seconds more than the interval."""
    made: list[Sample] = []
    at = 0.0
    for part in text.split(", "):
        if part.startswith("gap "):
            at += float(part.removeprefix("gap "))
            continue
        for value in values_of(part):
            made.append(make_sample(value, at, **footprints))
            at += interval_s
    shift = end - made[-1].at
    return tuple(make_sample(sample.memory_percent, sample.at + shift, **footprints) for sample in made)


def make_window(text: str, *, interval_s: float = 30.0, end: Instant = NOW, **footprints: float) -> Window:
    """Make a window of the policy's size from a line such as `flat 50 x20, ramp 50..90 x10`."""
    window = Window().resized(span_s=POLICY.window, interval_s=interval_s)
    for sample in make_samples(text, interval_s=interval_s, end=end, **footprints):
        window = window.add(sample)
    return window


def make_panel(
    text: str,
    *,
    policy: PolicySpec = POLICY,
    interval_s: float = 30.0,
    end: Instant = NOW,
    since: Instant = 0.0,
    **footprints: float,
) -> Panel:
    """Make a panel that was fed such a line, sample by sample; what lies before `since` is passed over."""
    panel = Panel.blank(policy.forecast, interval_s=policy.interval)
    for sample in make_samples(text, interval_s=interval_s, end=end, **footprints):
        panel = fed(panel, sample, policy, since=since)
    return panel


def make_residuals(*values: float) -> Residuals:
    """Make residuals that came in this order."""
    residuals = Residuals()
    for value in values:
        residuals = residuals.add(value)
    return residuals


def make_path(*values: float, half: float = 2.0, count: int = 40, step_s: float = 30.0) -> Path:
    """Make a path that is expected at `values`, one for each step ahead, with residuals evenly from -half to half."""
    residuals = make_residuals(*[half * (2.0 * index / (count - 1) - 1.0) for index in range(count)])
    spreads = tuple(Spread(steps=step, value=value, residuals=residuals) for step, value in enumerate(values, start=1))
    highest = Spread(steps=len(values), value=max(values), residuals=residuals)
    return Path(step_s=step_s, spreads=spreads, highest=highest)


def make_footprint(steady: float | None, peak: float | None = None) -> Footprint:
    """Make a footprint in per cent of the machine; None is one that nobody knows."""
    if steady is None:
        return Footprint.UNKNOWN
    return Footprint(steady_bytes=bytes_of(steady), peak_bytes=bytes_of(peak or steady), source=Source.MEASURED)


def make_hold(
    rung: int = 1, *, reason: Reason = Reason.ABOVE_THRESHOLD, since: Instant = NOW - 3600.0, undone: int = 0
) -> Hold:
    """Make a hold of ours, an hour old."""
    return Hold(rung=rung, since=since, reason=reason, message="as it was said then", undone=undone)


def make_allowance(state: BudgetState = BudgetState.EXCEEDED, percent: float = 100.0) -> Allowance:
    """Make what a budget of a million tokens a day has come to."""
    used = f"used {round(percent)} 000 of 100 000 tokens today"
    return Allowance(state=state, percent=percent, message=used, returns_when="it is 00:00 UTC", resets_at=NOW + 60.0)


def make_member(
    name: str = "voice",
    sizes: float | Iterable[float | None] | None = 10.0,
    *,
    peak: float | None = None,
    hold: Hold | None = None,
    presence: Presence | None = None,
    observation: Mapping[str, Any] | None = None,
    measured: bool = False,
    resting: bool = False,
    accepted: bool = True,
    ours: bool = True,
    allowance: Allowance = UNLIMITED,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Member:
    """Make a member that runs, unless it is held off. `sizes` in per cent, one for each level, best first.

    `measured`: its driver measures it, and it holds just what its footprint says.
    """
    each = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    if len(each) > 1 and "levels" not in spec:
        spec["levels"] = [{"name": f"level-{index}"} for index in range(len(each))]
    integration = make_integration(name, status=status, **spec)
    ladder = ladder_of(integration)
    off = hold is not None and hold.rung >= ladder.off
    seen = presence or (Presence.STOPPED if off else Presence.RUNNING)
    size = None if off else each[hold.rung if hold else 0]
    memory = bytes_of(size) if measured and size is not None else None
    return Member(
        key=name,
        integration=integration,
        ladder=ladder,
        observed=Observation(presence=seen, **{"memory_bytes": memory, **(observation or {})}),
        hold=hold,
        footprints=tuple(make_footprint(size, peak) for size in each),
        resting=resting,
        accepted=accepted,
        ours=ours,
        allowance=allowance,
    )


def make_forecast(value: float, *, half: float = 2.0, votes: bool = True, slope_per_s: float = 0.0) -> Forecast:
    """Make a forecast of so many per cent in five minutes, give or take `half`."""
    return Forecast(
        at=NOW + 300.0,
        value=value,
        lower=value - half,
        upper=value + half,
        model=Model.LINEAR,
        confidence_percent=90.0,
        votes=votes,
        why="" if votes else "it has not earned it",
        slope_per_s=slope_per_s,
    )


def make_outlook(
    percent: float | None,
    *,
    forecast: Forecast | None = None,
    limit: int | None = LIMIT,
    ours: float = 0.0,
    path: Path | None = None,
) -> Outlook:
    """Make an outlook: so many per cent in use now, `ours` of them ours, a forecast of the total, the base's path."""
    return Outlook(
        measured_percent=percent,
        limit_bytes=limit,
        witness=Witness.NODE if percent is not None else Witness.NONE,
        ours_percent=ours,
        total=forecast,
        path=path,
        why="" if percent is not None else "memory cannot be read",
    )


def make_snapshot(
    percent: float | None = 50.0,
    *members: Member,
    forecast: Forecast | None = None,
    limit: int | None = LIMIT,
    policy: PolicySpec = POLICY,
    ours: float = 0.0,
    path: Path | None = None,
    **rest: Any,
) -> Snapshot:
    """Make a snapshot at NOW. Calm, last steps and pending ones as keywords of Snapshot."""
    outlook = make_outlook(percent, forecast=forecast, limit=limit, ours=ours, path=path)
    return Snapshot(policy=policy, outlook=outlook, members=members, **rest)


def the_four(**changes: Member) -> tuple[Member, ...]:
    """Give voice 12, android 8, discord 5 and the essential stubs 1, in per cent; `changes` replace some by name."""
    usual = {
        "voice": make_member("voice", 12.0, priority=10, measured=True),
        "android": make_member("android", 8.0, priority=20, measured=True),
        "discord": make_member("discord", 5.0, priority=30, measured=True),
        "stubs": make_member("stubs", 1.0, priority=1000, essential=True, measured=True),
    }
    return tuple({**usual, **changes}.values())

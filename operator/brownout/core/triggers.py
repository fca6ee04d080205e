"""Triggers: what is known to come before memory is short, so that it is prepared for (requirements D5, D6). Pure.

A trigger is evidence, not a second book of rules: while one is on, the upper bound of the forecast counts instead of
its point, and nothing returns. It never fires on figures that are not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.api.reasons import Reason
from brownout.core.forecast import Forecast
from brownout.core.instant import Instant
from brownout.core.rates import RequestReading, spiking
from brownout.core.sample import Resource, plausible
from brownout.core.window import Window
from brownout.core.wording import duration, percent, threshold

# Of fewer requests neither a mean response time nor a share of failures says anything.
ENOUGH_REQUESTS = 5
# One failed request in ten is no longer a client's mistake here and there.
FAILING_SHARE = 0.1
# Stalls below 1 % of the time are the noise of a healthy machine; above it they count where they have doubled.
STALL_PERCENT = 1.0
STALL_RISES_BY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One thing that is on now: which, of whom (empty: of the whole machine), and the sentence with its numbers."""

    reason: Reason
    message: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What triggers rest on: requests by integration, who was in a spike at the last look, memory, and a peak ahead.

    `ailing` is who was well until lately by its health checks and is not now, with how it suffers.
    """

    readings: Mapping[str, RequestReading] = field(default_factory=lambda: MappingProxyType({}))
    spiking: frozenset[str] = frozenset()
    integrations: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))
    window: Window = field(default_factory=Window)
    peak: Forecast | None = None
    ailing: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def triggers_of(load: Load, policy: PolicySpec, *, now: Instant) -> tuple[Trigger, ...]:
    """All that are on, the most sudden first."""
    return (
        *_spikes(load, policy),
        *_rate_above(load, policy),
        *_pressed(load, policy),
        *peak_ahead(load.peak, policy, now=now),
    )


def spiking_now(load: Load, policy: PolicySpec) -> frozenset[str]:
    """Who is in a spike now, given who was in one at the last look."""
    return frozenset(
        key for key, reading in load.readings.items() if spiking(reading, policy.spike, already=key in load.spiking)
    )


def _spikes(load: Load, policy: PolicySpec) -> Iterator[Trigger]:
    for key in sorted(spiking_now(load, policy)):
        reading = load.readings[key]
        message = f"{key} gets {reading.rate:.1f} requests/s, normal are {reading.normal_rate:.1f}"
        yield Trigger(reason=Reason.LOAD_SPIKE, message=message, key=key)


def _rate_above(load: Load, policy: PolicySpec) -> Iterator[Trigger]:
    """All requests of the machine together at or above the policy's rate; 0 means that no rate is too high."""
    total, limit = sum(reading.rate for reading in load.readings.values()), policy.rate.above
    if limit > 0.0 and load.readings and total >= limit:
        word = "at" if total == limit else "over"
        yield Trigger(reason=Reason.LOAD_SPIKE, message=f"{total:.1f} requests/s in all, {word} {limit:g}")


def _pressed(load: Load, policy: PolicySpec) -> Iterator[Trigger]:
    """Slow or failing integrations, while memory is short or getting short: alone they may have other causes."""
    witness = pressure(load.window, policy)
    if not witness:
        return
    for key in sorted({*load.readings, *load.ailing} & load.integrations.keys()):
        reading, budget_s = load.readings.get(key), load.integrations[key].spec.health.latency_budget
        trouble = (ailing(reading, budget_s) if reading else "") or load.ailing.get(key, "")
        if trouble:
            yield Trigger(reason=Reason.UNDER_PRESSURE, message=f"{key} {trouble} and {witness}", key=key)


def ailing(reading: RequestReading, latency_budget_s: float) -> str:
    """How an integration suffers, in words; empty where it does not or where too few requests tell."""
    if reading.recent < ENOUGH_REQUESTS:
        return ""
    share, response_ms = reading.failure_share, reading.response_ms
    if share is not None and share >= FAILING_SHARE:
        return f"fails {percent(100.0 * share)} of its requests"
    if response_ms is not None and response_ms > 1000.0 * latency_budget_s:
        return f"takes {response_ms:.0f} ms to answer, its budget is {1000.0 * latency_budget_s:g} ms"
    return ""


def pressure(window: Window, policy: PolicySpec) -> str:
    """Why memory is short or getting short, in words; empty where it is not or where nobody knows.

    Two witnesses: tasks wait for memory more than twice as much as is usual in the window (PSI counts only while it
    rises), or memory in use is at or above the enable threshold.
    """
    latest = window.latest
    if latest is None:
        return ""
    stall = plausible(latest.stall_percent)
    if stall is not None and stall >= STALL_PERCENT and _stall_rises(window, stall):
        return f"tasks wait for memory {percent(stall)} of the time and more than before"
    used = latest.percent(Resource.MEMORY)
    if used is not None and used >= policy.thresholds.enable:
        return f"RAM is at {percent(used)}"
    return ""


def _stall_rises(window: Window, stall: float) -> bool:
    known = [value for sample in window.samples[:-1] if (value := plausible(sample.stall_percent)) is not None]
    return bool(known) and stall > STALL_RISES_BY * median(known)


def peak_ahead(peak: Forecast | None, policy: PolicySpec, *, now: Instant) -> tuple[Trigger, ...]:
    """The daily peak that the hours of earlier days announce, where its upper bound reaches the disable threshold.

    A peak without a vote, one without a bound and one that has passed announce nothing.
    """
    limit = policy.thresholds.disable
    if peak is None or not peak.votes or peak.at < now or plausible(peak.upper) is None or peak.upper < limit:
        return ()
    ahead = duration(peak.at - now)
    message = f"the daily peak in {ahead} takes RAM up to {percent(peak.upper)}, over {threshold(limit)}"
    return (Trigger(reason=Reason.DAILY_PEAK_AHEAD, message=message),)

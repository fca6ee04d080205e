"""Health: what the checks of one integration say together. Pure: a record goes in with one more check, a record comes
out.

Two questions are kept apart. Health says how well it answers: reachable, and within its latency budget (requirement
H1), so an answer that is late counts against it like one that fails. The circuit says whether it may be asked at all:
there an answer that is late is an answer. A model that computes for two seconds is late because it works, and to stop
its requests for that would be to stop it for working.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from zlib import crc32

from brownout.api.reasons import Circuit, Health
from brownout.core.breaker import Breaker
from brownout.core.instant import Instant
from brownout.core.wording import duration

__all__ = ["NEVER", "Answer", "Check", "Checked", "Findings", "HealthRecord", "Wellbeing", "after", "ails"]
__all__ += ["found_since", "phase", "wrong"]

# Latencies kept: at a check every 5 s, five minutes. The p95 of 60 is the fourth largest.
KEPT: Final = 60
# Places in a period: of 100 integrations some 12 are checked at once. By HTTP that costs 23 ms of CPU a period; with 16
# places it is 44 ms and with 32 it is 61 ms, since most of it is waking up.
PLACES: Final = 8
QUANTILE: Final = 0.95
# What has been ailing for longer than this has another cause than the pressure of now, or gets no better by relief.
LATELY_S: Final = 300.0


class Answer(StrEnum):
    """What came of one check."""

    OK = "ok"
    SLOW = "slow"  # it passed, but later than its budget
    FAILED = "failed"
    BLOCKED = "blocked"  # the check could not be made: this says nothing of the integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an adapter found; never SLOW, since time is taken by who asks it. `why` is the same words for the same
    fault, without figures that change from one check to the next, so that a status stays quiet.
    """

    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check that has ended at `at`; `took_s` is None where there was no answer to wait for."""

    answer: Answer
    at: Instant
    took_s: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecord:
    """What is known of one integration. `in_row` are the checks in a row that did not pass in time, `slow_in_row`
    those of them that passed late; `checks`, `errors` and `slow` count all; `recent_s` are latencies, oldest first.

    `since` is since when its health is this one; `fell_at` when it last fell from healthy; None: never.
    """

    health: Health = Health.UNKNOWN
    since: Instant = 0.0
    fell_at: Instant | None = None
    threshold: int = 3
    in_row: int = 0
    slow_in_row: int = 0
    blocked_in_row: int = 0
    checks: int = 0
    errors: int = 0
    slow: int = 0
    recent_s: tuple[float, ...] = ()
    why: str = ""

    @property
    def latency_s(self) -> float | None:
        """The p95 of the recent latencies by nearest rank; None before the first."""
        return _quantile(self.recent_s) if self.recent_s else None


NEVER: Final = HealthRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wellbeing:
    """What is known of one integration that is checked: how well it answers, and whether it may be asked."""

    record: HealthRecord
    breaker: Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found of one integration between two samples: for the history. `latency_s` is the p95 of late."""

    health: Health
    circuit: Circuit
    checks: int
    errors: int
    latency_s: float | None


def found_since(before: HealthRecord | None, now: Wellbeing) -> Findings:
    """What came between two looks; of a record that began anew, all since then."""
    record = now.record
    past = before if before is not None and before.checks <= record.checks else NEVER
    return Findings(
        health=record.health,
        circuit=now.breaker.circuit,
        checks=record.checks - past.checks,
        errors=record.errors - past.errors,
        latency_s=record.latency_s,
    )


def after(record: HealthRecord, check: Check, *, threshold: int) -> HealthRecord:
    """The record with one more check.

    One that passes in time makes it healthy, `threshold` in a row that do not make it unhealthy, and as many in a row
    that could not be made leave nothing known. Fewer change nothing.
    """
    if check.answer is Answer.BLOCKED:
        blocked = record.blocked_in_row + 1
        known = replace(record, threshold=threshold, blocked_in_row=blocked, why=check.why)
        return _being(known, Health.UNKNOWN, check.at) if blocked >= threshold else known
    passed, slow = check.answer is Answer.OK, check.answer is Answer.SLOW
    in_row = 0 if passed else record.in_row + 1
    counted = replace(
        record,
        threshold=threshold,
        in_row=in_row,
        slow_in_row=record.slow_in_row + 1 if slow else (0 if passed else record.slow_in_row),
        blocked_in_row=0,
        checks=record.checks + 1,
        errors=record.errors + (check.answer is Answer.FAILED),
        slow=record.slow + slow,
        recent_s=_with(record.recent_s, check.took_s),
        why="" if passed else check.why,
    )
    if passed:
        return _being(counted, Health.HEALTHY, check.at)
    return _being(counted, Health.UNHEALTHY, check.at) if in_row >= threshold else counted


def wrong(record: HealthRecord) -> str:
    """Why it is not healthy, in words; empty where it is, and where nothing has been checked.

    The count stops at the threshold, so that the sentence does not change with each further failure.
    """
    if record.health is Health.UNHEALTHY:
        count = f"{record.threshold} checks in a row" if record.threshold > 1 else "its last check"
        if not record.slow_in_row:
            return f"{count} failed: {record.why}"
        late = "were too slow" if record.threshold > 1 else "was too slow"
        return f"{count} {late if record.slow_in_row >= record.in_row else 'failed or ' + late}: {record.why}"
    if record.health is Health.UNKNOWN and (record.blocked_in_row or record.in_row):
        return f"not known yet: {record.why}" if record.in_row else f"cannot be checked: {record.why}"
    return ""


def ails(record: HealthRecord, *, now: Instant) -> str:
    """How it suffers now after it was well until lately, in words; empty where it does not (requirement D6)."""
    fell = record.fell_at
    if record.health is not Health.UNHEALTHY or fell is None or not 0.0 <= now - fell <= LATELY_S:
        return ""
    return f"is unhealthy for {duration(now - fell)} ({wrong(record)})"


def phase(key: str) -> float:
    """Where in its period an integration is checked, from 0 to below 1: spread evenly, and the same each time."""
    return (crc32(key.encode("utf-8", "replace")) % PLACES) / PLACES


def _being(record: HealthRecord, health: Health, at: Instant) -> HealthRecord:
    if record.health is health:
        return record
    fell = at if (record.health, health) == (Health.HEALTHY, Health.UNHEALTHY) else record.fell_at
    return replace(record, health=health, since=at, fell_at=fell)


def _with(recent_s: tuple[float, ...], took_s: float | None) -> tuple[float, ...]:
    sound = took_s is not None and math.isfinite(took_s) and took_s >= 0.0
    return (*recent_s[-(KEPT - 1) :], took_s) if sound and took_s is not None else recent_s


def _quantile(latencies_s: Sequence[float]) -> float:
    return sorted(latencies_s)[max(1, math.ceil(QUANTILE * len(latencies_s))) - 1]

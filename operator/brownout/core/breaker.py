"""The circuit breaker of one integration: whether it may be asked now. Pure: the time and the waits are arguments.

What it does stands in one table, `TRANSITIONS`, from which the picture in docs/health.md is drawn. What is not in the
table changes nothing: an answer that was asked for before the circuit last changed comes too late to decide.

Two sources speak. Checks and requests are counted apart, since an integration can answer its check and fail what it
is there for: a check that passes must not wipe out the failures of requests, nor close what requests have opened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from brownout.api.reasons import Circuit
from brownout.core.instant import Instant

__all__ = ["CLOSED", "TRANSITIONS", "Admission", "Breaker", "Happening", "Permit", "Source", "Wait", "ask", "doubled"]
__all__ += ["given_back", "tell", "turned"]

#: Seconds that an open circuit waits before its trial, by how many times in a row it has opened (1 or more).
Wait = Callable[[int], float]

# 5, 10, 20, 30, 30 ... s. It is one machine: at 30 s a dead workload is tried 2880 times a day, which costs nothing,
# and one that works again gets its requests back within half a minute.
FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 30.0
# A circuit that was closed for less than this has not proved itself: when it opens again, the waits go on growing.
STEADY_S: Final = 60.0


class Happening(StrEnum):
    """What can happen to a breaker, in the words of its picture."""

    SUCCESS = "success"
    FAILURE = "failure"
    TOO_MANY = "failures reach the threshold"
    WAIT_OVER = "the wait is over"
    TRIAL_SUCCEEDED = "the trial succeeds"
    TRIAL_FAILED = "the trial fails"
    TRIAL_LOST = "the trial never ends"


#: From where, on what, to where.
TRANSITIONS: Final[Mapping[tuple[Circuit, Happening], Circuit]] = MappingProxyType(
    {
        (Circuit.CLOSED, Happening.SUCCESS): Circuit.CLOSED,
        (Circuit.CLOSED, Happening.FAILURE): Circuit.CLOSED,
        (Circuit.CLOSED, Happening.TOO_MANY): Circuit.OPEN,
        (Circuit.OPEN, Happening.WAIT_OVER): Circuit.HALF_OPEN,
        (Circuit.HALF_OPEN, Happening.TRIAL_SUCCEEDED): Circuit.CLOSED,
        (Circuit.HALF_OPEN, Happening.TRIAL_FAILED): Circuit.OPEN,
        (Circuit.HALF_OPEN, Happening.TRIAL_LOST): Circuit.OPEN,
    }
)


class Source(StrEnum):
    """Who asks the integration."""

    CHECK = "check"
    REQUEST = "request"


class Admission(StrEnum):
    """What somebody who wants to ask is told."""

    PASSED = "Passed"
    TRIAL = "Trial"  # the one whose answer decides
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """An answer to somebody who wants to ask; what came of it is told with it. `era` is the breaker's at that time."""

    admission: Admission
    source: Source
    era: int

    @property
    def granted(self) -> bool:
        """Whether the integration may be asked."""
        return self.admission is not Admission.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One breaker. `failures` are those in a row, by source; `openings` those in a row, by which the waits grow.

    `era` counts the changes of the circuit. `retry_at` is when an open one turns half-open, `trial_until` when the
    trial that is under way counts as lost; None while there is none. `opened` counts all openings, for the metric.
    """

    circuit: Circuit = Circuit.CLOSED
    since: Instant = 0.0
    era: int = 0
    failures: Mapping[Source, int] = field(default_factory=lambda: MappingProxyType({}))
    openings: int = 0
    opened: int = 0
    opened_by: Source = Source.CHECK
    why: str = ""
    retry_at: Instant = 0.0
    trial_until: Instant | None = None

    @property
    def closed(self) -> bool:
        """Whether requests pass."""
        return self.circuit is Circuit.CLOSED


CLOSED: Final = Breaker()


def doubled(openings: int) -> float:
    """The wait without chance: it doubles with each opening in a row, up to the longest."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(openings - 1, 16))


def turned(breaker: Breaker, *, now: Instant, wait: Wait) -> Breaker:
    """The breaker as time alone makes it: an open one whose wait is over, a trial that was lost."""
    if breaker.circuit is Circuit.OPEN and now >= breaker.retry_at:
        return _moved(breaker, Happening.WAIT_OVER, now=now)
    until = breaker.trial_until
    if breaker.circuit is Circuit.HALF_OPEN and until is not None and now >= until:
        return _opened(breaker, Happening.TRIAL_LOST, "its trial never ended", now=now, wait=wait)
    return breaker


def ask(breaker: Breaker, source: Source, *, now: Instant, within_s: float, wait: Wait) -> tuple[Breaker, Permit]:
    """Whether `source` may ask the integration now, and the breaker that has said so.

    A half-open one gives exactly one trial, which must end `within_s`. What requests have opened a check cannot try:
    it may have passed all the while.
    """
    breaker = turned(breaker, now=now, wait=wait)
    if breaker.circuit is Circuit.CLOSED:
        return breaker, Permit(admission=Admission.PASSED, source=source, era=breaker.era)
    free = breaker.circuit is Circuit.HALF_OPEN and breaker.trial_until is None
    if free and (breaker.opened_by is Source.CHECK or source is Source.REQUEST):
        trying = replace(breaker, trial_until=now + max(0.0, within_s))
        return trying, Permit(admission=Admission.TRIAL, source=source, era=breaker.era)
    return breaker, Permit(admission=Admission.REFUSED, source=source, era=breaker.era)


def tell(breaker: Breaker, permit: Permit, why: str | None, *, now: Instant, threshold: int, wait: Wait) -> Breaker:
    """The breaker after an answer: `why` says how it failed, None that it succeeded. A late answer changes nothing."""
    if permit.era != breaker.era or not permit.granted:
        return breaker
    if breaker.circuit is Circuit.HALF_OPEN:
        if why is None:
            return _moved(breaker, Happening.TRIAL_SUCCEEDED, now=now)
        return _opened(breaker, Happening.TRIAL_FAILED, why, now=now, wait=wait)
    failures = 0 if why is None else breaker.failures.get(permit.source, 0) + 1
    counted = breaker
    if failures != breaker.failures.get(permit.source, 0):
        counted = replace(breaker, failures=MappingProxyType({**breaker.failures, permit.source: failures}))
    if why is None or failures < threshold:
        return counted
    proved = now - breaker.since >= STEADY_S
    opening = replace(counted, opened_by=permit.source, openings=0 if proved else breaker.openings)
    return _opened(opening, Happening.TOO_MANY, why, now=now, wait=wait)


def given_back(breaker: Breaker, permit: Permit) -> Breaker:
    """The breaker after a permit that was not used: nothing was asked, so nothing is known, and the trial is free."""
    if permit.era != breaker.era or permit.admission is not Admission.TRIAL:
        return breaker
    return replace(breaker, trial_until=None)


def _opened(breaker: Breaker, happening: Happening, why: str, *, now: Instant, wait: Wait) -> Breaker:
    """Open, for longer each time in a row."""
    openings = breaker.openings + 1
    opened = replace(breaker, openings=openings, opened=breaker.opened + 1, why=why)
    return replace(_moved(opened, happening, now=now), retry_at=now + max(0.0, wait(openings)))


def _moved(breaker: Breaker, happening: Happening, *, now: Instant) -> Breaker:
    """Where the table leads; all that was asked before belongs to an earlier era."""
    circuit = TRANSITIONS[breaker.circuit, happening]
    failures: Mapping[Source, int] = MappingProxyType({})
    return replace(breaker, circuit=circuit, since=now, era=breaker.era + 1, failures=failures, trial_until=None)

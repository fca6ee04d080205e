"""The circuits of all integrations: whoever wants to ask one asks here first, and tells afterwards how it went.

    passed = circuits.allow(key, now=clock.now())
    if passed.granted: ... circuits.succeeded(passed, now=...), .failed(passed, "why", now=...) or .unused(passed)

To be used from one thread; nothing here waits. A permit that nobody comes back with is lost when its time is over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from brownout.core.breaker import Breaker, Permit, Source, Wait, ask, doubled, given_back, tell, turned
from brownout.core.instant import Instant

__all__ = ["Circuits", "Pass"]

DEFAULT_THRESHOLD: Final = 3
# What asks without saying how long it may take. A request has 5 s by default; this is for those that have more.
TRIAL_S: Final = 60.0

Changed = Callable[[str, Breaker, Breaker], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A permit with the name of the integration that it is for."""

    key: str
    permit: Permit

    @property
    def granted(self) -> bool:
        """Whether the integration may be asked."""
        return self.permit.granted


class Circuits:
    """One breaker for each integration, made when it is first asked for. `wait` says how long an open one waits.

    `changed` is told each time a circuit changes, with the breaker before and after.
    """

    def __init__(self, wait: Wait = doubled) -> None:
        self._wait = wait
        self._breakers: dict[str, Breaker] = {}
        self._thresholds: dict[str, int] = {}
        self._not_closed: set[str] = set()
        self._first_era = 0
        self.changed: Changed = _nobody

    def allow(self, key: str, *, now: Instant, source: Source = Source.REQUEST, within_s: float = TRIAL_S) -> Pass:
        """Whether it may be asked now. A half-open one allows exactly one caller, until that has told or is late."""
        known = self._breaker(key)
        breaker, permit = ask(known, source, now=now, within_s=within_s, wait=self._wait)
        self._keep(key, known, breaker)
        return Pass(key=key, permit=permit)

    def succeeded(self, passed: Pass, *, now: Instant) -> None:
        """It answered."""
        self._tell(passed, None, now)

    def failed(self, passed: Pass, why: str, *, now: Instant) -> None:
        """It did not answer, or answered that it cannot; `why` is for people and goes into its status."""
        self._tell(passed, why, now)

    def unused(self, passed: Pass) -> None:
        """It was not asked after all, or nobody can tell how it went: a trial is free again."""
        known = self._breakers.get(passed.key)
        if known is not None:
            self._keep(passed.key, known, given_back(known, passed.permit))

    def of(self, key: str, *, now: Instant) -> Breaker:
        """Its breaker as of now."""
        known = self._breaker(key)
        breaker = turned(known, now=now, wait=self._wait)
        self._keep(key, known, breaker)
        return breaker

    def turn(self, *, now: Instant) -> None:
        """Let time do what it does to all that are not closed; their changes are told."""
        for key in tuple(self._not_closed):
            self.of(key, now=now)

    def set_threshold(self, key: str, failures: int) -> None:
        """How many failures in a row open it (spec.health.failureThreshold)."""
        self._thresholds[key] = failures

    def forget(self, key: str) -> None:
        """It is gone, or was switched off: whoever comes back under its name begins with a closed circuit.

        Its eras lie after those of the one before, so that what was asked of that one does not count.
        """
        self._thresholds.pop(key, None)
        self._not_closed.discard(key)
        known = self._breakers.pop(key, None)
        if known is not None:
            self._first_era = max(self._first_era, known.era + 1)

    def _tell(self, passed: Pass, why: str | None, now: Instant) -> None:
        known = self._breakers.get(passed.key)
        if known is not None:  # else it was forgotten meanwhile
            threshold = self._thresholds.get(passed.key, DEFAULT_THRESHOLD)
            told = tell(known, passed.permit, why, now=now, threshold=threshold, wait=self._wait)
            self._keep(passed.key, known, told)

    def _breaker(self, key: str) -> Breaker:
        return self._breakers.setdefault(key, Breaker(era=self._first_era))

    def _keep(self, key: str, before: Breaker, after: Breaker) -> None:
        if after is before:
            return
        self._breakers[key] = after
        (self._not_closed.discard if after.closed else self._not_closed.add)(key)
        if after.circuit is not before.circuit:
            self.changed(key, before, after)


def _nobody(key: str, before: Breaker, after: Breaker) -> None:
    del key, before, after

"""Who watches: what an observer is told, and telling all of them, in order; none can hurt the controller or another."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from brownout.api.reasons import BudgetState
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.capability import Notice
from brownout.core.health import Wellbeing
from brownout.core.instant import Instant
from brownout.core.plan import Decision, Step
from brownout.core.rates import RequestReading
from brownout.core.sample import Sample
from brownout.engine.ports import Outcome

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """A run that has not ended: what it has used and what it may, by measure, in seconds and counts."""

    name: str
    state: BudgetState
    used: Mapping[str, float]
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TickDetails:
    """One finished tick, for observers. `durations_s` is our own work without waiting for workloads.

    `notices` are the changes that people are to be told of.
    """

    at: Instant
    cause: str
    sample: Sample
    decision: Decision
    statuses: Mapping[str, IntegrationStatus]
    policy_status: PolicyStatus
    durations_s: Mapping[str, float]
    readings: Mapping[str, RequestReading] = field(default_factory=lambda: MappingProxyType({}))
    notices: tuple[Notice, ...] = ()
    checked: Mapping[str, Wellbeing] = field(default_factory=lambda: MappingProxyType({}))
    runs: tuple[RunFigures, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDetails:
    """One step that was carried out (or skipped, failed, recorded), for observers."""

    at: Instant
    step: Step
    outcome: Outcome
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDetails:
    """A run stands otherwise to its limits from now on. `integration` is its key, where it is one's."""

    at: Instant
    name: str
    state: BudgetState
    message: str
    integration: str | None = None


class Observer(Protocol):
    """Told of what happens. Observers never raise and never block; they cannot change anything."""

    def on_tick(self, details: TickDetails) -> None:
        """A tick has ended."""
        ...

    def on_step(self, details: StepDetails) -> None:
        """A step has ended."""
        ...

    def on_budget(self, details: BudgetDetails) -> None:
        """A run has come close to a limit, has passed one, or is within its limits again."""
        ...

    def on_fault(self, where: str, message: str) -> None:
        """Something of the world failed and was contained; `where` is from a small closed set of words."""
        ...


class Observers:
    """One Observer that passes everything on to many; an observer that raises is logged and left behind."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = observers  # not copied: the composition root may still add to it

    def on_tick(self, details: TickDetails) -> None:
        """A tick has ended."""
        self._each(lambda observer: observer.on_tick(details))

    def on_step(self, details: StepDetails) -> None:
        """A step has ended."""
        self._each(lambda observer: observer.on_step(details))

    def on_budget(self, details: BudgetDetails) -> None:
        """A run stands otherwise to its limits."""
        self._each(lambda observer: observer.on_budget(details))

    def on_fault(self, where: str, message: str) -> None:
        """Something of the world failed and was contained."""
        self._each(lambda observer: observer.on_fault(where, message))

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception:  # noqa: BLE001 - an observer's bug must never reach a decision
                _LOG.exception("an observer failed")

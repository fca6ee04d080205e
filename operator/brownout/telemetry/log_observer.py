"""The engine's events as log records: decisions that say something new, steps, faults, what is refused.

The same fault is told at most once a minute, with how often it came: a sensor that fails at every look of the
sentinel would otherwise fill the disk that may have to be spared.
"""

import logging
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from brownout.api.reasons import ConditionStatus, ConditionType, Health
from brownout.api.status import IntegrationStatus
from brownout.core.health import wrong
from brownout.core.instant import Instant
from brownout.engine.observers import BudgetDetails, StepDetails, TickDetails
from brownout.engine.ports import Clock, OutcomeStatus
from brownout.telemetry.logs import event

__all__ = ["LogObserver"]

_LOG: Final = logging.getLogger("brownout.engine")
QUIET_S: Final = 60.0
_MOST_FAULTS: Final = 256


@dataclass(slots=True)
class _Told:
    """When a fault was last logged, and how often it came since."""

    at: Instant
    unsaid: int = 0


class LogObserver:
    """Logs what the engine does. It is an engine Observer: it never raises and never blocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[str, str] | None = None
        self._refused = ""
        self._health: dict[str, tuple[Health, bool]] = {}
        self._told: OrderedDict[tuple[str, str], _Told] = OrderedDict()

    def on_tick(self, details: TickDetails) -> None:
        """Log the decision when it acts, or when its verdict or reason is another than before; and what is refused."""
        self._on_declared(details)
        self._on_health(details)
        decision = details.decision
        said = (decision.verdict, decision.reason)
        if decision.holds and said == self._last:
            return
        self._last = said
        event(
            _LOG, logging.INFO, "decision",
            verdict=decision.verdict, reason=decision.reason, rule=decision.rule, cause=details.cause,
            steps=len(decision.steps), message=decision.message,
        )  # fmt: skip

    def _on_declared(self, details: TickDetails) -> None:
        """Log each change of what is wrong with the files or objects: who made the mistake may look only here.

        What is in order as a file may still not run as it says (a plugin refuses its config): who that is, is told.
        """
        accepted = (it for it in details.policy_status.conditions if it.type is ConditionType.ACCEPTED)
        wrong = next((it.message for it in accepted if it.status is ConditionStatus.FALSE), "")
        if wrong == self._refused:
            return
        self._refused = wrong
        if wrong:
            event(_LOG, logging.WARNING, "refused; the last good version stays", problems=wrong)
        else:
            stalled = [key for key, status in sorted(details.statuses.items()) if _stalled(status)]
            event(_LOG, logging.INFO, "no file or object is refused any more", stalled=", ".join(stalled) or None)

    def _on_health(self, details: TickDetails) -> None:
        """Log who is no longer as healthy as it was, and who is again; of the first look what is not healthy."""
        now = {key: (seen.record.health, seen.breaker.closed) for key, seen in details.checked.items()}
        for key, (health, closed) in now.items():
            before = self._health.get(key, (Health.UNKNOWN, True))
            if (health, closed) == before or (before[0] is Health.UNKNOWN and health is Health.HEALTHY and closed):
                continue
            bad = health is Health.UNHEALTHY or not closed
            event(
                _LOG, logging.WARNING if bad else logging.INFO, "health",
                integration=key, health=health, circuit=details.checked[key].breaker.circuit,
                message=wrong(details.checked[key].record) or None,
            )  # fmt: skip
        self._health = now

    def on_step(self, details: StepDetails) -> None:
        """Log a step with what came of it; one that failed is a warning."""
        step, outcome = details.step, details.outcome
        level = logging.WARNING if outcome.status is OutcomeStatus.FAILED else logging.INFO
        event(
            _LOG, level, "step",
            integration=step.key, action=step.action, level=step.level or None, outcome=outcome.status,
            reason=step.reason, message=step.message, detail=outcome.detail or None,
            seconds=round(details.duration_s, 3),
        )  # fmt: skip

    def on_budget(self, details: BudgetDetails) -> None:
        """Log how a run stands to its limits from now on."""
        event(
            _LOG, logging.INFO, "budget",
            run=details.name, integration=details.integration, state=details.state, message=details.message,
        )  # fmt: skip

    def on_fault(self, where: str, message: str) -> None:
        """Log a fault, unless the same was logged within the last minute."""
        # Figures differ from time to time (ages, sizes, ids); they do not make it another fault.
        kind = (where, re.sub(r"\d+", "#", message[:512]))
        now = self._clock.now()
        told = self._told.get(kind)
        if told is not None and now - told.at < QUIET_S:
            told.unsaid += 1
            return
        self._remember(kind, now)
        event(_LOG, logging.WARNING, "fault", where=where, message=message, repeated=told.unsaid if told else 0)

    def _remember(self, kind: tuple[str, str], now: Instant) -> None:
        self._told[kind] = _Told(now)
        self._told.move_to_end(kind)
        while len(self._told) > _MOST_FAULTS:
            self._told.popitem(last=False)


def _stalled(status: IntegrationStatus) -> bool:
    """Whether it cannot come to what its owner declares by itself."""
    return any(it.type is ConditionType.STALLED and it.status is ConditionStatus.TRUE for it in status.conditions)

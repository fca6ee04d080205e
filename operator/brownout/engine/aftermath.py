"""The aftermath of a step: what its outcome changes in the ledger, and the sentence for people. Pure."""

from brownout.api.policy import PolicySpec
from brownout.core.aftermath import moved
from brownout.core.bookkeeping import (
    FAILED_REST_S,
    STALE_REST_S,
    failed,
    said,
    succeeded,
)
from brownout.core.explain import not_done
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger, Said, level_came_up, level_missed
from brownout.core.plan import Decision
from brownout.engine.actuate import Done
from brownout.engine.ports import OutcomeStatus


def taken_in(ledger: Ledger, decision: Decision, done: Done, policy: PolicySpec, *, now: Instant) -> Ledger:
    """The ledger after a step that was carried out, failed, or was skipped."""
    key, status = done.step.key, done.outcome.status
    if status is OutcomeStatus.SKIPPED:
        return failed(ledger, key, now=now, first_rest_s=STALE_REST_S)
    ledger = said(ledger, key, _words(decision, done))
    if status is OutcomeStatus.FAILED:
        return _not_done(ledger, done, policy, now=now)
    ledger = level_came_up(ledger, (key, done.step.to_rung))
    return moved(
        succeeded(ledger, key),
        done.step,
        now=now,
        stabilization=policy.stabilization,
        replicas_before=done.outcome.replicas_before,
        began=done.began,
    )


def _not_done(ledger: Ledger, done: Done, policy: PolicySpec, *, now: Instant) -> Ledger:
    """The ledger after a step that failed. A level that did not come up rests; the integration itself need not.

    A scale that could not be put back stands at the new level: that is what has to be undone one day.
    """
    step, outcome = done.step, done.outcome
    if outcome.unfit:
        ledger = level_missed(ledger, (step.key, step.to_rung), outcome.unfit, now=now)
    if outcome.undone:
        return ledger
    before = outcome.replicas_before
    if outcome.unfit and before is not None:
        ledger = moved(ledger, step, now=now, stabilization=policy.stabilization, replicas_before=before)
    return failed(ledger, step.key, now=now, first_rest_s=FAILED_REST_S)


def told(done: Done) -> str:
    """What happened, for people."""
    step, outcome = done.step, done.outcome
    fell = outcome.status is OutcomeStatus.FAILED
    return not_done(step.message, step.name, outcome.detail) if fell else step.message


def _words(decision: Decision, done: Done) -> Said:
    step = done.step
    return Said(
        at=decision.at,
        reason=step.reason,
        message=step.message,
        id=done.intent,
        failed=done.outcome.detail or "no reason was given" if done.outcome.status is OutcomeStatus.FAILED else "",
        numbers=decision.numbers,
        frees_bytes=-step.delta_bytes if step.delta_bytes is not None and step.delta_bytes < 0 else None,
    )

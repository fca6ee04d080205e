"""The aftermath of a step: what its outcome changes in the ledger, and the sentence for people. Pure."""

from brownout.api.policy import PolicySpec
from brownout.core.bookkeeping import (
    FAILED_REST_S,
    STALE_REST_S,
    failed,
    return_done,
    said,
    shed_done,
    succeeded,
)
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger, Said
from brownout.core.member import OWNERS_REASONS
from brownout.core.plan import Decision, Step
from brownout.engine.actuate import Done
from brownout.engine.ports import OutcomeStatus


def taken_in(ledger: Ledger, decision: Decision, done: Done, policy: PolicySpec, *, now: Instant) -> Ledger:
    """The ledger after a step that was carried out, failed, or was skipped."""
    key, status = done.step.key, done.outcome.status
    if status is OutcomeStatus.SKIPPED:
        return failed(ledger, key, now=now, first_rest_s=STALE_REST_S)
    ledger = said(ledger, key, _words(decision, done))
    if status is OutcomeStatus.FAILED:
        return failed(ledger, key, now=now, first_rest_s=FAILED_REST_S)
    return _moved(succeeded(ledger, key), done, policy, now=now)


def told(done: Done) -> str:
    """What happened, for people."""
    failure = f"; it failed: {done.outcome.detail}" if done.outcome.status is OutcomeStatus.FAILED else ""
    return f"{done.step.message}{failure}"


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


def _by_owner(step: Step) -> bool:
    """Whether a step carries out its owner's wish; one that pressure asks for replaces such a hold, and is replaced."""
    return step.reason in OWNERS_REASONS


def _moved(ledger: Ledger, done: Done, policy: PolicySpec, *, now: Instant) -> Ledger:
    """The ledger after a member has really changed its rung."""
    step, stabilization = done.step, policy.stabilization
    measured = any(key == step.key for key, _ in ledger.measured)
    if not step.action.sheds:
        return return_done(ledger, step, now=now, measured=measured, settle_s=stabilization.settle)
    held = ledger.holds.get(step.key)
    if held is not None and held.rung == step.to_rung and held.by_owner == _by_owner(step):
        return ledger  # an emergency overtook a graceful stop: the first of the two to end has said it all
    return shed_done(
        ledger,
        step,
        now=now,
        stabilization=stabilization,
        measured=measured,
        replicas_before=done.outcome.replicas_before,
        began=done.began,
    )

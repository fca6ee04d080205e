"""The aftermath of a step that was carried out: what it changes in the ledger. Pure; the simulator's too."""

from brownout.api.policy import Stabilization
from brownout.core.bookkeeping import return_done, shed_done
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger
from brownout.core.member import OWNERS_REASONS
from brownout.core.plan import Step


def moved(
    ledger: Ledger,
    step: Step,
    *,
    now: Instant,
    stabilization: Stabilization,
    replicas_before: int | None = None,
    began: Instant | None = None,
) -> Ledger:
    """The ledger after a member has really changed its rung; `began`: when that began, where it is long before now."""
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
        replicas_before=replicas_before,
        began=began,
    )


def _by_owner(step: Step) -> bool:
    """Whether a step carries out its owner's wish; one that pressure asks for replaces such a hold, and is replaced."""
    return step.reason in OWNERS_REASONS

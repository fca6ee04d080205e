"""Allowances: what its owner's budget lets an integration have now, in a word and in sentences.

A budget is its owner's own wish, so it holds whatever memory allows: close to a limit the integration runs one level
lower, over one it is off until usage counts from zero again or the limit is raised.
"""

from dataclasses import dataclass

from brownout.api.budget import Per
from brownout.api.reasons import BudgetState, Reason
from brownout.api.status import IntegrationStatus
from brownout.core.instant import Instant, from_rfc3339

REASONS = {BudgetState.APPROACHING: Reason.BUDGET_APPROACHING, BudgetState.EXCEEDED: Reason.BUDGET_EXCEEDED}

_HOUR_S = 3600.0
_DAY_S = 86_400.0
_SPANS_S = {Per.HOUR: _HOUR_S, Per.DAY: _DAY_S, Per.WEEK: 7.0 * _DAY_S}
#: Unix time began on a Thursday; weeks begin on Monday, as ISO 8601 has it.
_FIRST_MONDAY_S = 4.0 * _DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How an integration stands to its budget. `message` and `returns_when` are for people, with numbers.

    `percent` is used of the limit that is nearest; None where there is no budget. `resets_at` is None where usage never
    counts from zero again by itself.
    """

    state: BudgetState = BudgetState.OK
    percent: float | None = None
    message: str = ""
    returns_when: str = ""
    resets_at: Instant | None = None

    @property
    def reason(self) -> Reason | None:
        """Why it would be held down; None while it is within its limits."""
        return REASONS.get(self.state)


#: Of an integration without a budget, or of which nothing is known to have been used.
UNLIMITED = Allowance()


def remembered(status: IntegrationStatus | None, *, now: Instant) -> Allowance:
    """What a status remembers of it, for a controller that has just begun and cannot ask what was used."""
    kept = status.budget if status else None
    resets_at = from_rfc3339(kept.resets_at) if kept else None
    if status is None or kept is None or kept.state is None or (resets_at is not None and now >= resets_at):
        return UNLIMITED
    said = status.message if status.reason is REASONS.get(kept.state) else None
    return Allowance(
        state=kept.state,
        percent=kept.percent,
        message=said or "its budget, as it was last known",
        returns_when=status.returns_when or "what it has used can be read again",
        resets_at=resets_at,
    )


def window_start(per: Per | None, now: Instant) -> Instant:
    """Since when usage adds up: the last full hour, midnight or Monday, UTC; 0 where it always has."""
    if per is None:
        return 0.0
    offset = _FIRST_MONDAY_S if per is Per.WEEK else 0.0
    return (now - offset) // _SPANS_S[per] * _SPANS_S[per] + offset


def window_end(per: Per | None, now: Instant) -> Instant | None:
    """When usage counts from zero again; None: never by itself."""
    return None if per is None else window_start(per, now) + _SPANS_S[per]

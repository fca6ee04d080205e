"""Conditions: statements with a status, a reason and the time of their last change.

`lastTransitionTime` moves only when the status does (Kubernetes API conventions, "Typical status properties"), so
an unchanged world gives an unchanged list, and nothing is written.
"""

from collections.abc import Iterable, Sequence

from brownout.api.reasons import ConditionStatus, ConditionType
from brownout.api.status import Condition
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.quiet import renewed
from brownout.core.wording import sentence

#: What is stated, whether it holds (None: unknown), and why in a word and in a sentence.
Statement = tuple[ConditionType, bool | None, str, str]

_WORDS = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}


def conditions(
    previous: Sequence[Condition], statements: Iterable[Statement], *, now: Instant, generation: int | None
) -> tuple[Condition, ...]:
    """The conditions as of now, each with the time of its last real change."""
    known = {old.type: old for old in previous}
    return tuple([_condition(known.get(one[0]), one, now=now, generation=generation) for one in statements])


def _condition(old: Condition | None, statement: Statement, *, now: Instant, generation: int | None) -> Condition:
    kind, holds, reason, message = statement
    status = _WORDS[holds]
    return renewed(
        old,
        Condition,
        type=kind,
        status=status,
        reason=reason,
        message=sentence(message),
        last_transition_time=to_rfc3339(now) if old is None or old.status != status else old.last_transition_time,
        observed_generation=generation,
    )

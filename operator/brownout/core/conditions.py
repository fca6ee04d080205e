"""Conditions: statements with a status, a reason and the time of their last change.

`lastTransitionTime` moves only when the status does (Kubernetes API conventions, "Typical status properties"), so
an unchanged world gives an unchanged list, and nothing is written.
"""

from collections.abc import Iterable, Sequence

from brownout.api.reasons import ConditionStatus, ConditionType
from brownout.api.status import Condition
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.wording import sentence


def condition(
    kind: ConditionType,
    holds: bool | None,  # noqa: FBT001 - the very subject of a condition, read in its place
    reason: str,
    message: str = "",
    *,
    now: Instant,
    generation: int | None,
) -> Condition:
    """One condition as of now; `holds` None means unknown."""
    words = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}
    return Condition(
        type=kind,
        status=words[holds],
        reason=reason,
        message=sentence(message),
        last_transition_time=to_rfc3339(now),
        observed_generation=generation,
    )


def merged(previous: Sequence[Condition], new: Iterable[Condition]) -> tuple[Condition, ...]:
    """The new conditions, each with the time of its last real change."""
    known = {old.type: old for old in previous}
    return tuple(_kept(known.get(fresh.type), fresh) for fresh in new)


def _kept(old: Condition | None, fresh: Condition) -> Condition:
    if old is None or old.status != fresh.status:
        return fresh
    return fresh.model_copy(update={"last_transition_time": old.last_transition_time})

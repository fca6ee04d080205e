"""What a status says of health and circuit: what the checks found, and of what is not checked what is seen. Pure."""

from brownout.api.reasons import Circuit, Health, Reason
from brownout.core.health import NEVER, Wellbeing, wrong
from brownout.core.member import Member, Presence

__all__ = ["ailment", "circuit_of", "health_of", "shortcoming", "trouble_of"]

_DOWN = (Presence.FAILED, Presence.MISSING)


def health_of(member: Member, checked: Wellbeing | None) -> Health:
    """What its checks say; of what is seen to be down no check has to tell, and what is off is neither well nor ill.

    Before the first check one without a probe is healthy while its process lives: that is all that is asked.
    """
    if member.observed.presence in _DOWN:
        return Health.UNHEALTHY
    if member.observed.presence is Presence.STOPPED:  # what is known of it was found of a run that has ended
        return Health.UNKNOWN
    if checked is not None and checked.record != NEVER:
        return checked.record.health
    lives = member.observed.presence is Presence.RUNNING and not member.integration.spec.health.probed
    return Health.HEALTHY if lives else Health.UNKNOWN


def circuit_of(member: Member, checked: Wellbeing | None) -> Circuit | None:
    """The breaker's state; before the first check of one that is on it is closed, and what is off has none."""
    if not member.checked:
        return None
    return checked.breaker.circuit if checked is not None else Circuit.CLOSED


def ailment(member: Member, checked: Wellbeing | None) -> str:
    """Why it is not healthy, or not known to be, in words; and what it lacks, which may be the cause, or come to it."""
    if member.observed.presence in (*_DOWN, Presence.STOPPED) or checked is None:
        return member.observed.detail
    return "; ".join(filter(None, (wrong(checked.record), member.observed.lacking)))


def trouble_of(checked: Wellbeing | None) -> tuple[Reason, str] | None:
    """Why one that runs is of no use as it is; None where it is. Requests open a circuit also where checks pass."""
    if checked is None:
        return None
    if checked.record.health is Health.UNHEALTHY:
        return Reason.UNHEALTHY, wrong(checked.record)
    if not checked.breaker.closed:
        return Reason.CIRCUIT_OPEN, f"gets no requests for now: {checked.breaker.why}"
    return None


def shortcoming(member: Member) -> tuple[Reason, str] | None:
    """Why one that runs, and is well, is not all that its owner wants; None where it is.

    What lacks something that it says itself it cannot do without runs on: it may do some of its work.
    """
    kept, lacking = member.observed.kept, member.observed.lacking
    if kept:
        return Reason.ACTUATION_FAILED, f"runs as before, since what is there now cannot take its place: {kept}"
    return (Reason.DEPENDENCY_DISABLED, f"runs, but {lacking}") if lacking else None

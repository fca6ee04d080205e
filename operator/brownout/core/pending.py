"""Why what should run does not run yet: what it waits for, with figures where memory keeps it waiting."""

from typing import Final

from brownout.api.reasons import Reason
from brownout.api.status import IntegrationStatus
from brownout.core import explain
from brownout.core.member import UNSEEN, Member, Presence
from brownout.core.plan import Decision
from brownout.core.snapshot import Snapshot
from brownout.core.wording import listing, threshold

__all__ = ["why_pending"]

#: What lets nothing start that need not run.
_PRESSING: Final = frozenset(
    {
        Reason.EMERGENCY,
        Reason.ABOVE_THRESHOLD,
        Reason.FORECAST_ABOVE_THRESHOLD,
        Reason.LOAD_SPIKE,
        Reason.UNDER_PRESSURE,
        Reason.DAILY_PEAK_AHEAD,
    }
)


def why_pending(
    member: Member, snapshot: Snapshot, decision: Decision, previous: IntegrationStatus
) -> tuple[Reason, str]:
    """The reason and the sentence, with the figures of when it was first said: the same pressure writes nothing."""
    if waits := _waits_for(member, snapshot):
        return Reason.DEPENDENCY_DISABLED, waits
    if snapshot.outlook.measured_percent is None:
        return Reason.METRICS_UNKNOWN, f"{explain.ram(snapshot.outlook)}: it starts when that is known"
    if member.observed.presence is Presence.UNKNOWN and member.observed.detail not in ("", UNSEEN.detail):
        return Reason.UNHEALTHY, f"nobody can tell whether it runs: {member.observed.detail}"
    reason = _pressure(member, snapshot, decision)
    if reason is None:
        return Reason.STABILIZING, member.observed.detail or "about to start"
    tail = f": it starts when it fits under {threshold(snapshot.policy.thresholds.disable)}"
    if previous.reason is reason and previous.message and previous.message.endswith(tail):
        return reason, previous.message
    return reason, f"{explain.ram(snapshot.outlook)}{tail}"


def _waits_for(member: Member, snapshot: Snapshot) -> str:
    """What it depends on and what is not declared, or not up; empty where nothing of it keeps it from starting."""
    known = snapshot.by_key
    missing = [key for key in member.needs if key not in known]
    if missing:
        return f"it depends on {', '.join(missing)}, which is not declared"
    down = [known[key].name for key in member.needs if not known[key].up]
    return f"it starts when {listing(down)} runs, on which it depends" if down else ""


def _pressure(member: Member, snapshot: Snapshot, decision: Decision) -> Reason | None:
    """The pressure that keeps it from starting; None for one that is being started all the same."""
    starts = any(step.key == member.key and step.to_rung < member.ladder.off for step in decision.steps)
    if starts or member.key in snapshot.in_flight or member.observed.presence is not Presence.STOPPED:
        return None
    if decision.reason in _PRESSING:
        return decision.reason
    measured = snapshot.outlook.measured_percent
    over = measured is not None and measured >= snapshot.policy.thresholds.disable
    return Reason.ABOVE_THRESHOLD if over else None

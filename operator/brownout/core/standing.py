"""The status of an integration: one value that the table, the object, the event and the metrics all repeat.

Quiet by construction: figures move only when they have moved by a tenth, times only when the state changes, so that
an idle box and an idle cluster see no writes.
"""

import math
from dataclasses import dataclass

from brownout.api.problems import Problem
from brownout.api.reasons import ConditionType, Health, Reason, State
from brownout.api.status import BudgetStatus, Condition, FootprintStatus, IntegrationStatus, LastDecision
from brownout.core import explain
from brownout.core.capability import settled, words
from brownout.core.conditions import Statement, conditions
from brownout.core.health import Wellbeing
from brownout.core.holding import Return, held
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.ledger import Said
from brownout.core.level_status import level_statuses
from brownout.core.member import Hold, Member, Presence
from brownout.core.patience import on_trial
from brownout.core.pending import why_pending
from brownout.core.plan import Decision, Step
from brownout.core.quiet import quiet, renewed
from brownout.core.snapshot import PRESENT, Snapshot
from brownout.core.wellbeing import ailment, circuit_of, health_of, shortcoming, trouble_of
from brownout.core.wording import sentence

_AS_WANTED = "runs as its owner wants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a status is made of: a member in its snapshot, what was last said, and what stood there before.

    `checked` is what its health checks say; None while it is not checked. `back` is when we last brought it back.
    """

    member: Member
    snapshot: Snapshot
    decision: Decision
    said: Said | None
    previous: IntegrationStatus
    in_flight: bool
    problems: tuple[Problem, ...] = ()
    dry_run: bool = False
    node: str = ""
    checked: Wellbeing | None = None
    back: Return | None = None


def status_of(standing: Standing, *, now: Instant) -> IntegrationStatus:
    """The status as of now; equal to the previous one when nothing has changed."""
    member, previous = standing.member, standing.previous
    state = state_of(member, previous)
    reason, message = why(standing, state)
    rung = member.rung if member.rung < member.ladder.off else 0
    free = member.hold is None or (member.hold.by_owner and not explain.kept_by_budget(standing.snapshot, member))
    held_down = not free and member.wanted
    level = member.ladder.level_name(member.rung) or None
    changed = (state, level) != (previous.state, previous.level)
    return renewed(
        previous,
        IntegrationStatus,
        observed_generation=member.integration.metadata.generation,
        state=state,
        level=level,
        since=to_rfc3339(now) if changed or previous.since is None else previous.since,
        reason=reason,
        message=sentence(message),
        returns_when=explain.returns_when(standing.snapshot, member) if held_down else None,
        footprint=_footprint(member, rung, previous),
        memory=quiet(previous.memory, member.observed.memory_bytes),
        levels=level_statuses(member, previous) or None,
        budget=_budget(member, previous.budget),
        health=health_of(member, standing.checked),
        circuit=circuit_of(member, standing.checked),
        node=standing.node or None,
        replicas_before=_replicas_before(member, previous),
        hold=held(member.hold, member, back=_on_trial(standing, now=now), previous=previous.hold),
        last_decision=_last_decision(standing),
        conditions=_conditions(standing, state, reason, message, now=now),
    )


def _on_trial(standing: Standing, *, now: Instant) -> Return | None:
    """Its return, as long as it is still to be seen if that lasts."""
    back, stabilization_s = standing.back, standing.snapshot.policy.stabilization.enable
    return back if back is not None and on_trial(back[0], now=now, stabilization_s=stabilization_s) else None


def _replicas_before(member: Member, previous: IntegrationStatus) -> int | None:
    """What it goes back to: what it had when it was taken down, or what it has, or had last, while it was not."""
    if member.hold is not None:
        return member.hold.replicas_before
    return member.observed.replicas or previous.replicas_before


def state_of(member: Member, previous: IntegrationStatus) -> State:
    """What it is doing, in one word. What cannot be seen keeps its last word."""
    presence = member.observed.presence
    if presence is Presence.UNKNOWN:
        return previous.state or State.PENDING
    if presence is Presence.MISSING or (presence is Presence.FAILED and member.rung < member.ladder.off):
        return State.FAILED
    if presence in PRESENT:
        lowered = member.hold is not None and 0 < member.rung < member.ladder.off
        running = State.LOWERED if lowered else State.ENABLED
        return running if presence is Presence.RUNNING else State.PENDING
    off = member.hold is not None or not member.wanted or not member.observed.resumable
    return State.DISABLED if off else State.PENDING


def why(standing: Standing, state: State) -> tuple[Reason, str]:
    """The reason and the sentence that go with a state."""
    member, said = standing.member, standing.said
    plans = (step for decision in standing.decision.in_turn for step in decision.steps)
    planned = next((step for step in plans if step.key == member.key), None)
    if standing.dry_run and planned:
        return Reason.DRY_RUN, _rehearsed(standing, planned)
    if said is not None and fault_of(standing):
        return Reason.ACTUATION_FAILED, explain.not_done(said.message, member.name, said.failed)
    if state is State.FAILED:
        missing = member.observed.presence is Presence.MISSING
        return (Reason.WORKLOAD_MISSING if missing else Reason.UNHEALTHY), member.observed.detail
    if not member.wanted:
        return Reason.DISABLED_BY_OWNER, "its owner wants it off (spec.enabled: false)"
    if member.hold is not None:
        return _why_held(standing, member.hold)
    return _why_without_hold(standing, state)


def _why_held(standing: Standing, hold: Hold) -> tuple[Reason, str]:
    """Why it was taken down; where a budget would keep it there by itself, the budget."""
    kept = explain.kept_by_budget(standing.snapshot, standing.member)
    if not kept or hold.reason is standing.member.allowance.reason:
        return hold.reason, hold.message
    return _spent(standing)


def _spent(standing: Standing) -> tuple[Reason, str]:
    """What its budget says, with the figures of when it was first said: what is used moves, the status need not."""
    allowance, previous = standing.member.allowance, standing.previous
    reason = allowance.reason or Reason.WITHIN_LIMITS
    generation = standing.member.integration.metadata.generation
    same = previous.reason is reason and previous.observed_generation == generation
    return reason, previous.message if same and previous.message else allowance.message


def fault_of(standing: Standing) -> str:
    """Why the last step failed; empty once nobody asks for it any more: it rests no longer, and all is well without."""
    asked = standing.decision.reason is not Reason.WITHIN_LIMITS or standing.member.resting
    return standing.said.failed if standing.said is not None and asked else ""


def _rehearsed(standing: Standing, planned: Step) -> str:
    """What would have been done, with the figures of when it was first said: the same plan writes nothing anew."""
    said = standing.previous.message or ""
    doing = explain.done(planned.action, standing.member, to_rung=planned.to_rung)
    same = standing.previous.reason is Reason.DRY_RUN and doing in said
    return said if same else f"dry run, nothing was done: {planned.message}"


def _why_without_hold(standing: Standing, state: State) -> tuple[Reason, str]:
    member, said = standing.member, standing.said
    if state is State.ENABLED and member.allowance.reason is not None:
        return _spent(standing)
    if state is State.ENABLED:
        as_wanted = (
            f"it is on and holds nothing yet: {member.observed.detail}" if member.observed.asleep else _AS_WANTED
        )
        restored = said is not None and said.reason is Reason.RESTORED
        usual = (Reason.RESTORED, said.message) if said and restored else (Reason.WITHIN_LIMITS, as_wanted)
        return trouble_of(standing.checked) or shortcoming(member) or usual
    if state is State.DISABLED:
        return Reason.DISABLED_BY_OWNER, member.observed.detail or "somebody else switched it off"
    return why_pending(member, standing.snapshot, standing.decision, standing.previous)


def rejected_status(problems: tuple[Problem, ...], previous: IntegrationStatus, *, now: Instant) -> IntegrationStatus:
    """The status of an object that has never been valid: it is not run, and says all that is wrong with it."""
    text = sentence("; ".join(str(problem) for problem in problems))
    reason = Reason.INVALID_SPEC
    statements = (
        (ConditionType.READY, False, reason, text),
        (ConditionType.STALLED, True, reason, text),
        (ConditionType.ACCEPTED, False, reason, text),
    )
    return IntegrationStatus(
        state=State.PENDING,
        since=previous.since or to_rfc3339(now),
        reason=reason,
        message=text,
        conditions=conditions(previous.conditions, statements, now=now, generation=None),
    )


def figure(value: float | str | None) -> float | None:
    """A percentage as the wire holds it: a line that falls steeply foretells less than nothing, which is none."""
    if value is None or isinstance(value, str) or not math.isfinite(value):
        return None
    return round(min(1e6, max(0.0, value)), 1)


def _footprint(member: Member, rung: int, previous: IntegrationStatus) -> FootprintStatus | None:
    known = member.footprint(rung)
    if not known.known:
        return None
    old = previous.footprint
    return renewed(
        old,
        FootprintStatus,
        steady=quiet(old.steady if old else None, known.steady_bytes),
        peak=quiet(old.peak if old else None, known.peak_bytes),
        source=known.source.value,
    )


def _budget(member: Member, previous: BudgetStatus | None) -> BudgetStatus | None:
    """How it stands to its budget, in steps of ten per cent."""
    allowance = member.allowance
    if allowance.percent is None:
        return None
    tens = 10.0 * math.floor(min(allowance.percent, 1e6) / 10.0)
    resets_at = to_rfc3339(allowance.resets_at) if allowance.resets_at is not None else None
    return renewed(previous, BudgetStatus, state=allowance.state, percent=tens, resets_at=resets_at)


def _last_decision(standing: Standing) -> LastDecision | None:
    said = standing.said
    if said is None:
        return standing.previous.last_decision
    return renewed(
        standing.previous.last_decision,
        LastDecision,
        id=str(said.id) if said.id else "",
        at=to_rfc3339(said.at),
        reason=said.reason,
        message=sentence(said.message),
        returns_when="",
        memory_percent=figure(said.numbers.get("memory_percent")),
        forecast_percent=figure(said.numbers.get("forecast_percent")),
        lower=figure(said.numbers.get("lower_percent")),
        upper=figure(said.numbers.get("upper_percent")),
        model=str(said.numbers.get("model") or ""),
        frees=said.frees_bytes,
    )


def _conditions(
    standing: Standing, state: State, reason: Reason, message: str, *, now: Instant
) -> tuple[Condition, ...]:
    """Ready, Reconciling and Stalled as kstatus reads them; Degraded, Healthy and Accepted for people."""
    member = standing.member
    generation = member.integration.metadata.generation
    serving = state in (State.ENABLED, State.LOWERED)
    stalled = state is State.FAILED or bool(fault_of(standing) or member.observed.kept)
    moving = standing.in_flight or state is State.PENDING
    degraded = (member.hold is not None and member.wanted) or (serving and bool(member.observed.lacking))
    health = health_of(member, standing.checked)
    well = None if health is Health.UNKNOWN else health is Health.HEALTHY
    sick = Reason.UNHEALTHY if health is Health.UNHEALTHY else reason
    accepted = "; ".join(str(problem) for problem in standing.problems)
    invalid = not member.accepted
    statements: tuple[Statement, ...] = (
        (ConditionType.READY, serving, reason, message),
        (ConditionType.RECONCILING, moving, reason, "a switch is under way" if moving else ""),
        (ConditionType.STALLED, stalled, reason, message if stalled else ""),
        (ConditionType.DEGRADED, degraded, reason, _for_people(standing, state, message) if degraded else ""),
        (ConditionType.HEALTHY, well, sick, ailment(member, standing.checked)),
        (ConditionType.ACCEPTED, not invalid, Reason.INVALID_SPEC if invalid else Reason.WITHIN_LIMITS, accepted),
    )
    return conditions(standing.previous.conditions, statements, now=now, generation=generation)


def _for_people(standing: Standing, state: State, message: str) -> str:
    """What it can do now, and what brings it back; without numbers that only its owner understands."""
    member = standing.member
    level = member.ladder.level_name(member.rung)
    capability = settled(state, level)
    if capability is None or member.hold is None:
        return message
    when = "" if member.hold.by_owner else explain.returns_when(standing.snapshot, member)
    above = member.ladder.level_name(member.next_rung_up())
    return words(member.integration, capability, returns_when=when, trouble=message, above=above)

"""The rules, in order of priority: the first that answers wins, and holding is an answer.

Pure: a snapshot and `now` in, a decision out. The same snapshot always gives the same decision.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

from brownout.api.policy import RestoreStrategy
from brownout.api.reasons import Reason
from brownout.core import explain, owner, priced, spending
from brownout.core.answer import Answer, Rule, carry_out, free, given_up, hold, start_the_essential
from brownout.core.choice import Choice, choose
from brownout.core.foresight import about_to_be_above, forecast_above, over_at_worst, triggered
from brownout.core.instant import Instant
from brownout.core.outlook import Outlook
from brownout.core.plan import Decision, Verdict
from brownout.core.restore import Waiting, candidate, restore
from brownout.core.shed import shed_all
from brownout.core.snapshot import Snapshot
from brownout.core.wording import listing, threshold


def decide(snapshot: Snapshot, *, now: Instant) -> Decision:
    """The first rule's answer."""
    return next(filter(None, (ask(rule, snapshot, now=now) for rule in RULES)))


def ask(rule: Rule, snapshot: Snapshot, *, now: Instant) -> Decision | None:
    """One rule's answer as a decision, with its name and the figures it rests on; None when it has nothing to say."""
    answer = rule(snapshot, now)
    if answer is None:
        return None
    return Decision(
        at=now,
        verdict=answer.verdict,
        reason=answer.reason,
        message=answer.message,
        rule=rule.__name__,
        steps=answer.steps,
        numbers=numbers(snapshot.outlook),
    )


def emergency(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """At 95 % everything but the essential goes at once: measured only, never on a guess."""
    measured, limit = snapshot.outlook.measured_percent, snapshot.policy.thresholds.emergency
    if measured is None or measured < limit:
        return None
    because = f"{explain.over(snapshot.outlook, limit)}: emergency"
    steps = shed_all(snapshot, reason=Reason.EMERGENCY, because=because)
    going = {step.key for step in steps}
    steps += tuple(step for step in owner.switched_off(snapshot) if step.key not in going)
    message = because if steps else f"{because}, and nothing is left to disable"
    return Answer(verdict=Verdict.EMERGENCY, reason=Reason.EMERGENCY, message=message, steps=steps)


def owners_wish(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """What its owner switched off goes off, whatever the load and whatever is known of it."""
    steps = tuple(step for step in owner.switched_off(snapshot) if step.key not in snapshot.in_flight)
    return carry_out(Verdict.OWNER, steps)


def over_budget(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """What is over its owner's budget goes off, what comes close to a limit goes down a level, whatever the load."""
    return carry_out(Verdict.OWNER, spending.overspent(snapshot))


def metrics_unknown(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """Unknown is not low: without a measurement nothing goes and nothing returns, but the essential starts."""
    if snapshot.outlook.measured_percent is not None:
        return None
    message = f"{explain.ram(snapshot.outlook)}: nothing is switched off or brought back until it is known"
    return start_the_essential(snapshot, Reason.METRICS_UNKNOWN, message)


def settling(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """A step that has not shown its effect yet gets its time; memory comes back late (kubernetes 31362)."""
    if snapshot.in_flight:
        doing = f"the switch of {listing(sorted(snapshot.in_flight))} is under way"
    elif snapshot.pending is not None:
        doing = "waiting to see what the last step frees"
    else:
        return None
    return hold(Reason.STABILIZING, f"{explain.ram(snapshot.outlook)}: {doing}")


def above_threshold(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """Measured at or above the disable threshold: free what is needed to come under it."""
    outlook, limit = snapshot.outlook, snapshot.policy.thresholds.disable
    if outlook.measured_percent is None or outlook.measured_percent < limit:
        return None
    # What is freed is free at the next step only: where it is known what there will be then, that has to be enough.
    soon = outlook.next.quantile(0.5) if outlook.next is not None else 0.0
    excess = max(outlook.measured_percent, soon) - limit
    return free(snapshot, excess, Reason.ABOVE_THRESHOLD, explain.over(outlook, limit))


def first_start(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """What its owner wants on, and nobody switched off, is started as far as it fits."""
    return carry_out(Verdict.START, owner.first_starts(snapshot))


def bring_back(snapshot: Snapshot, now: Instant) -> Answer | None:
    """Calm has lasted and the next one fits: it returns, alone."""
    member = candidate(snapshot)
    if member is None:
        return None
    found = restore(snapshot, member, now=now)
    if isinstance(found, Waiting):
        return hold(found.reason, found.message)
    return carry_out(Verdict.RESTORE, (found,))


def within_limits(snapshot: Snapshot, _now: Instant) -> Answer:
    """Nothing to do."""
    message = f"{explain.ram(snapshot.outlook)}, under {threshold(snapshot.policy.thresholds.disable)}"
    return hold(Reason.WITHIN_LIMITS, message)


def expected_cost(snapshot: Snapshot, now: Instant) -> Answer | None:
    """Prices decide, where the owner has chosen them and enough is known to weigh: this rule then always answers."""
    choice = choose(snapshot)
    if choice is None:
        return None
    if answer := _too_dear(snapshot, choice):
        return answer
    if answer := triggered(snapshot, now) or first_start(snapshot, now):
        return answer
    by_price = snapshot.policy.restore.strategy is RestoreStrategy.WHEN_IT_FITS and choice.at > 0
    return _taken_back(snapshot, choice, now) if by_price else bring_back(snapshot, now) or within_limits(snapshot, now)


def _too_dear(snapshot: Snapshot, choice: Choice) -> Answer | None:
    """What is given up, because to keep it would cost more."""
    if choice.best <= choice.at:
        return None
    steps, because = priced.give_up(snapshot, choice)
    return given_up(steps, because)


def _taken_back(snapshot: Snapshot, choice: Choice, now: Instant) -> Answer:
    """What returns by price, or why it is cheaper to wait."""
    if choice.best == choice.at:
        return hold(Reason.DOES_NOT_FIT, priced.why_not(snapshot, choice))
    found = priced.take_back(snapshot, choice, now=now)
    if isinstance(found, Waiting):
        return hold(found.reason, found.message)
    return Answer(verdict=Verdict.RESTORE, reason=found.reason, message=found.message, steps=(found,))


RULES: tuple[Rule, ...] = (
    emergency,  # nothing outranks the box staying alive
    owners_wish,  # the owner said off: no measurement is needed for that
    over_budget,  # the owner said how much: what was used is counted, not measured, and a bill waits for no sensor
    metrics_unknown,  # from here on every rule rests on a measurement
    settling,  # one step at a time: see what the last one did
    expected_cost,  # what it would cost, where the owner has chosen prices: it then answers for all below
    above_threshold,  # what is measured outranks what is foreseen
    about_to_be_above,  # just before it happens, where the next step is known
    forecast_above,  # before it happens, if the forecast has earned its vote
    triggered,  # before it can happen, where something is known to come
    first_start,  # what the owner wants on and nobody switched off
    bring_back,  # only when nothing above has anything to say
    within_limits,  # holding is an answer, and this one always answers
)


def pressing(snapshot: Snapshot, now: Instant) -> Answer | None:
    """Why nothing may start now that need not run: the first rule that takes something from somebody, would if there
    were anything left, or cannot tell; None where there is no pressure.
    """
    if answer := emergency(snapshot, now) or metrics_unknown(snapshot, now) or settling(snapshot, now):
        return answer
    choice = choose(snapshot)
    if choice is not None:
        return _too_dear(snapshot, choice)
    foreseen = about_to_be_above(snapshot, now) or forecast_above(snapshot, now)
    return above_threshold(snapshot, now) or foreseen or over_at_worst(snapshot)


def numbers(outlook: Outlook) -> Mapping[str, float | str | None]:
    """The figures a decision rests on, for the audit log: percent, bytes, seconds, and which model and witness."""
    total = outlook.total
    bounded = total is not None and math.isfinite(total.upper)
    return MappingProxyType(
        {
            "memory_percent": outlook.measured_percent,
            "limit_bytes": outlook.limit_bytes,
            "witness": outlook.witness.value,
            "forecast_percent": total.value if total else None,
            "lower_percent": total.lower if total and bounded else None,
            "upper_percent": total.upper if total and bounded else None,
            "model": total.model.value if total else None,
            "next_percent": outlook.next.quantile(0.5) if outlook.next else None,
            "votes": ("yes" if total.votes else f"no: {total.why}") if total else None,
        }
    )

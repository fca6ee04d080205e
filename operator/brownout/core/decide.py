"""The rules, in order of priority: the first that answers wins, and holding is an answer.

Pure: a snapshot and `now` in, a decision out. The same snapshot always gives the same decision.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from brownout.api.policy import ForecastModel, RestoreStrategy
from brownout.api.reasons import Reason
from brownout.core import explain, owner, priced, spending
from brownout.core.choice import Choice, choose
from brownout.core.instant import Instant
from brownout.core.outlook import Outlook
from brownout.core.plan import Decision, Step, Verdict
from brownout.core.restore import Waiting, candidate, restore
from brownout.core.shed import shed, shed_all
from brownout.core.snapshot import Snapshot
from brownout.core.wording import listing, threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one rule says: its verdict, why in one word and in a sentence, and the steps, if any."""

    verdict: Verdict
    reason: Reason
    message: str
    steps: tuple[Step, ...] = ()


Rule = Callable[[Snapshot, Instant], Answer | None]


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
    return _carry_out(Verdict.OWNER, steps)


def over_budget(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """What is over its owner's budget goes off, what comes close to a limit goes down a level, whatever the load."""
    return _carry_out(Verdict.OWNER, spending.overspent(snapshot))


def metrics_unknown(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """Unknown is not low: without a measurement nothing goes and nothing returns, but the essential starts."""
    if snapshot.outlook.measured_percent is not None:
        return None
    message = f"{explain.ram(snapshot.outlook)}: nothing is switched off or brought back until it is known"
    return _start_the_essential(snapshot, Reason.METRICS_UNKNOWN, message)


def settling(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """A step that has not shown its effect yet gets its time; memory comes back late (kubernetes 31362)."""
    if snapshot.in_flight:
        doing = f"the switch of {listing(sorted(snapshot.in_flight))} is under way"
    elif snapshot.pending is not None:
        doing = "waiting to see what the last step frees"
    else:
        return None
    return _hold(Reason.STABILIZING, f"{explain.ram(snapshot.outlook)}: {doing}")


def above_threshold(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """Measured at or above the disable threshold: free what is needed to come under it."""
    measured, limit = snapshot.outlook.measured_percent, snapshot.policy.thresholds.disable
    if measured is None or measured < limit:
        return None
    return _shed(snapshot, measured - limit, Reason.ABOVE_THRESHOLD, explain.over(snapshot.outlook, limit))


def forecast_above(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """Foreseen at or above the disable threshold by a forecast that has the vote: act before it is there.

    A forecast that has earned its vote must be sure (its whole band lies there); a pinned line is taken at its word.
    """
    foreseen, limit = snapshot.outlook.voting, snapshot.policy.thresholds.disable
    if foreseen is None:
        return None
    pinned = snapshot.policy.forecast.model is ForecastModel.LINEAR
    certain = foreseen.value if pinned else foreseen.lower
    if not limit <= certain < math.inf:  # nor where there is no figure at all
        return None
    seen = explain.ram_and_forecast(snapshot.outlook, foreseen, horizon_s=snapshot.policy.forecast.horizon)
    because = f"{seen}, over {threshold(limit)}"
    return _shed(snapshot, certain - limit, Reason.FORECAST_ABOVE_THRESHOLD, because)


def triggered(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """A spike, a pressing load or a daily peak: what the forecast holds possible counts, and nothing returns."""
    if not snapshot.triggers:
        return None
    if answer := _over_at_worst(snapshot):
        return answer
    if owner.first_starts(snapshot) or candidate(snapshot) is None:
        return None
    trigger = snapshot.triggers[0]
    return _hold(trigger.reason, f"{explain.ram(snapshot.outlook)}: nothing returns while {trigger.message}")


def _over_at_worst(snapshot: Snapshot) -> Answer | None:
    """What a trigger takes from them: what the forecast holds possible is over the threshold."""
    upper, limit = bound(snapshot), snapshot.policy.thresholds.disable
    if not snapshot.triggers or upper is None or upper < limit:
        return None
    trigger = snapshot.triggers[0]
    seen = explain.ram_at_most(snapshot.outlook, upper, horizon_s=snapshot.policy.forecast.horizon)
    return _shed(snapshot, upper - limit, trigger.reason, f"{trigger.message}; {seen}, over {threshold(limit)}")


def first_start(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """What its owner wants on, and nobody switched off, is started as far as it fits."""
    return _carry_out(Verdict.START, owner.first_starts(snapshot))


def bring_back(snapshot: Snapshot, now: Instant) -> Answer | None:
    """Calm has lasted and the next one fits: it returns, alone."""
    member = candidate(snapshot)
    if member is None:
        return None
    found = restore(snapshot, member, now=now)
    if isinstance(found, Waiting):
        return _hold(found.reason, found.message)
    return _carry_out(Verdict.RESTORE, (found,))


def within_limits(snapshot: Snapshot, _now: Instant) -> Answer:
    """Nothing to do."""
    message = f"{explain.ram(snapshot.outlook)}, under {threshold(snapshot.policy.thresholds.disable)}"
    return _hold(Reason.WITHIN_LIMITS, message)


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
    return _given_up(steps, because)


def _taken_back(snapshot: Snapshot, choice: Choice, now: Instant) -> Answer:
    """What returns by price, or why it is cheaper to wait."""
    if choice.best == choice.at:
        return _hold(Reason.DOES_NOT_FIT, priced.why_not(snapshot, choice))
    found = priced.take_back(snapshot, choice, now=now)
    if isinstance(found, Waiting):
        return _hold(found.reason, found.message)
    return Answer(verdict=Verdict.RESTORE, reason=found.reason, message=found.message, steps=(found,))


RULES: tuple[Rule, ...] = (
    emergency,  # nothing outranks the box staying alive
    owners_wish,  # the owner said off: no measurement is needed for that
    over_budget,  # the owner said how much: what was used is counted, not measured, and a bill waits for no sensor
    metrics_unknown,  # from here on every rule rests on a measurement
    settling,  # one step at a time: see what the last one did
    expected_cost,  # what it would cost, where the owner has chosen prices: it then answers for all below
    above_threshold,  # what is measured outranks what is foreseen
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
    return above_threshold(snapshot, now) or forecast_above(snapshot, now) or _over_at_worst(snapshot)


def bound(snapshot: Snapshot) -> float | None:
    """What memory is held to stay under, in percent; None where the forecast says nothing that can be acted on.

    The vote is about the point of a forecast; its bound rests on its past errors, and holds also where last-value does
    as well. But one that lies further above its point than half of the dead band cannot tell "switch off" from "bring
    back" (requirement F4).
    """
    policy, total = snapshot.policy, snapshot.outlook.total
    if total is None or policy.forecast.model is ForecastModel.OFF or not math.isfinite(total.upper):
        return None
    farthest = (policy.thresholds.disable - policy.thresholds.enable) / 2.0
    return total.upper if total.upper - total.value <= farthest else None


def _hold(reason: Reason, message: str) -> Answer:
    return Answer(verdict=Verdict.HOLD, reason=reason, message=message)


def _carry_out(verdict: Verdict, steps: tuple[Step, ...]) -> Answer | None:
    """The steps with the first one's words; None where there are none."""
    if not steps:
        return None
    return Answer(verdict=verdict, reason=steps[0].reason, message=steps[0].message, steps=steps)


def _shed(snapshot: Snapshot, excess_percent: float, reason: Reason, because: str) -> Answer:
    need_bytes = math.floor((snapshot.outlook.limit_bytes or 0) * excess_percent / 100.0)
    steps = shed(snapshot, need_bytes=need_bytes, reason=reason, because=because)
    if not steps:
        message = f"{because}, and nothing is left that may be lowered or disabled"
        return _start_the_essential(snapshot, reason, message)
    return _given_up(steps, because)


def _given_up(steps: tuple[Step, ...], because: str) -> Answer:
    """Steps down with one sentence for all of them."""
    message = f"{because}: {'; '.join(step.message.removeprefix(because + ': ') for step in steps)}"
    return Answer(verdict=Verdict.SHED, reason=steps[0].reason, message=message, steps=steps)


def _start_the_essential(snapshot: Snapshot, reason: Reason, message: str) -> Answer:
    """Nothing else can be done, but what must run is started whatever the load: a full box still has to serve."""
    starts = owner.first_starts(snapshot)
    steps = tuple(step for step in starts if step.key in snapshot.untouchable and step.key not in snapshot.in_flight)
    return Answer(verdict=Verdict.START if steps else Verdict.HOLD, reason=reason, message=message, steps=steps)


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
            "votes": ("yes" if total.votes else f"no: {total.why}") if total else None,
        }
    )

"""Foresight: the rules that act before memory is there, each on what it may rest on."""

import math

from brownout.api.policy import ForecastModel
from brownout.api.reasons import Reason
from brownout.core import explain, owner
from brownout.core.answer import Answer, free, hold
from brownout.core.instant import Instant
from brownout.core.restore import candidate
from brownout.core.snapshot import Snapshot
from brownout.core.wording import threshold


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
    return free(snapshot, certain - limit, Reason.FORECAST_ABOVE_THRESHOLD, because)


def about_to_be_above(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """At or above the disable threshold with the next step, where that is known: what goes now is gone in time."""
    known, policy = snapshot.outlook.next, snapshot.policy
    left_out = (100.0 - policy.forecast.confidence) / 200.0
    if known is None or known.quantile(left_out) < policy.thresholds.disable:
        return None
    seen = explain.ram_soon(snapshot.outlook, known, left_out=left_out)
    because = f"{seen}, over {threshold(policy.thresholds.disable)}"
    excess = known.quantile(0.5) - policy.thresholds.disable
    return free(snapshot, excess, Reason.FORECAST_ABOVE_THRESHOLD, because)


def triggered(snapshot: Snapshot, _now: Instant) -> Answer | None:
    """A spike, a pressing load or a daily peak: what the forecast holds possible counts, and nothing returns."""
    if not snapshot.triggers:
        return None
    if answer := over_at_worst(snapshot):
        return answer
    if owner.first_starts(snapshot) or candidate(snapshot) is None:
        return None
    trigger = snapshot.triggers[0]
    return hold(trigger.reason, f"{explain.ram(snapshot.outlook)}: nothing returns while {trigger.message}")


def over_at_worst(snapshot: Snapshot) -> Answer | None:
    """What a trigger takes from them: what the forecast holds possible is over the threshold."""
    upper, limit = bound(snapshot), snapshot.policy.thresholds.disable
    if not snapshot.triggers or upper is None or upper < limit:
        return None
    trigger = snapshot.triggers[0]
    seen = explain.ram_at_most(snapshot.outlook, upper, horizon_s=snapshot.policy.forecast.horizon)
    return free(snapshot, upper - limit, trigger.reason, f"{trigger.message}; {seen}, over {threshold(limit)}")


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

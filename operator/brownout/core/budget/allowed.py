"""What a budget in a spec comes to with this usage: the allowance of an integration, with its sentences."""

import math

from brownout.api.budget import Budget, Per
from brownout.api.reasons import BudgetState
from brownout.core.allowance import Allowance, window_end
from brownout.core.budget.assessment import Assessment, assess
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.summary import TITLES, amount
from brownout.core.budget.usage import Usage
from brownout.core.instant import Instant, to_rfc3339
from brownout.core.wording import listing, percent

_WHEN = {Per.HOUR: " this hour", Per.DAY: " today", Per.WEEK: " this week", None: ""}
#: A share of the work that is none: a run may finish from its very beginning.
_LEAST_PERCENT = 1e-9


def limits_of(budget: Budget) -> Limits:
    """The limits that a spec sets for its run."""
    return Limits(
        duration_s=budget.duration,
        tokens=budget.tokens,
        api_calls=budget.api_calls,
        warn_percent=budget.warn_at,
        finish_percent=max(_LEAST_PERCENT, budget.finish_at),
        checkpoint_every_s=budget.checkpoint_every,
    )


def allowance_of(budget: Budget, usage: Usage, *, now: Instant) -> Allowance:
    """What an integration is allowed now that has used so much since its window began."""
    found = assess(limits_of(budget), usage)
    near = found.exceeded or found.approaching
    percents = [line.percent for line in found.lines.values() if line.percent is not None]
    return Allowance(
        state=BudgetState(found.state.value),
        percent=max(percents, default=0.0),
        message=_used(found, near, budget.per) if near else "",
        returns_when=_returns_when(near, budget.per, now) if near else "",
        resets_at=window_end(budget.per, now),
    )


def _used(found: Assessment, near: tuple[Measure, ...], per: Per | None) -> str:
    """`used 812,000 of 1,000,000 tokens today (81.2 %)`."""
    return f"used {listing([_line(found, measure) for measure in near])}{_WHEN[per]}{_share(found, near)}"


def _line(found: Assessment, measure: Measure) -> str:
    line = found.lines[measure]
    limit = amount(measure, line.limit or 0.0)
    what = "" if measure is Measure.DURATION else f" {TITLES[measure]}"
    return f"{amount(measure, line.used)} of {limit}{what}{' of running' if not what else ''}"


def _share(found: Assessment, near: tuple[Measure, ...]) -> str:
    share = found.lines[near[0]].percent or 0.0
    return f" ({percent(share)})" if len(near) == 1 and math.isfinite(share) else ""


def _returns_when(near: tuple[Measure, ...], per: Per | None, now: Instant) -> str:
    """`it is 00:00 UTC, or spec.budget.tokens is raised`."""
    fields = listing([f"spec.budget.{measure}" for measure in near])
    raised = f"{fields} {'is' if len(near) == 1 else 'are'} raised"
    end = window_end(per, now)
    if end is None:
        return raised
    day = "Monday " if per is Per.WEEK else ""
    return f"it is {day}{to_rfc3339(end)[11:16]} UTC, or {raised}"

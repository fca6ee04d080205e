"""How a run stands against its limits: OK, Approaching or Exceeded, with which of them.

The bounds belong to the worse side: at exactly `warn_percent` of a limit a run is Approaching, at exactly 100 % it is
Exceeded. A limit of zero allows none, so that nothing used of nothing allowed is OK and any use is Exceeded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.usage import Usage


class BudgetState(StrEnum):
    """The worst that any limit says."""

    OK = "OK"
    APPROACHING = "Approaching"
    EXCEEDED = "Exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measure: used, of which limit (None: no limit, and then neither percent nor remaining).

    `percent` may be over 100; of a limit of zero it is 0 while nothing is used and infinite afterwards. `remaining` is
    never below 0.
    """

    used: float
    limit: float | None = None
    percent: float | None = None
    remaining: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The state, the limits that are approached, those that are exceeded, and the figures of every measure."""

    state: BudgetState
    approaching: tuple[Measure, ...]
    exceeded: tuple[Measure, ...]
    lines: Mapping[Measure, Line]


def assess(limits: Limits, usage: Usage) -> Assessment:
    """How this usage stands against these limits."""
    lines = {measure: _line(usage.of(measure), limits.of(measure)) for measure in Measure}
    states = {measure: _state(line, limits.warn_percent_of(measure)) for measure, line in lines.items()}
    approaching = tuple(measure for measure, state in states.items() if state is BudgetState.APPROACHING)
    exceeded = tuple(measure for measure, state in states.items() if state is BudgetState.EXCEEDED)
    worst = BudgetState.EXCEEDED if exceeded else BudgetState.APPROACHING if approaching else BudgetState.OK
    return Assessment(state=worst, approaching=approaching, exceeded=exceeded, lines=MappingProxyType(lines))


def _line(used: float, limit: float | None) -> Line:
    if limit is None:
        return Line(used=used)
    # Divided once, from exact products: 29 of 100 is 29.0 percent, where (29 / 100) * 100 is not.
    percent = 100 * used / limit if limit else math.inf if used else 0.0
    return Line(used=used, limit=limit, percent=percent, remaining=max(0, limit - used))


def _state(line: Line, warn_percent: float) -> BudgetState:
    if line.limit is None or line.percent is None or not line.used:
        return BudgetState.OK
    if line.used >= line.limit:
        return BudgetState.EXCEEDED
    return BudgetState.APPROACHING if line.percent >= warn_percent else BudgetState.OK

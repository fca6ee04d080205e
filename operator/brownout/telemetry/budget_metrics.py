"""The gauges of runs under a budget: what each has used, what it may, and how it stands."""

from collections.abc import Iterable

from brownout.api.reasons import BudgetState
from brownout.engine.observers import TickDetails
from brownout.telemetry.metric_table import MOST_RUNS

__all__ = ["of_budgets"]

Series = Iterable[tuple[tuple[str, ...], float | None]]


def of_budgets(details: TickDetails) -> dict[str, Series]:
    """By name, of those that have not ended. Names are words of users, so their number is bounded here once more."""
    shown = details.runs[:MOST_RUNS]
    states = [((run.name, state.value), float(run.state is state)) for run in shown for state in BudgetState]
    limits = [((run.name, measure), limit) for run in shown for measure, limit in sorted(run.limits.items())]
    return {
        "budget_used": [((run.name, measure), used) for run in shown for measure, used in sorted(run.used.items())],
        "budget_limit": limits,
        "budget_state": states,
    }

"""The figures of runs, for metrics and for the log: plain values, so that who shows them needs nothing of budgets."""

from brownout.api.reasons import BudgetState
from brownout.core.budget.run import RunRecord
from brownout.core.budget.summary import TITLES, line_text
from brownout.engine.observers import RunFigures


def figures_of(run: RunRecord) -> RunFigures:
    """The figures of one run."""
    found = run.assessment()
    limits = {str(measure): line.limit for measure, line in found.lines.items() if line.limit is not None}
    return RunFigures(
        name=run.name,
        state=BudgetState(found.state.value),
        used={str(measure): line.used for measure, line in found.lines.items()},
        limits=limits,
    )


def standing_text(run: RunRecord) -> str:
    """`tokens: 812,000 of 1,000,000 (81.2 %), 188,000 remaining`, of each limit that matters now."""
    found = run.assessment()
    near = found.exceeded or found.approaching or tuple(found.lines)
    return "; ".join(f"{TITLES[measure]}: {line_text(measure, found.lines[measure])}" for measure in near)

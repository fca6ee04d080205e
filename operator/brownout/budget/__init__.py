"""Budgets as a library: a run of work with limits on time, tokens and API calls.

    from brownout.budget import Limits, Run

    with Run.open("nightly", Limits(duration="1h", tokens=1_000_000), store="budgets.db") as run:
        for done, page in enumerate(pages):
            if not run.should_continue(done / len(pages)):
                break
            answer = ask(page)
            run.record(tokens=answer.tokens, api_call=True)
            if run.due():
                run.checkpoint({"done": done})

It needs no controller. Importing it loads nothing of one, and no asyncio, SQLite or HTTP before they are used.
"""

from typing import TYPE_CHECKING, Any

from brownout.budget.run import Run, Saved
from brownout.core.budget.advice import Advice
from brownout.core.budget.assessment import Assessment, BudgetState, Line
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import Ending, NoSuchRun, RunRecord
from brownout.core.errors import BrownoutError, HistoryUnavailable, InvalidInput

if TYPE_CHECKING:
    from brownout.budget.aio import AsyncRun

__all__ = [
    "Advice",
    "Assessment",
    "AsyncRun",
    "BrownoutError",
    "BudgetState",
    "Ending",
    "HistoryUnavailable",
    "InvalidInput",
    "Limits",
    "Line",
    "Measure",
    "NoSuchRun",
    "Run",
    "RunRecord",
    "Saved",
]


def __getattr__(name: str) -> Any:
    """`AsyncRun`, loaded when it is first asked for: asyncio is 40 times what the rest of this package takes."""
    if name == "AsyncRun":
        from brownout.budget.aio import AsyncRun  # noqa: PLC0415 - see above

        return AsyncRun
    raise AttributeError(name)

"""Where the runs of this process are kept: in memory, in a file, or at a gateway."""

import warnings
from pathlib import Path
from typing import Final

from brownout.core.errors import InvalidInput
from brownout.engine.budgets import BudgetStore
from brownout.history.budget_memory import MemoryBudgets

#: Runs without a store: one for the process, so that its threads join each other's runs, and a retry can resume.
_IN_MEMORY: Final = MemoryBudgets()


def store_of(store: str | Path | None, server: str | None, token: str | None) -> BudgetStore:
    """The store of a run. Raises InvalidInput for a contradiction, HistoryUnavailable where it cannot be opened."""
    if server is not None:
        if store is not None:
            raise InvalidInput("store and server: Invalid value: both", advice="name the one that keeps the run")
        from brownout.budget.remote import RemoteBudgets  # noqa: PLC0415 - whoever has a file needs no HTTP

        return RemoteBudgets(server, token=token)
    if store is None or str(store) == ":memory:":
        return _IN_MEMORY
    if not str(store):
        raise InvalidInput('store: Invalid value: "": must be a file, a folder, or None to keep it in memory')
    from brownout.history.budgets import SqliteBudgets  # noqa: PLC0415 - whoever keeps runs in memory needs no SQLite

    return SqliteBudgets(store, on_fault=_warn)


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)

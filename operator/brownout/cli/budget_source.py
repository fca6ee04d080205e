"""Where the commands about budgets find the runs: in the state folder, whether a controller runs or not."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from brownout.bootstrap.settings import default_state
from brownout.cli.options import now
from brownout.core.budget.document import limits_from
from brownout.core.budget.run import NoSuchRun, RunRecord
from brownout.core.errors import HomeUnavailable
from brownout.history.budgets import SqliteBudgets

__all__ = ["BudgetSource", "budgets_of"]

_NAMED = 12


class BudgetSource(Protocol):
    """Runs, and what can be asked of them. All raise BrownoutError where that cannot be done."""

    notes: list[str]

    def runs(self, *, most: int) -> tuple[RunRecord, ...]:
        """The newest, newest first."""
        ...

    def run(self, name: str) -> RunRecord:
        """The newest of this name. Raises NoSuchRun with the names that there are."""
        ...

    def change_limits(self, run: RunRecord, limits: Mapping[str, Any]) -> RunRecord:
        """Change what the document names."""
        ...

    def stop(self, run: RunRecord) -> RunRecord:
        """Ask it to stop."""
        ...


def budgets_of(*, state: Path | None) -> BudgetSource:
    """The source that the options name; without any the state folder of this user."""
    return StateBudgets(state or default_state())


@dataclass
class StateBudgets:
    """The state folder. No controller is needed: the file is shared by all who work on it."""

    state: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.state.is_dir() and not os.access(self.state, os.R_OK | os.X_OK):
            advice = "ask as the user whose runs they are"
            raise HomeUnavailable(f"{self.state} cannot be read: it belongs to another user", advice=advice)
        if not (self.state / "budgets.db").is_file():
            advice = "begin one with `brownout budget run`, or name its folder with --state"
            raise HomeUnavailable(f"no run was ever kept in the state folder {self.state}", advice=advice)
        self._store = SqliteBudgets(self.state, on_fault=lambda text: print(f"note: {text}", file=sys.stderr))

    def runs(self, *, most: int) -> tuple[RunRecord, ...]:
        """From the file."""
        return self._store.runs(now=now(), most=most)

    def run(self, name: str) -> RunRecord:
        """The newest of this name."""
        found = next(iter(self._store.runs(now=now(), name=name, most=1)), None)
        if found is None:
            raise no_such_run(name, self.runs(most=100))
        return found

    def change_limits(self, run: RunRecord, limits: Mapping[str, Any]) -> RunRecord:
        """In the file, where whoever works on the run sees it within a second."""
        return self._store.set_limits(run.id, limits_from(limits, over=run.limits), now=now())

    def stop(self, run: RunRecord) -> RunRecord:
        """In the file, as above."""
        return self._store.ask_to_stop(run.id, now=now())


def no_such_run(name: str, known: tuple[RunRecord, ...]) -> NoSuchRun:
    """The refusal of a name, with those that there are."""
    names = list(dict.fromkeys(run.name for run in known))
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return NoSuchRun(f'there is no run "{name}"', advice=f"known are: {shown}" if names else "there are none yet")

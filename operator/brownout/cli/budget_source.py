"""Where the commands about budgets find the runs: in the state folder, or at a controller's gateway."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brownout.bootstrap.settings import default_state
from brownout.budget.stores import store_of
from brownout.cli.options import now
from brownout.cli.usage import server_url, wrong_usage
from brownout.core.budget.document import limits_from
from brownout.core.budget.run import NoSuchRun, RunRecord
from brownout.core.errors import HomeUnavailable
from brownout.engine.budgets import BudgetStore
from brownout.gateway.token import read_token
from brownout.local.lock import is_running

__all__ = ["Budgets", "budgets_of"]

_NAMED: Final = 12
_KEPT: Final = "this is what its budgets.db holds"


@dataclass(frozen=True, slots=True)
class Budgets:
    """Runs by name. All methods raise BrownoutError where the store does not answer."""

    store: BudgetStore
    notes: tuple[str, ...] = ()

    def runs(self, *, most: int) -> tuple[RunRecord, ...]:
        """The newest, newest first."""
        return self.store.runs(now=now(), most=most)

    def run(self, name: str) -> RunRecord:
        """The newest of this name. Raises NoSuchRun with the names that there are."""
        found = next(iter(self.store.runs(now=now(), name=name, most=1)), None)
        if found is None:
            raise _no_such_run(name, self.runs(most=100))
        return found

    def change_limits(self, run: RunRecord, limits: dict[str, Any]) -> RunRecord:
        """Change what the document names; whoever works on the run sees it within a second."""
        return self.store.set_limits(run.id, limits_from(limits, over=run.limits), now=now())

    def stop(self, run: RunRecord) -> RunRecord:
        """Ask it to stop; it sees that within a second."""
        return self.store.ask_to_stop(run.id, now=now())


def budgets_of(*, state: Path | None, server: str | None, token_file: Path | None = None) -> Budgets:
    """The runs that the options mean; without any those in the state folder of this user."""
    folder = state or default_state()
    if server is None:
        _check(folder)
        running = is_running(folder) is not None
        return Budgets(store_of(folder, None, None), () if running else (f"no controller runs with {folder}; {_KEPT}",))
    with wrong_usage():
        return Budgets(store_of(None, server_url(server), _token(folder, token_file)))


def _token(folder: Path, given: Path | None) -> str | None:
    """What opens the gateway for changes; None where there is none, which is enough to look on loopback."""
    path = given or folder / "token"
    if given is None and not os.access(path, os.R_OK):
        return None
    read_token(path)  # refuses what cannot be one
    return path.read_text(encoding="ascii").strip()


def _check(folder: Path) -> None:
    """Say where there is nothing to ask, before anything is made there."""
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        advice = "ask as the user whose runs they are"
        raise HomeUnavailable(f"{folder} cannot be read: it belongs to another user", advice=advice)
    if not (folder / "budgets.db").is_file():
        advice = "begin one with `brownout budget run`, or name its folder with --state"
        raise HomeUnavailable(f"no run was ever kept in the state folder {folder}", advice=advice)


def _no_such_run(name: str, known: tuple[RunRecord, ...]) -> NoSuchRun:
    """The refusal of a name, with those that there are."""
    names = list(dict.fromkeys(run.name for run in known))
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return NoSuchRun(f'there is no run "{name}"', advice=f"known are: {shown}" if names else "there are none yet")

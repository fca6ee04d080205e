"""The process that `brownout budget run` becomes, around real programs: its exit code, its two streams, its folder.

The command line before it takes three times as long to start, and is tested for itself (tests/cli/test_budget.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.cli.budget_run import wrapper_argv
from brownout.core.budget.run import RunRecord
from brownout.engine.process_table import ProcessId
from brownout.history.budgets import SqliteBudgets
from brownout.sensing.processes import ProcTable
from tests.box.stage import brownout_argv
from tests.checkout import ROOT

AGENT = ROOT / "tests" / "programs" / "agent.py"
SAVING = ROOT / "tests" / "programs" / "saving.py"
PATIENCE_S = 60.0


@dataclass
class Wrapped:
    """A folder for the state and whatever the programs write."""

    root: Path

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.root / "state"

    @property
    def env(self) -> dict[str, str]:
        """The environment of a user who has nothing but this checkout."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "BROWNOUT", "OPENAI"))
        }
        return {**kept, "HOME": str(self.root), "TMPDIR": "/tmp", "PYTHONPATH": str(ROOT / "operator")}

    def argv(self, command: Sequence[str], **settings: Any) -> list[str]:
        """What `brownout budget run` becomes with these settings; a run named `run` unless they say otherwise."""
        limits = {name: settings.pop(name) for name in ("duration", "tokens", "apiCalls") if name in settings}
        chosen = WrapSettings(**{"name": "run", "state": str(self.state), "limits": limits, **settings})
        return [*wrapper_argv(chosen), *command]

    def run(self, command: Sequence[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run it and wait for its end."""
        return subprocess.run(
            self.argv(command, **settings), env=self.env, cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    @contextmanager
    def running(self, command: Sequence[str], **settings: Any) -> Iterator[subprocess.Popen[str]]:
        """Run it and go on; at the end it is over, one way or the other."""
        process = subprocess.Popen(
            self.argv(command, **settings), env=self.env, cwd=self.root, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                process.kill()

    def ask(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Another command of `brownout budget` on this state."""
        return subprocess.run(
            brownout_argv("budget", *words, "--state", self.state), env=self.env, cwd=self.root, capture_output=True,
            text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    def asked(self, *words: object) -> Any:
        """The JSON that it answers."""
        done = self.ask(*words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def record(self, name: str = "run", *, now: float = 4e9) -> RunRecord:
        """The run as the store has it. `now` far ahead: nobody works on it any more."""
        store = SqliteBudgets(self.state, on_fault=print)
        try:
            (found,) = store.runs(now=now, name=name, most=1)
            return found
        finally:
            store.close()

    def file(self, name: str) -> Path:
        """A file beside the state."""
        return self.root / name

    def processes(self) -> tuple[ProcessId, ...]:
        """What lives of the first runs of this state."""
        state = os.path.realpath(self.state)
        marked = (ProcTable().marked("BROWNOUT_BUDGET_MARK", f"{state}#{number}") for number in (1, 2))
        return tuple(process for found in marked for process in found)


def saving(result: Path, *acts: object) -> list[str]:
    """The command line of a program that does these things (see tests/programs/saving.py)."""
    return [sys.executable, "-I", "-S", str(SAVING), str(result), *map(str, acts)]


def agent(results: Path, tasks: int, tokens_each: int, *words: object) -> list[str]:
    """The command line of the agent (see tests/programs/agent.py)."""
    return [sys.executable, "-I", str(AGENT), str(results), str(tasks), str(tokens_each), *map(str, words)]

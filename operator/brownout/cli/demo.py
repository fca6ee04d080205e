"""`brownout demo`: real memory taken and given back on this very box, and what the controller makes of it.

Four small programs stand for voice, android, discord and stubs. A load comes, grows and leaves; within two minutes
voice goes, then android, then both come back, each with its sentence. Everything happens in a budget of a few hundred
MiB above what is in use, in a folder that is removed afterwards.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.integration import Integration
from brownout.api.reasons import Reason, State
from brownout.cli.demo_stage import MIB, Load, controller, write_stage
from brownout.cli.demo_tide import Tide
from brownout.cli.source import StateSource
from brownout.core.errors import WorkloadFault
from brownout.core.table import integration_table, place

#: What is worth a line of its own; the table shows the rest.
_NEWS = frozenset({Reason.ABOVE_THRESHOLD, Reason.FORECAST_ABOVE_THRESHOLD, Reason.EMERGENCY, Reason.RESTORED})
ACT_S = 40.0  # one act of the play takes about 10 s; on a busy box up to four times that


def demo(
    state: Annotated[Path | None, typer.Option(help="Keep the state in this folder, to look at afterwards.")] = None,
) -> None:
    """Show it at work: voice goes, then android, then both come back.

    Example: brownout demo
    """
    with tempfile.TemporaryDirectory(prefix="brownout-demo-") as folder:
        stage = Path(folder)
        tide = Tide(stage / "integrations")
        sizes = write_stage(stage / "integrations", used_bytes=tide.level_bytes)
        _say(f"{tide.level_bytes // MIB} MiB are in use; the budget of this demo is {sizes.budget_bytes // MIB} MiB.")
        kept = state or stage / "state"
        with controller(stage / "integrations", kept) as process:
            Play(kept, process, tide).perform(sizes.first_load_bytes, sizes.second_load_bytes)
    _say("\nThat was real memory. `brownout run DIR` does the same for your own programs.")


class Play:
    """The acts, each with what must be seen before the next begins."""

    def __init__(self, state: Path, process: "subprocess.Popen[bytes]", tide: Tide) -> None:
        self._state = state
        self._process = process
        self._tide = tide
        self._ours = {process.pid}
        self._told: set[tuple[str, str]] = set()

    def perform(self, first_bytes: int, second_bytes: int) -> None:
        """All of it. Raises WorkloadFault where an act does not happen."""
        self._until("all four run", lambda: self._states() == dict.fromkeys(self._names(), State.ENABLED))
        with Load() as load:
            self._ours.add(load.pid)
            _say(f"\nA load comes and takes {first_bytes // MIB} MiB.")
            load.take(first_bytes)
            self._until("voice is disabled", lambda: self._states().get("voice") is State.DISABLED)
            _say(f"\nIt grows by {second_bytes // MIB} MiB.")
            load.take(second_bytes)
            self._until("android is disabled", lambda: self._states().get("android") is State.DISABLED)
            _say("\nIt leaves.")
        self._until("all are back", lambda: set(self._states().values()) == {State.ENABLED})

    def _names(self) -> tuple[str, ...]:
        return ("android", "discord", "stubs", "voice")

    def _states(self) -> dict[str, State | None]:
        if not self._state.is_dir():
            return {}
        found = StateSource(self._state).integrations()
        self._tell(found)
        return {each.name: each.status.state if each.status else None for each in found}

    def _tell(self, integrations: tuple[Integration, ...]) -> None:
        """Print each new sentence once."""
        for each in integrations:
            message = each.status.message if each.status and each.status.reason in _NEWS else None
            if message and (each.name, message) not in self._told:
                self._told.add((each.name, message))
                _say(f"  {each.name}: {message}")

    def _until(self, what: str, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + ACT_S  # noqa: TID251 - a person watches this in real time
        while not happened():
            if self._process.poll() is not None:
                raise WorkloadFault("the controller of the demo ended", advice="look above for what it said")
            if time.monotonic() > deadline:  # noqa: TID251
                raise WorkloadFault(f"the demo waited in vain until {what}", advice="is something else taking memory?")
            time.sleep(0.2)  # noqa: TID251
            if moved := self._tide.follow(self._ours):
                verb = "took" if moved > 0 else "gave back"
                _say(f"  (something else {verb} {abs(moved) // MIB} MiB; the budget of this demo moves along)")
        table = integration_table(sorted(StateSource(self._state).integrations(), key=place), now=time.time())  # noqa: TID251
        _say("\n" + "\n".join(f"  {line}" for line in table.splitlines()))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

"""A box for tests: a directory, a state folder, drivers on real processes, and the certainty that none is left."""

import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from brownout.api.integration import Integration
from brownout.core.instant import Instant
from brownout.core.member import Observation, Presence
from brownout.engine.ports import ProcessId
from brownout.local.command import CommandDriver
from brownout.sensing.processes import ProcTable
from tests.builders import make_integration
from tests.eventually import eventually, eventually_async
from tests.local.loops import run

T = TypeVar("T")
PROGRAM = Path(__file__).parent.parent / "programs" / "behaving.py"
TABLE = ProcTable()


class SteadyClock:
    """Real time that never jumps."""

    def now(self) -> Instant:
        """Seconds."""
        return time.monotonic() + 1_767_323_040.0


def argv(*acts: object) -> list[str]:
    """The command line of a program that does these things (see programs/behaving.py)."""
    return [sys.executable, "-I", "-S", str(PROGRAM), *(str(act) for act in acts)]


def program(name: str, *acts: object, env: Mapping[str, str] | None = None, **spec: Any) -> Integration:
    """An integration whose workload is such a program."""
    workload = {"command": {"argv": argv(*acts), "env": dict(env or {})}}
    return make_integration(name, **{"workload": workload, "stop": {"grace": "5s"}, **spec})


@dataclass
class Box:
    """One machine with one state folder."""

    root: Path
    faults: list[tuple[str, str]] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """What is watched."""
        return self.root / "integrations"

    @property
    def state(self) -> Path:
        """What the controller keeps."""
        return self.root / "state"

    def file(self, name: str) -> Path:
        """A file that a program may write."""
        return self.root / name

    def driver(self) -> CommandDriver:
        """A driver on this box; needs a running loop."""
        return CommandDriver(self.state, TABLE, directory=self.directory, clock=SteadyClock(), on_fault=self.on_fault)

    def on_fault(self, where: str, message: str) -> None:
        """Keep it for the test to see."""
        self.faults.append((where, message))

    def live(self, story: Callable[[CommandDriver], Awaitable[T]]) -> T:
        """Tell a story with a driver, which is closed at the end."""

        async def told() -> T:
            driver = self.driver()
            try:
                return await story(driver)
            finally:
                await driver.close()

        return run(told())

    def processes(self, name: str | None = None) -> tuple[ProcessId, ...]:
        """Everything that lives here, or of one integration."""
        found = TABLE.marked("BROWNOUT_STATE", os.path.realpath(self.state))
        return tuple(one for one, marks in found.items() if name in (None, marks.get("BROWNOUT_INTEGRATION")))

    def said(self, name: str) -> int:
        """The pid that a program wrote with `say`; waits until it has."""
        return eventually(lambda: int(self.file(name).read_text().removeprefix("ready ")))

    def log(self, name: str) -> str:
        """What a program has printed so far."""
        return (self.state / "logs" / f"{name}.log").read_text()

    def clear(self) -> tuple[ProcessId, ...]:
        """End whatever is left, however it forks, and say what it was."""
        left = self.processes()
        calm = 0
        while left and calm < 5:  # one look may miss what forks
            for process in (alive := self.processes()):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            calm = 0 if alive else calm + 1
        return left


async def until(driver: CommandDriver, integration: Integration, presence: Presence) -> Observation:
    """The observation once the program is so."""

    async def look() -> Observation | None:
        seen = await driver.observe(integration)
        return seen if seen.presence is presence else None

    seen = await eventually_async(look)
    assert seen is not None
    return seen

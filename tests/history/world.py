"""What the tests of the history share: a clock that a test sets, decisions and samples to keep, a journal on disk."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from brownout.api.reasons import Reason
from brownout.core.plan import Action, Decision, Step, Verdict
from brownout.core.sample import Sample, Witness
from brownout.engine.ports import Outcome, OutcomeStatus
from brownout.history.retention import DEFAULT_LIMITS, Limits
from brownout.history.store import SqliteJournal

T = TypeVar("T")

NOW = 1_767_323_045.0
DONE = Outcome(status=OutcomeStatus.DONE, detail="freed 1.9 GiB")


@dataclass
class SetClock:
    """A clock that shows what the test sets."""

    at: float = NOW

    def now(self) -> float:
        """What the test set."""
        return self.at


@dataclass
class World:
    """A state folder with a history, and what was told of it."""

    path: Path
    clock: SetClock = field(default_factory=SetClock)
    told: list[str] = field(default_factory=list)

    def journal(self, limits: Limits = DEFAULT_LIMITS) -> SqliteJournal:
        """Open the history, as a start of the controller does."""
        return SqliteJournal.open(self.path, clock=self.clock, on_fault=self.on_fault, limits=limits)

    def on_fault(self, where: str, message: str) -> None:
        """Keep what was told."""
        assert where == "history"
        self.told.append(message)

    def use(self, scenario: Callable[[SqliteJournal], Awaitable[T]], limits: Limits = DEFAULT_LIMITS) -> T:
        """Open the history, do something with it, close it."""

        async def run() -> T:
            journal = self.journal(limits)
            try:
                return await scenario(journal)
            finally:
                await journal.close()

        return asyncio.run(run())

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the file itself."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Change the file behind the journal's back."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(sql)

    def beside(self) -> list[str]:
        """Names of the files beside the history that were moved aside, without their logs."""
        aside = self.path.parent.glob(f"{self.path.name}.corrupt-*")
        return sorted(path.name for path in aside if not path.name.endswith("-wal"))


def make_step(key: str = "voice", *, message: str = "RAM 84 %, over 80 %") -> Step:
    """One step that disables."""
    return Step(
        key=key,
        name=key,
        action=Action.DISABLE,
        from_rung=0,
        to_rung=1,
        level="",
        reason=Reason.ABOVE_THRESHOLD,
        message=message,
        delta_bytes=-1,
    )


def make_decision(*steps: Step, at: float = NOW, **numbers: float | str | None) -> Decision:
    """A decision of the planner with these steps."""
    return Decision(
        at=at,
        verdict=Verdict.SHED,
        reason=Reason.ABOVE_THRESHOLD,
        message="RAM 84 %",
        rule="above_threshold",
        steps=steps,
        numbers=numbers,
    )


def make_sample(at: float = NOW, **footprints: int) -> Sample:
    """A sample in which everything was measured."""
    return Sample(
        at=at,
        cpu_percent=12.5,
        memory_percent=78.9,
        disk_percent=40.0,
        memory_used_bytes=789,
        memory_limit_bytes=1000,
        disk_free_bytes=60,
        stall_percent=0.1,
        witness=Witness.CGROUP_V2,
        footprints=footprints,
    )


async def intend(journal: SqliteJournal, key: str = "voice", *, at: float = NOW) -> int:
    """Make one intent durable."""
    step = make_step(key)
    return await journal.intend(make_decision(step, at=at), step, dry_run=False)

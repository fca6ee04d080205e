"""Runs on stores of every kind, under a clock that a test sets: in memory, in a file, behind a gateway."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brownout.bootstrap.clock import SteadyClock
from brownout.budget import Limits, Run
from brownout.budget.remote import RemoteBudgets
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.budgets import BudgetStore
from brownout.gateway.token import Token
from brownout.history.budgets import SqliteBudgets
from brownout.local.lane import Lane
from tests.fakes import FakeBudgets
from tests.gateway.served import FakeReadModel, served
from tests.worlds import NOW

SECRET = "a-token-of-32-characters-or-more"


class SetClock(SteadyClock):
    """A clock that shows what the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOW

    def now(self) -> float:
        """What the test set."""
        return self.at


@dataclass
class Desk:
    """A clock, and runs on stores: each run on disk has one of its own, as in a process of its own."""

    make_store: Callable[[], BudgetStore]
    clock: SetClock = field(default_factory=SetClock)

    @property
    def store(self) -> BudgetStore:
        """A store for whoever is not the run."""
        return self.make_store()

    def open(self, limits: Limits | None = None, name: str = "agent") -> Run:
        """As Run.open, with this clock."""
        store = self.store
        held = store.open(name, limits or Limits(duration="1h", tokens=1000), now=self.clock.now())
        return Run(store, held, clock=self.clock)

    def resume(self, name: str = "agent") -> Run:
        """As Run.resume, with this clock."""
        store = self.store
        return Run(store, store.resume(name, now=self.clock.now()), clock=self.clock)


@dataclass
class ReadModel(FakeReadModel):
    """What a gateway sees, under the clock of the test."""

    clock: SetClock = field(default_factory=SetClock)

    def now(self) -> float:
        """What the test set."""
        return self.clock.now()


@contextmanager
def gateway(place: Path, clock: SetClock) -> Iterator[str]:
    """The URL of a real gateway that keeps runs at this place."""
    lane = Lane("the disk")
    desk = BudgetDesk(lane, lambda: SqliteBudgets(place, on_fault=pytest.fail), kept=(place / "budgets.db").exists)
    with served(ReadModel(desk=desk, clock=clock), token=Token(SECRET.encode())) as visitor:
        yield f"http://{visitor.authority}"
    lane.close()


@contextmanager
def desk_of(kind: str, place: Path) -> Iterator[Desk]:
    """A desk of this kind: `memory`, `disk` or `gateway`."""
    memory, clock = FakeBudgets(), SetClock()
    if kind == "gateway":
        with gateway(place, clock) as url:
            yield Desk(lambda: RemoteBudgets(url, token=SECRET), clock)
        return
    yield Desk(lambda: SqliteBudgets(place, on_fault=pytest.fail) if kind == "disk" else memory, clock)

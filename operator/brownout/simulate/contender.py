"""A contender: a policy in the loop. It sees what a controller on a real box could see, and chooses rungs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from brownout.simulate.plant import Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenThing:
    """One thing as it is seen at a tick. `percent` is measured, `starting` the ticks of its start that are left.

    `asleep`: it is on, and holds nothing until somebody asks something of it.
    """

    thing: Thing
    rung: int
    starting: int
    percent: float
    asleep: bool = False

    @property
    def on(self) -> bool:
        """Whether it holds memory, or may do so with its first request."""
        return self.rung < self.thing.off


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The box at a tick: `now` in seconds since tick 0, total percent, and its things in degradation order."""

    tick: int
    now: float
    total: float
    things: tuple[SeenThing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a contender says of its choice: the reason in a word, and its forecast of the total where it has one."""

    reason: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    model: str = ""
    votes: bool = False


class Contender(Protocol):
    """Whoever can be put into the loop."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """The rung on which each should be from the next tick on; who is not named stays where it is."""


@runtime_checkable
class Teller(Protocol):
    """A contender that also says why."""

    @property
    def told(self) -> Told | None:
        """What it says of its last choice."""

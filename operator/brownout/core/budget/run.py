"""One run as it is known at one moment, and how it comes to its end. What it is kept in is not known here."""

import re
from dataclasses import dataclass
from enum import StrEnum

from brownout.api.problems import shown
from brownout.core.budget.advice import Advice
from brownout.core.budget.assessment import Assessment, assess
from brownout.core.budget.limits import Limits
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.errors import InvalidInput
from brownout.core.instant import Instant

_NAME = re.compile(r"[^\W_]([\w .:@/+-]{0,98}[\w])?")


class NoSuchRun(InvalidInput):
    """There is no run of that name or number, or none that can be continued."""


class Ending(StrEnum):
    """What stopped a run."""

    COMPLETED = "Completed"
    STOPPED_GRACEFULLY = "StoppedGracefully"  # approached a limit with much left to do: partial results
    STOPPED_EXCEEDED = "StoppedExceeded"
    STOPPED_ON_REQUEST = "StoppedOnRequest"
    RENEWED = "Renewed"  # its window (`per: day`) is over: the next run of that name counts from zero
    ABANDONED = "Abandoned"  # crashed, and a new one was begun in its place, or nobody resumed it for 30 days


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run. `usage.elapsed_s` is as of when it was asked for; `seen_at` is the last sign of life of any process.

    `sessions` counts the processes that have it open and live. A run without one that has not ended was interrupted
    (a crash, an error): it can be resumed. `stop_asked_at` is set when somebody asked it to stop.
    """

    id: int
    name: str
    limits: Limits
    usage: Usage = NOTHING_USED
    opened_at: Instant
    seen_at: Instant
    ended_at: Instant | None = None
    stopped_by: Ending | None = None
    stop_asked_at: Instant | None = None
    checkpoints: int = 0
    checkpoint_at: Instant | None = None
    sessions: int = 0

    @property
    def ended(self) -> bool:
        """Whether it came to an end."""
        return self.ended_at is not None

    @property
    def interrupted(self) -> bool:
        """Whether it has neither ended nor a process that works on it: it waits to be resumed."""
        return self.ended_at is None and self.sessions == 0

    def assessment(self) -> Assessment:
        """How it stands against its limits."""
        return assess(self.limits, self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a run was told to keep, and what it had used by then. `number` counts from 1. A text is JSON."""

    number: int
    at: Instant
    usage: Usage
    state: str | bytes


def ending_of(advice: Advice, *, stop_asked: bool) -> Ending:
    """What stopped a run that ended by itself, after this advice."""
    match advice:
        case Advice.STOP_EXCEEDED:
            return Ending.STOPPED_EXCEEDED
        case Advice.STOP_GRACEFULLY:
            return Ending.STOPPED_ON_REQUEST if stop_asked else Ending.STOPPED_GRACEFULLY
        case _:
            return Ending.COMPLETED


def checkpoint_due(limits: Limits, *, last_at: Instant, now: Instant) -> bool:
    """Whether the interval is over since the last checkpoint, or since the run was opened where there is none."""
    return now - last_at >= limits.checkpoint_every_s


def checked_name(name: object) -> str:
    """The name itself. Raises InvalidInput for one that no line of a table or a log should hold."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        allowed = "must be 1 to 100 letters, digits, spaces or any of . : @ / + - _, first and last a letter or digit"
        raise InvalidInput(f"name: Invalid value: {shown(name)}: {allowed}")
    return name

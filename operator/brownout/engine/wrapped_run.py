"""A program under a budget, from its start to its end: watched, told, asked, and ended where it must be.

    within limits ──80 %──▶ told to finish ──limit──▶ asked to stop ──half the grace──▶ SIGTERM ──rest──▶ SIGKILL
                     └── says that less than 80 % is done ──▲

Who has ever reported anything may be expected to listen: it gets half of its grace to end by itself. Who never did
learns of its end by SIGTERM at once; but who is close to a limit when it starts (a run that continues) gets that half
too, for it has had no time to say how far it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from brownout.core.budget.advice import Advice
from brownout.core.budget.run import Ending, ending_of
from brownout.core.budget.wrapping import Standing
from brownout.core.instant import Instant
from brownout.engine.budget_ledger import LOOK_EVERY_S, BudgetLedger
from brownout.engine.clock import Clock

__all__ = ["Program", "Verdict", "WrappedRun"]

_ALL_DONE: Final = 1.0
#: A timer may fire a little early by another clock: look again just behind the edge, not before it.
_BEHIND_S: Final = 0.002


class Program(Protocol):
    """What runs."""

    async def exited(self) -> int:
        """Wait for its end; its status, negative where a signal ended it."""
        ...

    async def end(self, grace_s: float) -> object:
        """SIGTERM to all of it, SIGKILL after the grace; returns when nothing of it is left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it ended: the program's own status, and what stopped it; None where it ended by itself and had failed."""

    status: int
    ending: Ending | None


class WrappedRun:
    """Watches one program. `tell` is called whenever there is something else to tell it, `drain` after its end: what
    it has reported last may still be on its way.
    """

    def __init__(
        self,
        ledger: BudgetLedger,
        program: Program,
        *,
        clock: Clock,
        grace_s: float,
        tell: Callable[[Standing], None],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self._ledger = ledger
        self._program = program
        self._clock = clock
        self._grace_s = grace_s
        self._tell = tell
        self._drain = drain
        self._told: Advice | None = None
        self._asked_at: Instant | None = None
        self._patient = False

    async def run(self) -> Verdict:
        """Until nothing of it is left."""
        exited = asyncio.ensure_future(self._program.exited())
        standing = self._look()
        self._patient = not standing.advice.go
        while not (exited.done() or self._is_over(standing)):
            await self._until_something(exited)
            standing = self._look()
        stopped = not exited.done()
        # Also where it ended by itself: what it left behind would run on without a budget.
        await self._program.end(self._grace_left_s())
        status = await exited
        await self._drain()
        return Verdict(status=status, ending=_ending(standing if stopped else self._ledger.standing(), status))

    def _look(self) -> Standing:
        """How it stands; the program is told when that means something else for it."""
        self._ledger.changed.clear()
        standing = self._ledger.standing()
        if standing.advice is not self._told:
            self._told = standing.advice
            self._asked_at = None if standing.advice.go else self._asked_at or self._clock.now()
            self._tell(standing)
        return standing

    def _is_over(self, standing: Standing) -> bool:
        """Whether asking is at an end."""
        if standing.advice.go or self._asked_at is None:
            return False
        patience_s = self._grace_s / 2 if self._ledger.heard or self._patient else 0.0
        return self._clock.now() - self._asked_at >= patience_s

    def _grace_left_s(self) -> float:
        waited_s = 0.0 if self._asked_at is None else self._clock.now() - self._asked_at
        return max(0.0, self._grace_s - waited_s)

    async def _until_something(self, exited: "asyncio.Future[int]") -> None:
        """Wait for an end, a report, or the moment at which time alone changes something."""
        wait_s = min(LOOK_EVERY_S, self._ledger.until_due_s() + _BEHIND_S)
        if self._asked_at is not None:
            wait_s = min(wait_s, max(0.0, self._asked_at + self._grace_s / 2 - self._clock.now()) + _BEHIND_S)
        changed = asyncio.ensure_future(self._ledger.changed.wait())
        await asyncio.wait((exited, changed), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        with suppress(asyncio.CancelledError):
            await changed


def _ending(standing: Standing, status: int) -> Ending | None:
    """What stopped it. Who ends while being told to stop was stopped, unless it has said that all its work is done."""
    complete = status == 0 and (standing.advice.go or standing.progress == _ALL_DONE)
    if complete:
        return Ending.COMPLETED
    if standing.advice.go:
        return None  # it failed: the run stays, to be resumed
    return ending_of(standing.advice, stop_asked=standing.run.stop_asked_at is not None)

"""The wrapper's own account of a run: what was reported counts at once, and is written down as soon as it can be.

Two answers to "how much was used": memory's, by which limits hold even while the disk hangs, and the store's, which
others see and which outlives us. A report is acknowledged when the store has it. What comes while one write is under
way goes with the next: a program that reports a thousand times a second costs a few writes.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from brownout.core.budget.advice import Advice
from brownout.core.budget.lines import Garbage, Report
from brownout.core.budget.measure import Measure
from brownout.core.budget.points import Point, added
from brownout.core.budget.run import Ending, RunRecord, checkpoint_due
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.budget.wrapping import Standing, sentence, wrapped_advice
from brownout.core.errors import BrownoutError
from brownout.core.instant import Instant
from brownout.engine.budgets import BudgetStore, Held
from brownout.engine.clock import Clock

__all__ = ["LOOK_EVERY_S", "BudgetLedger", "Desk", "Disk"]

T = TypeVar("T")

#: How often the store is read for what others change there: raised limits, a request to stop.
LOOK_EVERY_S: Final = 0.5
#: How often a sign of life is written where nothing is recorded: a crash loses at most so much time.
_SIGN_EVERY_S: Final = 5.0
_DISK_S: Final = 10.0


class Disk(Protocol):
    """Does in a thread what a disk can hold up."""

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """The result; raises HomeUnavailable when it is late, and whatever the work raises."""
        ...


class Desk(Protocol):
    """Where the channels hand in what they were told."""

    def took(self, found: Iterable[Report | Garbage], *, source: str) -> None:
        """It counts from now on."""
        ...

    async def written(self) -> Standing:
        """How the run stands, once all that was taken is in the store, or could not be written."""
        ...

    def refusal(self) -> str:
        """Why nothing more may be used; empty where it may."""
        ...

    def unmeasured(self) -> None:
        """Something was used, and nobody said how much."""
        ...


@dataclass(slots=True)
class _Waiting:
    """What is not in the store yet."""

    used: Usage = NOTHING_USED
    checkpoint: str | None = None
    recorded: bool = False  # `used` is in the store, though not yet in what was read from there


class BudgetLedger:
    """A Desk on one session of a run. `complain` is given a sentence about what was not understood or not written."""

    def __init__(
        self, store: BudgetStore, held: Held, *, clock: Clock, disk: Disk, complain: Callable[[str], None],
        strict: bool = False,
    ) -> None:  # fmt: skip
        self._store = store
        self._session = held.session
        self._run = held.run
        self._seen_at = self._signed_at = clock.now()
        self._clock = clock
        self._disk = disk
        self._complain = complain
        self._strict = strict
        self._waiting = _Waiting()
        self._writing = _Waiting()
        self._progress: float | None = None
        self._points: tuple[Point, ...] = ()
        self._taken = 0  # how often something was taken, and how much of that has been written, or tried in vain
        self._tried = 0
        self._round: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._due = asyncio.Event()
        self._closing = False
        self._keeping: asyncio.Task[None] | None = None
        self._trouble = ""
        self.changed = asyncio.Event()
        self.unmeasured_calls = 0
        self.heard = False  # whether the program has ever said anything, and so may be expected to listen

    # --- what the channels do ----------------------------------------------------------------------------------------

    def took(self, found: Iterable[Report | Garbage], *, source: str) -> None:
        """Count it; name what was not understood."""
        for each in found:
            if isinstance(each, Garbage):
                self._complain(f"line {each.line} on {source} was dropped: {each.why}")
                continue
            self.heard = True
            self._waiting.used += Usage(tokens=each.tokens, api_calls=each.api_calls)
            if each.progress is not None:
                self._progress = each.progress
                self._points = added(self._points, Point(progress=each.progress, usage=self._now().usage))
            self._waiting.checkpoint = each.checkpoint or self._waiting.checkpoint
        self._taken += 1
        self._due.set()
        self.changed.set()

    async def written(self) -> Standing:
        """Wait until all that was taken by now is written, or could not be."""
        taken = self._taken
        while self._tried < taken:
            await asyncio.shield(self._round)
        return self.standing()

    def refusal(self) -> str:
        """The limit that is reached, in a sentence."""
        standing = self.standing()
        return sentence(standing) if standing.advice is Advice.STOP_EXCEEDED else ""

    def unmeasured(self) -> None:
        """Tell the first time."""
        self.unmeasured_calls += 1
        if self.unmeasured_calls == 1:
            self._complain("an answer did not say how many tokens it used: they are not counted")

    # --- what the wrapper does ---------------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """How the run stands now, by memory."""
        run = self._now()
        advice = wrapped_advice(run, self._progress, strict=self._strict)
        due = checkpoint_due(run.limits, last_at=run.checkpoint_at or run.opened_at, now=self._clock.now())
        return Standing(
            run=run, progress=self._progress, advice=advice, recorded=not self._trouble, checkpoint_due=due,
            points=self._points,
        )  # fmt: skip

    def until_due_s(self) -> float:
        """Seconds until time alone changes how it stands; infinite where it never does."""
        run = self._now()
        limit_s, used_s = run.limits.duration_s, run.usage.elapsed_s
        if limit_s is None:
            return float("inf")
        edges = (limit_s * run.limits.warn_percent_of(Measure.DURATION) / 100, limit_s)
        return min((edge - used_s for edge in edges if edge > used_s), default=float("inf"))

    def start(self) -> None:
        """Write and look from now on."""
        self._keeping = asyncio.create_task(self._keep(), name="write the budget")

    async def close(self, ending: Ending | None) -> RunRecord:
        """Write the rest and end the session; the run as it is then, by memory where the store cannot say."""
        self._closing = True
        self._due.set()
        if self._keeping is not None:
            await self._keeping
        now = self._clock.now()
        try:
            self._run = await self._disk.run(
                lambda: self._store.leave(self._run.id, self._session, now=now, ending=ending), within_s=_DISK_S
            )
        except BrownoutError as error:
            self._complain(f"the end of the run could not be written: {error}")
            return self._now()
        return self._run

    async def _keep(self) -> None:
        while not (self._closing and self._tried == self._taken):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._due.wait()
            self._due.clear()
            await self._write()

    async def _write(self) -> None:
        """One round: all that waits goes to the store, and what others changed there comes back."""
        self._writing, self._waiting = self._waiting, _Waiting()
        taken, now, found = self._taken, self._clock.now(), self._writing
        try:
            run = await self._disk.run(lambda: self._round_trip(found, now), within_s=_DISK_S)
        except BrownoutError as error:
            self._restore(str(error))
        else:
            changed = (run.limits, run.stop_asked_at) != (self._run.limits, self._run.stop_asked_at)
            self._run, self._seen_at, self._writing, self._trouble = run, now, _Waiting(), ""
            if changed:
                self.changed.set()
        finally:
            self._tried = taken
            done, self._round = self._round, asyncio.get_running_loop().create_future()
            done.set_result(None)

    def _round_trip(self, found: _Waiting, now: Instant) -> RunRecord:
        """In a thread."""
        if found.used != NOTHING_USED or now - self._signed_at >= _SIGN_EVERY_S:
            self._store.record(self._run.id, found.used, now=now, session=self._session)
            found.recorded, self._signed_at = True, now
        if found.checkpoint is not None:
            self._store.checkpoint(self._run.id, found.checkpoint, now=now, session=self._session)
        return self._store.find(self._run.id, now=now, session=self._session)

    def _restore(self, trouble: str) -> None:
        """What could not be written waits again, before what came meanwhile."""
        if self._writing.recorded:
            self._run = replace(self._run, usage=self._run.usage + self._writing.used)
        else:
            self._waiting.used += self._writing.used
        self._waiting.checkpoint = self._waiting.checkpoint or self._writing.checkpoint
        self._writing = _Waiting()
        if trouble != self._trouble:
            self._complain(f"usage cannot be written now, and is kept in memory: {trouble}")
        self._trouble = trouble

    def _now(self) -> RunRecord:
        """The run with what waits, and with the time since the store was read."""
        since_s = Usage(elapsed_s=max(0.0, self._clock.now() - self._seen_at))
        return replace(self._run, usage=self._run.usage + self._waiting.used + self._writing.used + since_s)

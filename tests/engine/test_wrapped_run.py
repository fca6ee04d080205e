"""A wrapped run in virtual time: when it is told, asked, ended; what is written when, and what a bad disk changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from brownout.core.budget.advice import Advice
from brownout.core.budget.limits import Limits
from brownout.core.budget.lines import Garbage, Report
from brownout.core.budget.run import Ending
from brownout.core.budget.wrapping import Standing
from brownout.engine.budget_ledger import BudgetLedger
from brownout.engine.wrapped_run import Verdict, WrappedRun
from tests.engine.world import IN_VIRTUAL_TIME, passing
from tests.fakes import FakeBudgets, FakeClock

pytestmark = IN_VIRTUAL_TIME
T = TypeVar("T")
GRACE_S = 10.0


class Disk:
    """A thread that answers at the loop's next turn."""

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """The result."""
        await asyncio.sleep(0)
        return work()


class World:
    """A program that ends with 0 when the test says so, or when it is ended; its ledger on a store in memory."""

    def __init__(self, *, progress: float | None = None, strict: bool = False, **limits: float) -> None:
        self.clock = FakeClock()
        self.store = FakeBudgets()
        self.said: list[str] = []
        self.told: list[tuple[float, Advice]] = []
        self.ended: list[tuple[float, float]] = []
        self.began = self.clock.now()
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        held = self.store.open("run", Limits(**limits), now=self.clock.now())  # type: ignore[arg-type]
        self.ledger = BudgetLedger(
            self.store, held, clock=self.clock, disk=Disk(), complain=self.said.append, strict=strict
        )
        self.run = WrappedRun(self.ledger, self, clock=self.clock, grace_s=GRACE_S, tell=self._tell, drain=self._drain)
        if progress is not None:
            self.reports(progress=progress)

    def reports(self, **said: float) -> None:
        """The program says something."""
        self.ledger.took([Report(**said)], source="the test")  # type: ignore[arg-type]

    def at(self, when_s: float, act: Callable[..., object], *arguments: object) -> None:
        """Something happens so long after the beginning."""
        asyncio.get_running_loop().call_later(when_s, act, *arguments)

    def exits(self, status: int = 0) -> None:
        """The program ends by itself."""
        self.over.set_result(status)

    async def exited(self) -> int:
        """As a Program does."""
        return await self.over

    async def end(self, grace_s: float) -> None:
        """As a Program does."""
        if not self.over.done():
            self.ended.append((self.since(), round(grace_s, 1)))
            self.exits(-15)

    async def lives(self) -> Verdict:
        """From its start to its end."""
        self.ledger.start()
        verdict = await self.run.run()
        await self.ledger.close(verdict.ending)
        return verdict

    def since(self) -> float:
        """Seconds since the beginning, to the tenth."""
        return round(self.clock.now() - self.began, 1)

    def _tell(self, standing: Standing) -> None:
        self.told.append((self.since(), standing.advice))

    async def _drain(self) -> None:
        await asyncio.sleep(0)


async def test_who_says_nothing_is_told_at_80_percent_and_ended_at_the_limit() -> None:
    """It learns of its end by SIGTERM, with all of its grace."""
    world = World(duration_s=100.0)
    assert await world.lives() == Verdict(status=-15, ending=Ending.STOPPED_EXCEEDED)
    assert world.told == [(0.0, Advice.CONTINUE), (80.0, Advice.FINISH), (100.0, Advice.STOP_EXCEEDED)]
    assert world.ended == [(100.0, GRACE_S)]


async def test_who_talks_has_half_of_its_grace_to_end_by_itself() -> None:
    """Told to stop at 80 s with little done, ended 5 s later with the other half."""
    world = World(duration_s=100.0, progress=0.3)
    assert (await world.lives()).ending is Ending.STOPPED_GRACEFULLY
    assert world.told[-1] == (80.0, Advice.STOP_GRACEFULLY)
    assert world.ended == [(85.0, 5.0)]


async def test_who_ends_when_told_to_stop_was_stopped() -> None:
    """Also with 0: its results are partial."""
    world = World(duration_s=100.0, progress=0.3)
    world.at(82.0, world.exits)
    assert await world.lives() == Verdict(status=0, ending=Ending.STOPPED_GRACEFULLY)
    assert world.ended == []


async def test_who_becomes_nearly_done_while_being_asked_may_finish() -> None:
    """The request is withdrawn, and comes back at the limit."""
    world = World(duration_s=100.0, progress=0.3)
    world.at(83.0, lambda: world.reports(progress=0.85))
    world.at(95.0, world.exits)
    assert await world.lives() == Verdict(status=0, ending=Ending.COMPLETED)
    assert [advice for _, advice in world.told] == [Advice.CONTINUE, Advice.STOP_GRACEFULLY, Advice.FINISH]


async def test_who_has_done_all_is_complete_wherever_it_stands() -> None:
    """It used its last token on its last task."""
    world = World(tokens=100)
    world.at(1.0, lambda: world.reports(tokens=100, progress=1.0))
    world.at(1.1, world.exits)
    assert (await world.lives()).ending is Ending.COMPLETED


async def test_strict_asks_who_says_nothing() -> None:
    """At once, for it does not listen; one that begins close to a limit gets the time to say how far it is."""
    world = World(duration_s=100.0, strict=True)
    assert (await world.lives()).ending is Ending.STOPPED_GRACEFULLY
    assert world.ended == [(80.0, GRACE_S)]
    late = World(duration_s=100.0, strict=True)
    late.clock.jump(90.0)
    late.began = late.clock.now()
    assert (await late.lives()).ending is Ending.STOPPED_GRACEFULLY
    assert late.ended == [(5.0, 5.0)]


async def test_a_failure_leaves_the_run_to_be_resumed() -> None:
    """Its own end, and not 0."""
    world = World(tokens=100)
    world.at(1.0, world.exits, 3)
    assert await world.lives() == Verdict(status=3, ending=None)
    (run,) = world.store.runs(now=world.clock.now())
    assert run.interrupted


async def test_what_others_change_in_the_store_is_seen_within_a_second() -> None:
    """A raised limit, then a request to stop."""
    world = World(tokens=100, progress=0.9)
    world.reports(tokens=85)
    (run,) = world.store.runs(now=world.clock.now())
    world.at(10.0, lambda: world.store.set_limits(run.id, Limits(tokens=1000), now=world.clock.now()))
    world.at(20.0, lambda: world.store.ask_to_stop(run.id, now=world.clock.now()))
    assert (await world.lives()).ending is Ending.STOPPED_ON_REQUEST
    assert [advice for _, advice in world.told] == [Advice.FINISH, Advice.CONTINUE, Advice.STOP_GRACEFULLY]
    assert world.told[1][0] <= 11.0
    assert world.told[2][0] <= 21.0


async def test_a_report_is_acknowledged_when_it_is_written() -> None:
    """And what comes together is written together; time is written too, at least every few seconds."""
    world = World(tokens=1000)
    world.ledger.start()
    for _ in range(50):
        world.reports(tokens=2, api_calls=1)
    standing = await world.ledger.written()
    (run,) = world.store.runs(now=world.clock.now())
    assert (run.usage.tokens, run.usage.api_calls, standing.recorded) == (100, 50, True)
    await passing(20.0)
    (run,) = world.store.runs(now=world.clock.now())
    assert world.clock.now() - run.seen_at <= 6.0
    await world.ledger.close(None)


async def test_limits_hold_while_the_disk_fails_and_nothing_is_lost() -> None:
    """Memory counts on, says so in its answers, complains once, and writes all of it when the disk is back."""
    world = World(tokens=100, progress=0.9)
    world.ledger.start()
    world.store.trouble = "the disk is full"
    world.reports(tokens=60)
    assert (await world.ledger.written()).recorded is False
    world.reports(tokens=30)
    standing = await world.ledger.written()
    assert (standing.run.usage.tokens, standing.advice) == (90, Advice.FINISH)
    world.store.trouble = ""
    await passing(1.0)
    (run,) = world.store.runs(now=world.clock.now())
    assert (run.usage.tokens, (await world.ledger.written()).recorded) == (90, True)
    assert world.said == ["usage cannot be written now, and is kept in memory: the disk is full"]
    await world.ledger.close(None)


async def test_a_disk_that_stays_away_does_not_hold_up_the_end() -> None:
    """The program's end is the end; what could not be written is said."""
    world = World(tokens=100)
    world.at(1.0, lambda: setattr(world.store, "trouble", "gone"))
    world.at(2.0, world.exits)
    assert (await world.lives()).ending is Ending.COMPLETED
    assert world.said[-1] == "the end of the run could not be written: gone"
    assert world.since() <= 4.0


async def test_garbage_is_told_and_not_taken_for_a_word() -> None:
    """Who only writes garbage is not one that listens."""
    world = World(tokens=100)
    world.ledger.took([Garbage(line=3, why="it is no text")], source="the descriptor")
    assert world.said == ["line 3 on the descriptor was dropped: it is no text"]
    assert not world.ledger.heard

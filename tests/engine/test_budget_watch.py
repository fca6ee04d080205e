"""Budgets of integrations in a running controller: counted, told, obeyed at the next look, and remembered."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from brownout.api.reasons import BudgetState, Reason, State
from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Ending
from brownout.core.budget.usage import Usage
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.budget_watch import LOOK_EVERY_S
from brownout.engine.usage_counts import UsageCounts
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until
from tests.fakes import FakeBudgets

pytestmark = IN_VIRTUAL_TIME

T = TypeVar("T")
LEVELS = [{"name": "full"}, {"name": "reduced"}]
#: It is 03:04 UTC when a test begins: the next hour is that far away.
TO_THE_HOUR_S = 56.0 * 60.0
SOON_S = LOOK_EVERY_S + 1.0


class AtOnce:
    """A disk that answers at once, or never."""

    def __init__(self) -> None:
        self.hangs = False

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """What the work gives."""
        if self.hangs:
            async with asyncio.timeout(within_s):
                await asyncio.Event().wait()
        return work()


class Budgets:
    """The budgets of one box: a store that outlives its controllers, and what they are given of it."""

    def __init__(self) -> None:
        self.store, self.disk, self.usage = FakeBudgets(), AtOnce(), UsageCounts()
        self.opened = 0

    def given(self) -> dict[str, Any]:
        """The parts of a world."""
        desk = BudgetDesk(self.disk, self._open, kept=lambda: self.opened > 0)
        return {"budgets": desk, "usage": self.usage}

    def _open(self) -> FakeBudgets:
        self.opened += 1
        return self.store

    def used(self, box: Box, name: str = "voice") -> Usage:
        """What the newest run of a name has used."""
        return self.store.runs(now=box.clock.now(), name=name)[0].usage


def make_spending_box(*, levels: bool = True, **budget: Any) -> tuple[Box, Budgets]:
    """Make a box whose voice may use 1000 tokens an hour, unless told otherwise."""
    voice = {"budget": {"tokens": 1000, "per": "hour", **budget}, "levels": LEVELS if levels else []}
    box = make_box(voice=voice)
    box.machine["voice"].level = "full" if levels else ""
    box.machine["voice"].sizes = {"full": 10.0, "reduced": 4.0}
    return box, Budgets()


async def test_close_to_a_limit_it_is_lowered_and_beyond_it_is_stopped_gracefully() -> None:
    """Within seconds, not at the next interval; each with its reason and its figures; in the end with its own grace."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()):
        await passing(40.0)
        budgets.usage.count("voice", tokens=799, api_calls=3)
        await passing(SOON_S)
        assert box.machine["voice"].level == "full"
        budgets.usage.count("voice", tokens=1)
        await passing(SOON_S)
        assert box.machine["voice"].level == "reduced"
        await passing(30.0)
        status = box.status("voice")
        assert (status.state, status.reason) == (State.LOWERED, Reason.BUDGET_APPROACHING)
        assert (status.message or "").startswith(
            "used 800 of 1,000 tokens this hour (80.0 %): lowered voice to reduced"
        )
        assert status.budget is not None
        assert (status.budget.state, status.budget.percent) == (BudgetState.APPROACHING, 80.0)
        assert status.budget.resets_at == "2026-01-02T04:00:00Z"
        budgets.usage.count("voice", tokens=200)
        await passing(SOON_S)
        assert box.log.texts("stop voice") == ["stop voice grace=30"]
        await passing(30.0)
        status = box.status("voice")
        assert (status.state, status.reason) == (State.DISABLED, Reason.BUDGET_EXCEEDED)
        assert status.returns_when == "it is 04:00 UTC, or spec.budget.tokens is raised"
    assert [(one.name, one.state) for one in box.watcher.budgets] == [
        ("voice", BudgetState.APPROACHING), ("voice", BudgetState.EXCEEDED),
    ]  # fmt: skip
    told = {text.split()[2] for text in box.log.texts("announce voice")}
    assert told == {Reason.BUDGET_APPROACHING, Reason.BUDGET_EXCEEDED}
    assert (budgets.used(box).tokens, budgets.used(box).api_calls) == (1000, 3)


async def test_it_stays_off_until_its_window_ends_and_returns_when_it_fits() -> None:
    """However calm it is; then by the ordinary way, with a new run that has used nothing and the last checkpoint."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.store.checkpoint(1, '{"page":7}', now=box.clock.now())
        budgets.usage.count("voice", tokens=5000)
        await passing(SOON_S)
        assert "voice" not in box.running
        await passing(TO_THE_HOUR_S - 60.0)
        assert "voice" not in box.running
        took = await until(lambda: "voice" in box.running)
        assert took < 120.0
        await passing(120.0)
        assert box.status("voice").state in (State.ENABLED, State.LOWERED)
    newest, before = budgets.store.runs(now=box.clock.now(), name="voice")
    assert (before.stopped_by, before.usage.tokens, newest.usage.tokens) == (Ending.RENEWED, 5000, 0)
    kept = budgets.store.last_checkpoint(newest.id)
    assert kept is not None
    assert kept.state == '{"page":7}'


async def test_only_the_time_in_which_it_runs_counts() -> None:
    """Ten minutes of running an hour: off after ten, and while it is off nothing is used; told of without levels."""
    box, budgets = make_spending_box(levels=False, tokens=None, duration="10m")
    async with box.controlled(**budgets.given()):
        await passing(490.0)
        assert "voice" in box.running
        assert box.status("voice").reason is Reason.BUDGET_APPROACHING
        took = await until(lambda: "voice" not in box.running)
        assert 590.0 <= 490.0 + took <= 630.0
        await passing(30.0)
        used = budgets.used(box).elapsed_s
        await passing(600.0)
        assert budgets.used(box).elapsed_s == used


async def test_a_raised_limit_brings_it_back() -> None:
    """The owner edits the spec: what was used stays, what may be used is more."""
    box, budgets = make_spending_box(per=None)
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("voice", tokens=1500)
        await passing(SOON_S)
        assert box.status("voice").returns_when in (None, "spec.budget.tokens is raised")
        await passing(600.0)
        assert "voice" not in box.running
        assert box.status("voice").returns_when == "spec.budget.tokens is raised"
        box.home.edit("voice", priority=10, budget={"tokens": 2000}, levels=LEVELS)
        await until(lambda: "voice" in box.running)  # at its lowest level first, as everything returns
        await until(lambda: box.machine["voice"].level == "full")
    run = budgets.store.runs(now=box.clock.now(), name="voice")[0]
    assert (run.usage.tokens, run.limits.tokens) == (1500, 2000)


@pytest.mark.parametrize("store_works", [True, False])
async def test_a_restarted_controller_knows_what_was_used(store_works: bool) -> None:  # noqa: FBT001 - a parameter
    """Usage is in the store and the hold in the status: also where the store cannot be read, it does not come back."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("voice", tokens=1200)
        await passing(60.0)
    assert "voice" not in box.running
    budgets.store.trouble = "" if store_works else "the disk is gone"
    box.log.entries.clear()
    async with box.controlled(**budgets.given()):
        await passing(900.0)
        assert "voice" not in box.running
        assert box.status("voice").reason is Reason.BUDGET_EXCEEDED
    assert box.log.texts("start voice") == []
    assert bool(box.watcher.faults) is not store_works


async def test_what_is_told_while_the_store_is_away_is_not_lost() -> None:
    """Refused or hanging: the fault is told, nothing changes, ticks come in time, and later all is written down."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()) as controller:
        await passing(10.0)
        budgets.store.trouble = "no space left"
        budgets.usage.count("voice", tokens=300)
        await passing(60.0)
        budgets.store.trouble, budgets.disk.hangs = "", True
        budgets.usage.count("voice", tokens=300)
        await passing(60.0)
        assert controller.ticks >= 4
        assert controller.ticks_missed == 0
        budgets.disk.hangs = False
        budgets.usage.count("voice", tokens=100)
        await passing(30.0)
    assert budgets.used(box).tokens == 700
    assert {where for where, _ in box.watcher.faults} == {"budgets"}


async def test_who_has_no_budget_has_no_store() -> None:
    """Nothing is opened for a box without budgets, in an hour."""
    box, budgets = make_box(), Budgets()
    async with box.controlled(**budgets.given()):
        await passing(600.0)
    assert budgets.opened == 0


async def test_the_essential_is_told_and_serves_on() -> None:
    """Its status says so; nothing is switched."""
    box = Box(make_integration("stubs", uid="u", essential=True, budget={"apiCalls": 0})).up()
    budgets = Budgets()
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("stubs", api_calls=1)
        await passing(60.0)
        status = box.status("stubs")
    assert (status.state, status.reason, status.message) == (
        State.ENABLED, Reason.BUDGET_EXCEEDED, "used 1 of 0 API calls",
    )  # fmt: skip
    assert box.log.texts("stop") == []
    assert "announce stubs BudgetExceeded" in box.log.texts("announce")


async def test_a_dry_run_counts_and_switches_nothing() -> None:
    """Use is real; what would be done is only said, and no event is left behind."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given(), dry_run=True):
        await passing(10.0)
        budgets.usage.count("voice", tokens=1000)
        await passing(60.0)
        assert box.status("voice").reason is Reason.DRY_RUN
        assert "used 1,000 of 1,000 tokens this hour (100.0 %): disabled voice" in (box.status("voice").message or "")
    assert box.log.texts("start", "stop", "announce") == []


async def test_dependents_leave_first_and_come_back_last() -> None:
    """Who depends on it goes before it, and starts again once it is back."""
    queue = make_integration("queue", uid="q", budget={"tokens": 10, "per": "hour"})
    shop = make_integration("shop", uid="s", dependsOn=["queue"])
    box, budgets = Box(queue, shop).up(), Budgets()
    box.machine["shop"].obeys_in_s = 12.0
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("queue", tokens=10)
        await passing(60.0)
        assert box.log.texts("stop ") == ["stop shop grace=30", "stop queue grace=30"]
        assert box.status("shop").reason is Reason.DEPENDENCY_DISABLED
        await until(lambda: box.running == {"queue", "shop"}, within_s=TO_THE_HOUR_S + 900.0)
    assert [text.split()[1] for text in box.log.texts("start ")] == ["queue", "shop"]


async def test_usage_moves_and_the_status_rests() -> None:
    """A status is written when the budget's state or its tens change, not for every token."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()):
        await passing(75.0)  # its level has proved itself, which is said once
        before = len(box.log.texts("status voice"))
        for _ in range(19):
            budgets.usage.count("voice", tokens=10)
            await passing(30.0)
        assert len(box.log.texts("status voice")) - before == 1  # from 0 to 10 per cent


async def test_one_that_is_withdrawn_leaves_a_completed_run() -> None:
    """A later one of the same name begins with nothing used."""
    box, budgets = make_spending_box(per=None)
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("voice", tokens=900)
        await passing(30.0)
        box.home.remove("voice")
        await passing(30.0)
        run = budgets.store.runs(now=box.clock.now(), name="voice")[0]
        assert (run.stopped_by, run.usage.tokens) == (Ending.COMPLETED, 900)
        box.home.put(make_integration("voice", uid="another", budget={"tokens": 1000}))
        await passing(60.0)
        budgets.usage.count("voice", tokens=5)
        await passing(30.0)
    assert budgets.used(box).tokens == 5


async def test_what_a_program_records_itself_counts_too() -> None:
    """A program finds the run by the name of its integration and records there; both sums are one."""
    box, budgets = make_spending_box()
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        held = budgets.store.open("voice", Limits(), now=box.clock.now())
        budgets.store.record(held.run.id, Usage(tokens=400), now=box.clock.now(), session=held.session)
        budgets.usage.count("voice", tokens=600)
        await passing(30.0)
        assert "voice" not in box.running
        # It ends by itself then; a run of its window that was ended by a limit goes on counting.
        budgets.store.leave(held.run.id, held.session, now=box.clock.now(), ending=Ending.STOPPED_EXCEEDED)
        await passing(120.0)
        assert "voice" not in box.running
    assert held.joined


async def test_what_is_told_to_the_run_of_the_last_window_counts_in_this_one() -> None:
    """A program that goes on recording where it began spends of the new window, and its hold is not lost."""
    box, budgets = make_spending_box()
    held = budgets.store.open("voice", Limits(tokens=1000), now=box.clock.now())
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.store.record(held.run.id, Usage(tokens=700), now=box.clock.now(), session=held.session)
        await passing(TO_THE_HOUR_S)
        assert budgets.used(box).tokens == 0
        budgets.store.record(held.run.id, Usage(tokens=600), now=box.clock.now(), session=held.session)
        await passing(30.0)
        assert budgets.used(box).tokens == 600
        assert "voice" in box.running
        budgets.store.record(held.run.id, Usage(tokens=600), now=box.clock.now(), session=held.session)
        await passing(30.0)
        assert "voice" not in box.running
    assert budgets.used(box).tokens == 1200


async def test_a_budget_begins_with_what_is_used_from_then_on() -> None:
    """What was told before there was a limit does not count against it."""
    box, budgets = make_box(), Budgets()
    async with box.controlled(**budgets.given()):
        await passing(10.0)
        budgets.usage.count("voice", tokens=5000)
        await passing(SOON_S)
        box.home.edit("voice", priority=10, budget={"tokens": 1000})
        await passing(SOON_S)
        budgets.usage.count("voice", tokens=10)
        await passing(SOON_S)
        assert "voice" in box.running
    assert budgets.used(box).tokens == 10


async def test_other_runs_are_told_of_and_shown() -> None:
    """A run that a person wrapped around a program is nobody's integration: it is logged and measured, no more."""
    box, budgets = make_box(), Budgets()
    run = budgets.store.open("nightly", Limits(tokens=10), now=box.clock.now()).run.id
    budgets.opened = 1  # somebody has made the file
    async with box.controlled(**budgets.given()):
        await passing(40.0)
        budgets.store.record(run, Usage(tokens=9), now=box.clock.now())
        await passing(40.0)
        (figures,) = box.watcher.ticks[-1].runs
        assert (figures.name, figures.state, figures.used["tokens"], figures.limits) == (
            "nightly", BudgetState.APPROACHING, 9, {"tokens": 10},
        )  # fmt: skip
        budgets.store.end(run, now=box.clock.now(), ending=Ending.COMPLETED)
        await passing(40.0)
        assert box.watcher.ticks[-1].runs == ()
    assert [(one.name, one.integration, one.state) for one in box.watcher.budgets] == [
        ("nightly", None, BudgetState.APPROACHING)
    ]

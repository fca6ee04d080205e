"""A run as a program holds it: in memory, in a file and behind a gateway it does the same."""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brownout.budget import (
    Advice,
    BudgetState,
    Ending,
    HistoryUnavailable,
    InvalidInput,
    Limits,
    Measure,
    NoSuchRun,
    Run,
)
from brownout.core.budget.usage import Usage
from brownout.history.budgets import SqliteBudgets
from tests.budget.desks import Desk, SetClock, desk_of
from tests.fakes import FakeBudgets
from tests.worlds import NOW

TOKENS = Measure.TOKENS


@pytest.fixture(params=["memory", "disk", "gateway"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Each kind of store."""
    with desk_of(request.param, tmp_path) as made:
        yield made


PLACES: list[Callable[[Path], Path | None]] = [lambda path: path, lambda path: path / "runs.db", lambda _: None]


@pytest.mark.parametrize("place", PLACES, ids=["folder", "file", "memory"])
def test_a_run_counts_what_it_uses(tmp_path: Path, place: Callable[[Path], Path | None]) -> None:
    """Used, limit, percent and remaining of each; the measures may be named by their words."""
    limits = Limits(duration="1h", tokens=1000, api_calls=10)
    with Run.open(f"count {tmp_path.name}", limits, store=place(tmp_path)) as run:
        run.record(tokens=250, api_call=True)
        run.record(tokens=50)
        run.record(api_call=3)
        line = run.usage()[TOKENS]
        assert (line.used, line.limit, line.percent, line.remaining) == (300, 1000, 30.0, 700)
        assert run.usage()["apiCalls"].used == 4  # type: ignore[index]
        assert run.usage()[Measure.DURATION].used < 60
        assert run.state == "OK"


def test_the_state_follows_the_usage_and_the_clock(desk: Desk) -> None:
    """80 % of the tokens, then all of the time."""
    run = desk.open()
    run.record(tokens=799)
    assert run.state is BudgetState.OK
    run.record(tokens=1)
    assert run.assessment().approaching == (TOKENS,)
    desk.clock.at += 3600
    assert run.assessment().exceeded == (Measure.DURATION,)


def test_a_run_whose_window_is_over_goes_on_as_the_next_of_its_name(desk: Desk) -> None:
    """Whoever asks after midnight is answered for the new day, and records there; the old day keeps what it had."""
    run = desk.open()
    run.record(tokens=1000)
    assert not run.should_continue(0.5)
    yesterday = run.id
    desk.store.end(yesterday, now=desk.clock.at, ending=Ending.RENEWED)
    desk.clock.at += 5.0
    assert run.should_continue(0.5)
    run.record(tokens=10)
    assert (run.id != yesterday, run.usage()[TOKENS].used) == (True, 10)
    assert desk.store.find(yesterday, now=desk.clock.at).usage.tokens == 1000
    assert run.end().stopped_by is Ending.COMPLETED


def test_it_is_told_whether_to_go_on(desk: Desk) -> None:
    """Requirement B4, from the outside."""
    run = desk.open(Limits(tokens=100))
    assert run.should_continue(0.1)
    run.record(tokens=85)
    assert [run.advice(progress) for progress in (0.85, 0.5)] == [Advice.FINISH, Advice.STOP_GRACEFULLY]
    assert not run.should_continue(0.5)
    run.record(tokens=15)
    assert run.advice(0.99) is Advice.STOP_EXCEEDED
    assert run.raise_limits(tokens=1000).tokens == 1000
    assert run.should_continue(0.5)


@pytest.mark.parametrize("bad", [{"tokens": 99}, {"tokns": 5}, {"duration": "1 day"}, {"api_calls": -1}])
def test_limits_are_only_raised(desk: Desk, bad: dict[str, object]) -> None:
    """A lower, unknown or bad limit is refused, and nothing changes."""
    run = desk.open(Limits(tokens=100))
    with pytest.raises(InvalidInput):
        run.raise_limits(**bad)
    assert run.now().limits == Limits(tokens=100)
    assert run.raise_limits(tokens=None, duration="2h") == Limits(duration="2h")


@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1, "half"])
def test_a_progress_that_is_none_is_refused(desk: Desk, bad: float) -> None:
    """By every question that takes one."""
    run = desk.open()
    for question in (run.should_continue, run.completion_possible):
        with pytest.raises(InvalidInput, match="progress"):
            question(bad)


@pytest.mark.parametrize(
    "bad", [{"tokens": -5}, {"tokens": 1.5}, {"api_call": -1}, {"api_call": "yes"}, {"api_call": 1.5}]
)
def test_a_bad_record_counts_nothing(desk: Desk, bad: dict[str, int]) -> None:
    """Refused as a whole."""
    run = desk.open()
    with pytest.raises(InvalidInput):
        run.record(**bad)
    assert run.now().usage == Usage()


def test_the_last_advice_says_how_it_ended(desk: Desk) -> None:
    """Go on: completed. Stop: stopped gracefully, or because a limit is reached."""
    endings = []
    for used in (10, 85, 100):
        with desk.open(Limits(tokens=100)) as run:
            run.record(tokens=used)
            run.should_continue(0.5)
        endings.append(run.end().stopped_by)
    assert endings == [Ending.COMPLETED, Ending.STOPPED_GRACEFULLY, Ending.STOPPED_EXCEEDED]


def test_after_an_error_it_is_resumed_with_its_usage_and_state(desk: Desk) -> None:
    """The time in between does not count."""

    def fails() -> None:
        with desk.open() as run:
            run.record(tokens=30)
            desk.clock.at += 100
            run.checkpoint({"page": 3})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    desk.clock.at += 5000
    with desk.resume() as back:
        assert back.joined
        last = back.last_checkpoint
        assert last is not None
        assert (last.state, last.number) == ({"page": 3}, 1)
        assert last.usage == back.now().usage == Usage(elapsed_s=100, tokens=30)
    with pytest.raises(NoSuchRun, match="was completed: begin a new one, without resume"):
        desk.resume()


def test_whoever_is_asked_to_stop_is_told(desk: Desk) -> None:
    """By anybody else; it ends as asked."""
    run = desk.open()
    desk.store.ask_to_stop(run.id, now=desk.clock.now())
    assert run.advice(0.9) is Advice.STOP_GRACEFULLY
    assert run.end().stopped_by is Ending.STOPPED_ON_REQUEST


def test_a_run_that_others_ended_is_over(desk: Desk) -> None:
    """No continue after the end, whatever is left of the limits."""
    run = desk.open()
    desk.store.end(run.id, now=desk.clock.now(), ending=Ending.ABANDONED)
    assert not run.should_continue(0.9)


def test_a_checkpoint_is_due_at_the_interval(desk: Desk) -> None:
    """300 s after the opening, after the last checkpoint, and after a resumption."""
    run = desk.open()
    seen = []
    for passed in (299, 1, 299, 1):
        desk.clock.at += passed
        seen.append(run.due())
        if run.due():
            run.checkpoint(None)
    assert seen == [False, True, False, True]
    run.leave()
    desk.clock.at += 1000
    assert not desk.resume().due()


def test_checkpoints_write_themselves(desk: Desk) -> None:
    """Whatever is asked or recorded: a state when one is due, and none before."""
    run = desk.open(Limits(checkpoint_every="1m"))
    states = iter(range(100))
    run.checkpoint_from(lambda: next(states))
    for _ in range(10):
        desk.clock.at += 30
        run.record(tokens=1)
        run.should_continue(0.1)
    last = run.last_checkpoint
    assert last is not None
    assert (last.number, last.state) == (5, 4)


@pytest.mark.parametrize("state", [{"a": [1, None, "ü"]}, "text", b"\x00\x01", [], 0, None])
def test_a_state_comes_back_as_it_was_given(desk: Desk, state: object) -> None:
    """JSON, or bytes."""
    run = desk.open()
    assert run.checkpoint(state).state == state
    assert run.last_checkpoint is not None
    assert run.last_checkpoint.state == state


@pytest.mark.parametrize("bad", [object(), {"x": math.nan}, {1, 2}])
def test_a_state_that_json_cannot_say_is_refused(desk: Desk, bad: object) -> None:
    """With one clear error, and nothing is counted."""
    run = desk.open()
    with pytest.raises(InvalidInput, match="state: Invalid value"):
        run.checkpoint(bad)
    assert run.now().checkpoints == 0


def test_completion_is_judged_from_the_progress_that_was_told(desk: Desk) -> None:
    """Too little known; then enough, and it does not fit; more tokens, and it does."""
    run = desk.open(Limits(tokens=1000))
    assert run.completion_possible(0.0).possible is None
    for step in range(1, 6):
        run.record(tokens=120)
        run.should_continue(step / 10)
    found = run.completion_possible(0.5)
    assert (found.possible, found.likely_stop) == (False, TOKENS)
    run.raise_limits(tokens=2000)
    assert run.completion_possible(0.5)


def test_while_the_store_fails_nothing_is_lost_and_the_budget_holds() -> None:
    """Records raise and are kept; questions go on counting; the next record that succeeds brings all."""
    store, clock = FakeBudgets(), SetClock()
    run = Desk(lambda: store, clock).open(Limits(duration="1h", tokens=100))
    run.record(tokens=50)
    run.usage()
    store.trouble = "disk full"
    for _ in range(2):
        with pytest.raises(HistoryUnavailable, match="disk full"):
            run.record(tokens=20)
    clock.at += 60
    assert run.now().usage == Usage(elapsed_s=60, tokens=90)
    assert not run.should_continue(0.5)
    store.trouble = ""
    run.record(tokens=5)
    assert store.find(run.id, now=NOW).usage.tokens == 95


def test_no_crash_takes_back_the_time_that_an_answer_counted(tmp_path: Path) -> None:
    """A question is a sign of life, however soon after the last one; what comes after the crash does not count."""
    store = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    desk = Desk(lambda: store)
    run = desk.open()
    answers = []
    for _ in range(5):
        desk.clock.at += 0.25
        answers.append(run.now().usage.elapsed_s)
    store.close()  # as a kill would: nobody left the run
    again = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    desk.clock.at += 1000
    assert again.resume("agent", now=desk.clock.now()).run.usage.elapsed_s == answers[-1] == 1.25
    again.close()


def test_a_forked_child_records_into_the_run_of_its_parent(tmp_path: Path) -> None:
    """With a connection of its own; the parent's goes on."""
    with Run.open("agent", Limits(), store=tmp_path) as run:
        run.record(tokens=1)
        child = os.fork()
        if child == 0:
            run.record(tokens=10)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        run.record(tokens=100)
        assert run.now().usage.tokens == 111


@pytest.mark.parametrize(
    "bad",
    [{"store": "x", "server": "http://127.0.0.1:1"}, {"server": "127.0.0.1:1"}, {"server": "ftp://x"}, {"store": ""}],
)
def test_a_place_that_is_none_is_refused(bad: dict[str, str]) -> None:
    """Before anything is opened."""
    with pytest.raises(InvalidInput):
        Run.open("agent", Limits(), **bad)  # type: ignore[arg-type]


def test_the_summary_is_there_at_any_time(desk: Desk) -> None:
    """While it runs, and after its end."""
    with desk.open() as run:
        assert "open; OK" in run.summary()
    assert run.summary().startswith("Run agent: completed\n")

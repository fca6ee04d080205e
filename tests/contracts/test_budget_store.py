"""What every BudgetStore promises: the one on disk, the one in memory, and the fake."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brownout.core.budget.limits import MOST, Limits
from brownout.core.budget.run import Ending, NoSuchRun
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput
from brownout.engine.budgets import BudgetStore
from brownout.history.budget_bounds import (
    CHECKPOINTS_KEPT,
    ENDED_KEPT,
    INTERRUPTED_KEPT_S,
    LARGEST_STATE_BYTES,
    STATES_KEPT,
)
from brownout.history.budget_memory import MemoryBudgets
from brownout.history.budgets import SqliteBudgets
from tests.fakes import FakeBudgets
from tests.worlds import NOW

LIMITS = Limits(duration="1h", tokens=1000, api_calls=10)
ONE_CALL = Usage(tokens=30, api_calls=1)
FILES = itertools.count()
MakeStore = Callable[[], BudgetStore]


@pytest.fixture(params=["disk", "memory", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BudgetStore]:
    """Each kind of store."""
    kinds: dict[str, MakeStore] = {
        "disk": lambda: SqliteBudgets(tmp_path, on_fault=pytest.fail),
        "memory": MemoryBudgets,
        "fake": FakeBudgets,
    }
    made = kinds[request.param]()
    yield made
    made.close()


def test_a_new_run_has_used_nothing(store: BudgetStore) -> None:
    """It begins now, with its limits, and this session has it open."""
    held = store.open("nightly", LIMITS, now=NOW)
    assert not held.joined
    assert (held.run.name, held.run.limits, held.run.usage) == ("nightly", LIMITS, Usage())
    assert (held.run.opened_at, held.run.seen_at, held.run.ended, held.run.sessions) == (NOW, NOW, False, 1)


def test_what_is_recorded_adds_up(store: BudgetStore) -> None:
    """Tokens and calls are sums; time is the time since it was opened; limits and name stay."""
    held = store.open("nightly", LIMITS, now=NOW)
    for second in range(1, 4):
        store.record(held.run.id, ONE_CALL, now=NOW + second, session=held.session)
    found = store.find(held.run.id, now=NOW + 10, session=held.session)
    assert found == replace(held.run, usage=Usage(elapsed_s=10, tokens=90, api_calls=3), seen_at=NOW + 3)


def test_time_of_others_counts_to_their_last_sign_of_life(store: BudgetStore) -> None:
    """Whoever only looks sees no time that could be taken back."""
    held = store.open("nightly", LIMITS, now=NOW)
    store.record(held.run.id, Usage(), now=NOW + 3, session=held.session)
    assert store.find(held.run.id, now=NOW + 10).usage.elapsed_s == 3


def test_a_second_process_joins_with_the_limits_there_are(store: BudgetStore) -> None:
    """Both record into one run, and time counts once."""
    first = store.open("crawl", LIMITS, now=NOW)
    second = store.open("crawl", Limits(tokens=5), now=NOW + 5)
    assert second.joined
    assert (second.run.id, second.run.limits, second.run.sessions) == (first.run.id, LIMITS, 2)
    for held in (first, second):
        store.record(held.run.id, ONE_CALL, now=NOW + 10, session=held.session)
    found = store.find(first.run.id, now=NOW + 10)
    assert found.usage == Usage(elapsed_s=10, tokens=60, api_calls=2)


def test_the_last_one_that_leaves_ends_the_run(store: BudgetStore) -> None:
    """While another works on it, it goes on."""
    first, second = (store.open("crawl", LIMITS, now=NOW) for _ in range(2))
    gone = store.leave(first.run.id, first.session, now=NOW + 4, ending=Ending.COMPLETED)
    assert (gone.ended, gone.sessions) == (False, 1)
    ended = store.leave(first.run.id, second.session, now=NOW + 9, ending=Ending.STOPPED_GRACEFULLY)
    assert (ended.ended_at, ended.stopped_by, ended.sessions) == (NOW + 9, Ending.STOPPED_GRACEFULLY, 0)
    assert ended.usage.elapsed_s == 9
    assert store.find(ended.id, now=NOW + 500) == ended


def test_after_an_end_a_new_run_begins(store: BudgetStore) -> None:
    """The same name, another run, nothing used."""
    first = store.open("nightly", LIMITS, now=NOW)
    store.record(first.run.id, ONE_CALL, now=NOW)
    store.end(first.run.id, now=NOW + 1, ending=Ending.COMPLETED)
    second = store.open("nightly", Limits(tokens=5), now=NOW + 2)
    assert (second.joined, second.run.usage, second.run.limits.tokens) == (False, Usage(), 5)
    assert second.run.id > first.run.id


def test_an_interrupted_run_is_resumed_with_its_usage(store: BudgetStore) -> None:
    """A process that left without an ending: the time until then counts, the time until the next comes does not."""
    held = store.open("nightly", LIMITS, now=NOW)
    store.record(held.run.id, ONE_CALL, now=NOW + 100, session=held.session)
    assert store.leave(held.run.id, held.session, now=NOW + 120, ending=None).interrupted
    back = store.resume("nightly", now=NOW + 900)
    assert (back.joined, back.run.id, back.run.interrupted) == (True, held.run.id, False)
    store.record(back.run.id, ONE_CALL, now=NOW + 905, session=back.session)
    assert store.find(back.run.id, now=NOW + 905).usage == Usage(elapsed_s=125, tokens=60, api_calls=2)


def test_open_continues_an_interrupted_run_unless_told_to_begin_afresh(store: BudgetStore) -> None:
    """A crash loop gets no new budget each time."""
    held = store.open("nightly", LIMITS, now=NOW)
    store.record(held.run.id, ONE_CALL, now=NOW)
    store.leave(held.run.id, held.session, now=NOW, ending=None)
    assert store.open("nightly", LIMITS, now=NOW + 1).run.usage.tokens == 30
    fresh = store.open("nightly", LIMITS, now=NOW + 2, fresh=True)
    assert (fresh.joined, fresh.run.usage) == (False, Usage())
    assert store.find(held.run.id, now=NOW + 2).stopped_by is Ending.ABANDONED


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending not in (Ending.COMPLETED, Ending.RENEWED)])
def test_a_run_that_was_stopped_can_be_resumed(store: BudgetStore, ending: Ending) -> None:
    """It did not finish: with a raised limit it can."""
    held = store.open("nightly", LIMITS, now=NOW)
    store.record(held.run.id, Usage(tokens=1000), now=NOW + 5, session=held.session)
    store.ask_to_stop(held.run.id, now=NOW + 5)
    store.leave(held.run.id, held.session, now=NOW + 5, ending=ending)
    back = store.resume("nightly", now=NOW + 60)
    assert (back.run.ended, back.run.stopped_by, back.run.stop_asked_at) == (False, None, None)
    raised = store.set_limits(back.run.id, replace(LIMITS, tokens=2000), now=NOW + 60)
    assert (raised.limits.tokens, raised.usage.tokens) == (2000, 1000)


def test_a_completed_run_is_not_resumed(store: BudgetStore) -> None:
    """Nothing is left to do; the same where there never was one."""
    with pytest.raises(NoSuchRun, match='there is no run "nightly" to resume'):
        store.resume("nightly", now=NOW)
    held = store.open("nightly", LIMITS, now=NOW)
    store.leave(held.run.id, held.session, now=NOW, ending=Ending.COMPLETED)
    with pytest.raises(NoSuchRun, match="was completed"):
        store.resume("nightly", now=NOW)


def test_a_lease_ends_without_signs_of_life(store: BudgetStore) -> None:
    """A client that a server speaks for: dead after its lease, alive again with the next sign."""
    held = store.open("agent", LIMITS, now=NOW, lease_s=60)
    store.record(held.run.id, ONE_CALL, now=NOW + 30, session=held.session)
    assert store.find(held.run.id, now=NOW + 90).sessions == 1
    assert store.find(held.run.id, now=NOW + 91).interrupted
    other = store.open("agent", LIMITS, now=NOW + 200, lease_s=60)  # it sweeps the dead one
    store.record(held.run.id, ONE_CALL, now=NOW + 210, session=held.session)
    found = store.find(held.run.id, now=NOW + 210)
    assert (found.sessions, found.usage) == (2, Usage(elapsed_s=30, tokens=60, api_calls=2))
    assert other.run.id == found.id


def test_the_session_of_another_run_is_left_alone(store: BudgetStore) -> None:
    """Whoever names it by mistake, to leave or to record, neither ends it nor gives it time."""
    first, second = store.open("first", LIMITS, now=NOW), store.open("second", LIMITS, now=NOW)
    store.record(first.run.id, ONE_CALL, now=NOW + 9, session=second.session)
    store.leave(first.run.id, second.session, now=NOW + 9, ending=None)
    other = store.find(second.run.id, now=NOW + 9)
    assert (other.sessions, other.usage) == (1, Usage())


def test_a_run_is_asked_to_stop(store: BudgetStore) -> None:
    """Whoever has it open learns of it; where nobody has, it ends."""
    held = store.open("agent", LIMITS, now=NOW)
    asked = store.ask_to_stop(held.run.id, now=NOW + 7)
    assert (asked.stop_asked_at, asked.ended) == (NOW + 7, False)
    store.leave(held.run.id, held.session, now=NOW + 8, ending=None)
    assert store.ask_to_stop(held.run.id, now=NOW + 9).stopped_by is Ending.STOPPED_ON_REQUEST


def test_what_comes_late_is_counted_and_changes_nothing_else(store: BudgetStore) -> None:
    """A bill is a bill: tokens after the end count, time does not, and the run stays ended."""
    held = store.open("agent", LIMITS, now=NOW)
    ended = store.end(held.run.id, now=NOW + 5, ending=Ending.STOPPED_EXCEEDED)
    store.record(held.run.id, ONE_CALL, now=NOW + 9, session=held.session)
    late = store.find(held.run.id, now=NOW + 9)
    assert late == replace(ended, usage=replace(ended.usage, tokens=30, api_calls=1), seen_at=NOW + 9)
    assert store.end(held.run.id, now=NOW + 20, ending=Ending.COMPLETED).stopped_by is Ending.STOPPED_EXCEEDED


def test_counts_stop_at_the_largest(store: BudgetStore) -> None:
    """They never turn over, and never become floats."""
    held = store.open("agent", LIMITS, now=NOW)
    for _ in range(3):
        store.record(held.run.id, Usage(tokens=MOST - 1), now=NOW)
    assert store.find(held.run.id, now=NOW).usage.tokens == MOST


def test_an_unknown_run_is_nobodys(store: BudgetStore) -> None:
    """Every call that names one says so."""
    calls: list[Callable[[], object]] = [
        lambda: store.record(7, ONE_CALL, now=NOW),
        lambda: store.find(7, now=NOW),
        lambda: store.set_limits(7, LIMITS, now=NOW),
        lambda: store.ask_to_stop(7, now=NOW),
        lambda: store.leave(7, 1, now=NOW, ending=None),
        lambda: store.end(7, now=NOW, ending=Ending.COMPLETED),
        lambda: store.checkpoint(7, "{}", now=NOW),
    ]
    for call in calls:
        with pytest.raises(NoSuchRun, match="there is no run 7"):
            call()
    assert store.last_checkpoint(7) is None


def test_a_bad_name_is_refused(store: BudgetStore) -> None:
    """And leaves nothing behind."""
    with pytest.raises(InvalidInput, match="name: Invalid value"):
        store.open("a\nb", LIMITS, now=NOW)
    assert store.runs(now=NOW) == ()


def test_runs_are_listed_newest_first_and_by_name(store: BudgetStore) -> None:
    """So many as asked for."""
    for name in ("a", "b", "a", "c"):
        held = store.open(name, LIMITS, now=NOW)
        store.end(held.run.id, now=NOW, ending=Ending.COMPLETED)
    assert [run.name for run in store.runs(now=NOW)] == ["c", "a", "b", "a"]
    assert [run.name for run in store.runs(now=NOW, name="a")] == ["a", "a"]
    assert [run.name for run in store.runs(now=NOW, most=1)] == ["c"]


def test_only_so_many_ended_runs_are_kept(store: BudgetStore) -> None:
    """The newest; one that is open is never forgotten."""
    kept = store.open("open", LIMITS, now=NOW)
    for _ in range(ENDED_KEPT + 5):
        held = store.open("nightly", LIMITS, now=NOW)
        store.end(held.run.id, now=NOW, ending=Ending.COMPLETED)
    store.open("last", LIMITS, now=NOW)
    runs = store.runs(now=NOW, most=1000)
    assert len(runs) == ENDED_KEPT + 2
    assert runs[-1].id == kept.run.id


def test_of_the_last_ended_runs_alone_a_state_is_kept(store: BudgetStore) -> None:
    """States can be large; an interrupted run keeps its own."""
    waiting = store.open("waiting", LIMITS, now=NOW)
    store.checkpoint(waiting.run.id, "waits", now=NOW)
    store.leave(waiting.run.id, waiting.session, now=NOW, ending=None)
    numbers = []
    for _ in range(STATES_KEPT + 2):
        held = store.open("nightly", LIMITS, now=NOW)
        store.checkpoint(held.run.id, "first", now=NOW)
        store.checkpoint(held.run.id, "last", now=NOW)
        store.end(held.run.id, now=NOW, ending=Ending.COMPLETED)
        numbers.append(held.run.id)
    store.open("nightly", LIMITS, now=NOW)
    states = [found.state if (found := store.last_checkpoint(number)) else None for number in numbers]
    assert states == [None, None, *(["last"] * STATES_KEPT)]
    found = store.last_checkpoint(waiting.run.id)
    assert found is not None
    assert found.state == "waits"


def test_an_interrupted_run_is_given_up_in_the_end(store: BudgetStore) -> None:
    """After 30 days without anybody who comes back for it; one that somebody has open is not."""
    held = [store.open(name, LIMITS, now=NOW) for name in ("gone", "open")]
    store.leave(held[0].run.id, held[0].session, now=NOW, ending=None)
    for later, given_up in ((INTERRUPTED_KEPT_S, False), (INTERRUPTED_KEPT_S + 1, True)):
        store.open(f"other {later:.0f}", LIMITS, now=NOW + later)
        assert (store.find(held[0].run.id, now=NOW).stopped_by is Ending.ABANDONED) is given_up
    assert not store.find(held[1].run.id, now=NOW).ended


@pytest.mark.parametrize("state", ['{"page": 3}', b"\x00\xff", "", b"", "größe"])
def test_a_checkpoint_comes_back_as_it_was(store: BudgetStore, state: str | bytes) -> None:
    """Text as text, bytes as bytes, with the usage of its time; and it is counted."""
    held = store.open("agent", LIMITS, now=NOW)
    store.record(held.run.id, ONE_CALL, now=NOW + 5, session=held.session)
    made = store.checkpoint(held.run.id, state, now=NOW + 8, session=held.session)
    store.record(held.run.id, ONE_CALL, now=NOW + 9, session=held.session)
    assert store.last_checkpoint(held.run.id) == made
    assert (made.number, made.at, made.state) == (1, NOW + 8, state)
    assert made.usage == Usage(elapsed_s=8, tokens=30, api_calls=1)
    found = store.find(held.run.id, now=NOW + 9)
    assert (found.checkpoints, found.checkpoint_at) == (1, NOW + 8)


def test_checkpoints_are_counted_on_and_the_last_one_is_found(store: BudgetStore) -> None:
    """Numbers count on, over a resumption too; more than are kept leave the newest."""
    held = store.open("agent", LIMITS, now=NOW)
    for number in range(1, CHECKPOINTS_KEPT + 3):
        assert store.checkpoint(held.run.id, f"{number}", now=NOW + number).number == number
    store.leave(held.run.id, held.session, now=NOW + 50, ending=None)
    back = store.resume("agent", now=NOW + 60)
    last = store.last_checkpoint(back.run.id)
    assert last is not None
    assert last.state == f"{CHECKPOINTS_KEPT + 2}"
    assert store.checkpoint(back.run.id, "next", now=NOW + 61).number == CHECKPOINTS_KEPT + 3


def test_a_state_that_is_too_large_is_refused_and_the_last_one_stays(store: BudgetStore) -> None:
    """One byte over 16 MiB; nothing else is a state either."""
    held = store.open("agent", LIMITS, now=NOW)
    made = store.checkpoint(held.run.id, "good", now=NOW)
    for bad in (b"x" * (LARGEST_STATE_BYTES + 1), {"not": "text"}):
        with pytest.raises(InvalidInput, match="state: Invalid value"):
            store.checkpoint(held.run.id, bad, now=NOW)  # type: ignore[arg-type]
    assert store.last_checkpoint(held.run.id) == made
    assert store.find(held.run.id, now=NOW).checkpoints == 1


def test_threads_lose_no_count(store: BudgetStore) -> None:
    """Eight threads of one process: the sum of the parts is the whole."""
    held = store.open("agent", LIMITS, now=NOW)

    def work(_: int) -> None:
        for _ in range(50):
            store.record(held.run.id, ONE_CALL, now=NOW, session=held.session)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert store.find(held.run.id, now=NOW).usage == Usage(tokens=400 * 30, api_calls=400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("orlsckq"), st.integers(0, 100), st.integers(0, 3)), max_size=25))
def test_disk_and_memory_say_the_same(tmp_path: Path, steps: list[tuple[str, int, int]]) -> None:
    """Whatever is done, in whatever order: the same runs with the same figures."""
    disk = SqliteBudgets(tmp_path / f"{next(FILES)}.db", on_fault=pytest.fail)
    memory = MemoryBudgets()
    told = [_told(each, steps) for each in (disk, memory)]
    disk.close()
    assert told[0] == told[1]


def _told(store: BudgetStore, steps: list[tuple[str, int, int]]) -> list[object]:
    """What a store says along the way; sessions are numbered by the order in which they came."""
    said: list[object] = []
    sessions: list[int] = []
    now = NOW
    for kind, amount, which in steps:
        now += amount
        try:
            said.append(_step(store, kind, amount, which, now, sessions))
        except InvalidInput as refusal:
            said.append(str(refusal))
        said.append(store.runs(now=now))
    return said


def _step(store: BudgetStore, kind: str, amount: int, which: int, now: float, sessions: list[int]) -> object:
    session = sessions[which % len(sessions)] if sessions else 7
    match kind:
        case "o" | "s":
            lease_s = 50.0 if which == 1 else None
            held = (
                store.open("agent", LIMITS, now=now, lease_s=lease_s, fresh=which == 2)
                if kind == "o"
                else store.resume("agent", now=now, lease_s=lease_s)
            )
            sessions.append(held.session)
            return held.run, held.joined
        case "r":
            store.record(1 + which // 2, Usage(tokens=amount), now=now, session=session)
            return None
        case "l":
            return store.leave(1 + which // 2, session, now=now, ending=None if amount % 2 else Ending.COMPLETED)
        case "c":
            return store.checkpoint(1 + which // 2, f"{amount}", now=now, session=session)
        case "k":
            return store.ask_to_stop(1 + which // 2, now=now)
    return store.find(1 + which // 2, now=now, session=session)

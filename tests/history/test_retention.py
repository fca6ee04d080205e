"""History is bounded by age and by size, and pruned in steps too small to hold anything up."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.history.database import Database
from brownout.history.retention import Limits, prune
from brownout.history.rows import IntentRow, Row, SampleRow, intent_row
from brownout.history.store import SqliteJournal
from tests.eventually import eventually_async
from tests.history.world import DONE, NOW, World, intend, make_decision, make_sample, make_step

DAY_S = 86400.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty history, open."""
    database = Database(tmp_path / "history.db")
    yield database
    database.close()


def samples(count: int, *, at: float) -> list[Row]:
    """So many samples, a second apart, with two footprints each."""
    return [SampleRow(sample=make_sample(at + index, voice=1, stubs=2), levels={}) for index in range(count)]


def intents(count: int, *, at: float) -> list[Row]:
    """So many intents, a second apart."""
    step = make_step()
    records = [intent_row(n + 1, make_decision(step, at=at + n), step, dry_run=False) for n in range(count)]
    return [IntentRow(record=record) for record in records]


def store(database: Database, rows: list[Row]) -> None:
    """Write rows that are all fine."""
    complaints: list[str] = []
    database.write(rows, complaints.append)
    assert complaints == []


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    (number,) = database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(number)


def prune_all(database: Database, limits: Limits) -> int:
    """Prune until there is nothing to do; returns in how many steps."""
    for steps in range(1000):
        with database.transaction() as connection:
            if not prune(connection, limits, now=NOW):
                return steps
    raise AssertionError("pruning does not end")


def test_what_is_too_old_goes_with_all_that_belongs_to_it(database: Database) -> None:
    """Samples older than their age go with their footprints, decisions only after their own."""
    store(
        database, samples(10, at=NOW - 31 * DAY_S) + samples(10, at=NOW - 29 * DAY_S) + intents(5, at=NOW - 31 * DAY_S)
    )
    prune_all(database, Limits())
    assert (count(database, "samples"), count(database, "footprints"), count(database, "decisions")) == (10, 20, 5)
    prune_all(database, Limits(decisions_s=30 * DAY_S))
    assert count(database, "decisions") == 0


def test_one_step_removes_no_more_than_a_batch(database: Database) -> None:
    """A step is one short transaction, however much there is to remove."""
    store(database, samples(1200, at=NOW - 40 * DAY_S))
    with database.transaction() as connection:
        assert prune(connection, Limits(), now=NOW)
    assert count(database, "samples") == 700


def test_of_too_much_the_oldest_samples_go_first(database: Database) -> None:
    """Beyond the size samples go, oldest first; decisions stay as long as that is enough."""
    store(database, samples(6000, at=NOW - 7000) + intents(100, at=NOW - 7000))
    limit = 400 * 1024
    prune_all(database, Limits(size_bytes=limit))
    database.checkpoint()
    assert 0 < count(database, "samples") < 6000
    assert count(database, "decisions") == 100
    (newest,) = database.connection.execute("SELECT max(at) FROM samples").fetchone()
    assert newest == NOW - 7000 + 5999
    assert database.path.stat().st_size < limit + 2 * 2**20


def test_decisions_go_when_nothing_else_is_left(database: Database) -> None:
    """The bound holds also for a history of decisions alone."""
    store(database, intents(5000, at=NOW - 5000))
    prune_all(database, Limits(size_bytes=200 * 1024))
    assert 0 < count(database, "decisions") < 5000


def test_pruning_ends_where_nothing_can_go(database: Database) -> None:
    """A bound smaller than the empty tables is no endless loop."""
    assert prune_all(database, Limits(size_bytes=1)) == 0


def test_ids_are_not_given_again_after_pruning(database: Database) -> None:
    """The newest decision is pruned: its number is gone for good."""
    store(database, intents(5, at=NOW - 400 * DAY_S))
    prune_all(database, Limits())
    database.close()
    again = Database(database.path)
    assert (count(again, "decisions"), again.last_id) == (0, 5)
    again.close()


def test_the_log_is_emptied_now_and_then(world: World) -> None:
    """After the upkeep that comes every 10 minutes the log is empty, and so it does not grow for ever."""
    log = world.path.with_name("history.db-wal")

    async def scenario(journal: SqliteJournal) -> None:
        for index in range(2000):
            journal.add_sample(make_sample(NOW + index), {})
        await intend(journal)
        assert log.stat().st_size > 0
        world.clock.at += 601

        async def emptied() -> bool:
            journal.resolve(1, at=NOW, outcome=DONE)
            return log.stat().st_size < 100_000

        await eventually_async(emptied)

    world.use(scenario)


def test_a_running_journal_keeps_its_size(world: World) -> None:
    """Pruning happens by itself, at the start and then every 10 minutes."""

    async def fill(journal: SqliteJournal) -> None:
        for index in range(6000):
            journal.add_sample(make_sample(NOW + index, voice=1), {})

    world.use(fill)
    before = world.path.stat().st_size

    async def scenario(journal: SqliteJournal) -> None:
        async def pruned() -> bool:
            journal.resolve(number, at=NOW, outcome=DONE)
            return world.query("SELECT count(*) FROM samples") != [(6000,)]

        number = await intend(journal)
        await eventually_async(pruned)

    world.use(scenario, limits=Limits(size_bytes=before // 2))


def test_an_upkeep_that_fails_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prune that the disk refuses is a fault like any other, and the journal goes on."""

    def fail(*_arguments: object, **_options: object) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal)

        async def told() -> tuple[str, ...]:
            return journal.faults()

        assert "disk I/O error" in (await eventually_async(told))[0]

    monkeypatch.setattr("brownout.history.writer.prune", fail)
    world.use(scenario)

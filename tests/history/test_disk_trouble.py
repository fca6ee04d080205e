"""A disk that locks, fails or goes away while the controller runs: decisions go on, and nothing is lost in order."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from brownout.engine.ports import DecisionRecord
from brownout.history import file
from brownout.history.database import Database
from brownout.history.rows import Row
from brownout.history.store import SqliteJournal
from tests.eventually import eventually_async
from tests.history.world import DONE, NOW, World, intend, make_sample


async def _trouble(journal: SqliteJournal) -> tuple[str, ...]:
    return journal.faults()


async def _fine(journal: SqliteJournal) -> bool:
    return not journal.faults() and not journal._ring.pending()


def _keys(records: Sequence[DecisionRecord]) -> list[str]:
    return [record.key for record in reversed(records)]


def test_a_locked_history_holds_nobody_up(world: World) -> None:
    """While another writer holds the file, intents return, are seen and reported; they are written once it lets go."""

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "before")
        with closing(sqlite3.connect(world.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = await intend(journal, "first")
            await intend(journal, "second")
            journal.resolve(first, at=NOW + 1, outcome=DONE)
            assert _keys(await journal.decisions()) == ["before", "first", "second"]
            (fault,) = await eventually_async(lambda: _trouble(journal))
            assert "locked" in fault
            other.execute("ROLLBACK")
        await eventually_async(lambda: _fine(journal))

    world.use(scenario)
    assert world.query("SELECT key, status FROM decisions LEFT JOIN outcomes ON decision_id = id ORDER BY id") == [
        ("before", None),
        ("first", "Done"),
        ("second", None),
    ]


def test_a_hanging_disk_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An fsync that takes for ever: intents return, the fault is told, and all is written when it comes back."""
    back = threading.Event()
    write = Database.write

    def hang(database: Database, rows: Sequence[Row], on_bad_row: Callable[[str], None]) -> None:
        back.wait(30)
        write(database, rows, on_bad_row)

    async def scenario(journal: SqliteJournal) -> None:
        monkeypatch.setattr(Database, "write", hang)
        await intend(journal, "first")
        world.clock.at += 3
        (fault,) = await eventually_async(lambda: _trouble(journal))
        assert "does not answer" in fault
        await intend(journal, "second")
        assert _keys(await journal.decisions()) == ["first", "second"]
        back.set()
        await eventually_async(lambda: _fine(journal))

    world.use(scenario)
    assert world.query("SELECT key FROM decisions ORDER BY id") == [("first",), ("second",)]


def test_a_deleted_folder_is_made_again(world: World) -> None:
    """The state folder goes away while the controller runs: it says so and begins a new history there."""

    async def scenario(journal: SqliteJournal) -> None:
        last = await intend(journal, "before")
        shutil.rmtree(world.path.parent)
        assert await intend(journal, "after") == last + 1

    world.use(scenario)
    assert world.query("SELECT key FROM decisions") == [("after",)]
    assert any("removed or replaced" in message for message in world.told)


def test_a_deleted_log_loses_nothing(world: World) -> None:
    """Somebody deletes history.db-wal while it is in use: what it held is in the file afterwards."""

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "before")
        world.path.with_name("history.db-wal").unlink()
        await intend(journal, "after")

    world.use(scenario)
    assert world.query("SELECT key FROM decisions ORDER BY id") == [("before",), ("after",)]


def test_another_file_in_its_place_keeps_ids_apart(world: World, tmp_path: Path) -> None:
    """A history that was put back from a copy: rows of both are kept, none under the other's number."""

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "copied")
        await eventually_async(lambda: _fine(journal))
        copy, same = tmp_path / "copy.db", "action, reason, message, rule, dry_run, numbers"
        with closing(sqlite3.connect(world.path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with closing(sqlite3.connect(copy)) as target:
            target.execute(f"INSERT INTO decisions SELECT id + 1, at, 'theirs', {same} FROM decisions")  # noqa: S608
            target.commit()
        copy.rename(world.path)
        journal.resolve(await intend(journal, "ours"), at=NOW + 1, outcome=DONE)

    world.use(scenario)
    rows = world.query("SELECT id, key, status FROM decisions LEFT JOIN outcomes ON decision_id = id ORDER BY id")
    assert rows == [(1, "copied", None), (2, "theirs", None), (3, "ours", "Done")]


def test_without_a_place_for_it_history_is_kept_in_memory() -> None:
    """Where no file can be made, the controller starts, remembers, and says what is wrong."""
    world = World(Path("/proc/no-such-folder/history.db"))

    async def scenario(journal: SqliteJournal) -> None:
        first = await intend(journal, "voice")
        second = await intend(journal, "android")
        journal.resolve(first, at=NOW + 1, outcome=DONE)
        journal.add_sample(make_sample(NOW), {})
        assert first < second
        assert _keys(await journal.decisions()) == ["voice", "android"]
        assert [record.key for record in await journal.unresolved()] == ["android"]
        assert await journal.window(since=NOW, now=NOW) == (make_sample(NOW),)
        assert "memory only" in journal.faults()[0]

    world.use(scenario)
    assert any("rows could not be written" in message for message in world.told)


def test_ids_given_without_a_disk_are_larger_than_those_on_it(world: World) -> None:
    """A controller that could not read the last id gives none that might be there already."""
    world.use(intend)
    hidden = world.path.rename(world.path.with_name("hidden"))
    world.path.symlink_to("/proc/no-such-folder/history.db")

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "meanwhile")
        world.path.unlink()
        hidden.rename(world.path)
        await eventually_async(lambda: _fine(journal))
        await intend(journal, "after")

    world.use(scenario)
    assert world.query("SELECT key FROM decisions ORDER BY id") == [("voice",), ("meanwhile",), ("after",)]


def test_the_oldest_samples_go_first_when_memory_is_full(world: World) -> None:
    """What memory cannot hold is counted and told; no decision goes while there is a sample."""
    world = World(Path("/proc/no-such-folder/history.db"))

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "voice")
        for index in range(12_000):
            journal.add_sample(make_sample(NOW + index), {})
        assert _keys(await journal.decisions()) == ["voice"]
        kept = await journal.window(since=NOW, now=NOW + 20_000)
        assert len(kept) < 11_000  # the memory's 10 000, and the batch of 500 that the writer may have in hand
        assert [sample.at for sample in kept[-9_000:]] == [NOW + index for index in range(3_000, 12_000)]
        assert any("dropped" in fault for fault in journal.faults())

    world.use(scenario)
    assert any("memory for history is full" in message for message in world.told)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, -1e308])
def test_an_absurd_sample_stops_nothing(world: World, value: float) -> None:
    """A broken sensor's figure is stored as unknown or as near as can be; what comes after it is kept too."""

    async def scenario(journal: SqliteJournal) -> None:
        sample = make_sample(NOW, voice=10**30)
        journal.add_sample(sample, {"voice": "full"})
        journal.add_sample(type(sample)(at=NOW + 1, cpu_percent=value, memory_used_bytes=10**30), {})
        await intend(journal, "after")
        assert len(await journal.window(since=NOW, now=NOW + 1)) == 2

    world.use(scenario)
    assert world.query("SELECT key FROM decisions") == [("after",)]
    assert world.told == []


def test_a_row_that_cannot_be_stored_is_told_and_left_out(world: World) -> None:
    """One impossible row (an outcome of nothing) does not hold up those behind it."""

    async def scenario(journal: SqliteJournal) -> None:
        journal.resolve(4711, at=NOW, outcome=DONE)
        await intend(journal, "after")

    world.use(scenario)
    assert world.query("SELECT key FROM decisions") == [("after",)]
    assert any("4711" in message for message in world.told)


def test_a_long_reader_holds_no_writer_up(world: World) -> None:
    """Somebody reads for as long as they like: intents are durable meanwhile."""

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "before")
        with closing(sqlite3.connect(world.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM decisions").fetchall()
            await asyncio.gather(*(intend(journal, f"during-{index}") for index in range(20)))
            assert await _fine(journal)
            assert len(reader.execute("SELECT * FROM decisions").fetchall()) == 1

    world.use(scenario)
    assert world.query("SELECT count(*) FROM decisions") == [(21,)]


def test_a_full_file_system_is_waited_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says that the disk is full: rows wait in memory and are written, in order, when there is room."""
    world.use(intend)
    with monkeypatch.context() as patched:
        patched.setattr(file, "_PRAGMAS", (*file._PRAGMAS, "PRAGMA max_page_count = 12"))

        async def scenario(journal: SqliteJournal) -> None:
            for index in range(300):
                journal.add_sample(make_sample(NOW + index), {})
            (fault,) = await eventually_async(lambda: _trouble(journal))
            assert "full" in fault
            await intend(journal, "meanwhile")
            patched.undo()
            await eventually_async(lambda: _fine(journal))

        world.use(scenario)
    assert world.query("SELECT count(*) FROM samples") == [(300,)]
    assert world.query("SELECT key FROM decisions ORDER BY id") == [("voice",), ("meanwhile",)]

"""A history file in any state: the controller starts, keeps on deciding, and loses no bytes of what it found."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from brownout.history.store import SqliteJournal
from tests.history.world import NOW, World, intend, make_decision, make_sample, make_step

Damage = Callable[[Path], None]


def header_zeroed(path: Path) -> None:
    """The first page begins with nothing."""
    with path.open("r+b") as file:
        file.write(bytes(100))


def truncated(path: Path) -> None:
    """The end is gone."""
    os.truncate(path, path.stat().st_size // 2)


def beheaded(path: Path) -> None:
    """Hardly anything is left."""
    os.truncate(path, 50)


def text(path: Path) -> None:
    """It is no database at all."""
    path.write_text("this is no database, but longer than a header is: " * 40)


def foreign(path: Path) -> None:
    """It is the database of another program."""
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()


def a_table_less(path: Path) -> None:
    """One of our tables is missing."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE outcomes")
    connection.close()


def other_columns(path: Path) -> None:
    """A table has not our columns."""
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE decisions RENAME COLUMN rule TO law")
    connection.close()


def a_directory(path: Path) -> None:
    """In its place is a directory with something in it."""
    path.unlink()
    path.mkdir()
    (path / "kept.txt").write_text("mine")


async def _fill(journal: SqliteJournal) -> None:
    for index in range(200):
        journal.add_sample(make_sample(NOW + index, voice=index), {})
        if index % 10 == 0:
            step = make_step()
            journal.intend_now(make_decision(step), step, dry_run=False)


@pytest.mark.parametrize(
    "damage", [header_zeroed, truncated, beheaded, text, foreign, a_table_less, other_columns, a_directory]
)
def test_a_damaged_file_is_moved_aside(world: World, damage: Damage) -> None:
    """A new history begins, the old file is kept under another name, and it is said once."""
    world.use(_fill)
    damage(world.path)

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "voice")
        assert [record.key for record in await journal.decisions()] == ["voice"]
        assert journal.faults() == ()

    world.use(scenario)
    assert world.beside() == ["history.db.corrupt-20260102T030405Z"]
    assert [message for message in world.told if "damaged" in message] == world.told
    assert len(world.told) == 1
    assert world.query("PRAGMA integrity_check") == [("ok",)]


def test_damage_at_the_same_second_keeps_both(world: World) -> None:
    """A file that was moved aside before is not written over."""
    for _ in range(2):
        world.use(intend)
        header_zeroed(world.path)
    world.use(intend)
    assert world.beside() == ["history.db.corrupt-20260102T030405Z", "history.db.corrupt-20260102T030405Z-2"]


def test_an_empty_file_is_a_new_history(world: World) -> None:
    """0 bytes are what a crash at the very start leaves: nothing is lost and nothing is said."""
    world.path.parent.mkdir()
    world.path.touch()
    world.use(intend)
    assert (world.beside(), world.told) == ([], [])


def test_damage_while_running_is_survived(world: World) -> None:
    """Damage met by a reader leads to a new file as well; decisions go on being kept."""
    world.use(_fill)

    async def scenario(journal: SqliteJournal) -> None:
        size = world.path.stat().st_size
        with world.path.open("r+b") as file:
            for page in range(1, size // 4096):
                file.seek(page * 4096)
                file.write(b"\xff" * 512)
        await journal.window(since=NOW, now=NOW + 1000)
        await journal.decisions()
        await intend(journal, "android")
        assert [record.key for record in await journal.decisions(key="android")] == ["android"]

    world.use(scenario)
    world.use(intend)
    assert world.query("PRAGMA integrity_check") == [("ok",)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spots=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000), st.binary(min_size=1, max_size=96)), min_size=1)
)
@example(spots=[(20, 24, bytes(15) + b"\x03\0\0\0")])  # one decision is no longer what was written
def test_garbled_pages_never_stop_the_journal(world: World, spots: list[tuple[int, int, bytes]]) -> None:
    """Whatever bytes are changed wherever: every call answers, and the next decision is kept."""
    world.use(_fill)
    size = world.path.stat().st_size
    with world.path.open("r+b") as file:
        for page, offset, garbage in spots:
            file.seek((page * 4096 + offset) % size)
            file.write(garbage)

    async def scenario(journal: SqliteJournal) -> None:
        await journal.window(since=NOW, now=NOW + 1000)
        await journal.decisions()
        await journal.unresolved()
        number = await intend(journal, "stubs")
        assert number in [record.id for record in await journal.decisions(key="stubs")]

    try:
        world.use(scenario)
    finally:
        world.path.unlink()  # the next example begins with a file of its own, also after one that failed


def test_a_newer_history_is_never_touched(world: World) -> None:
    """A file of a newer version keeps every byte; what happens stays in memory, and readiness says why."""
    world.use(_fill)
    world.change("PRAGMA user_version = 3")
    before = world.path.read_bytes()

    async def scenario(journal: SqliteJournal) -> None:
        number = await intend(journal, "voice")
        journal.add_sample(make_sample(NOW + 5), {})
        assert [record.id for record in await journal.decisions()] == [number]
        assert await journal.window(since=NOW, now=NOW + 10) == (make_sample(NOW + 5),)
        (fault,) = journal.faults()
        assert "version 3, this Brownout knows 2" in fault
        assert "memory" in fault

    world.use(scenario)
    assert world.path.read_bytes() == before
    assert world.beside() == []

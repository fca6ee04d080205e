"""Reading the history from outside: beside a controller, after it, from a read-only folder, and of no use."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brownout.core.errors import HistoryUnavailable
from brownout.history.reader import read_history
from brownout.history.store import SqliteJournal
from tests.history.world import DONE, NOW, World, intend, make_sample

NOBODY = 65534


async def _some(journal: SqliteJournal) -> None:
    journal.resolve(await intend(journal, "voice"), at=NOW + 1, outcome=DONE)
    await intend(journal, "android", at=NOW + 30)
    for index in range(3):
        journal.add_sample(make_sample(NOW + index, voice=100 + index), {})


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be written in the folder, not by root either: who runs the tests as root is nobody meanwhile."""
    root = os.geteuid() == 0
    for path in (folder, *folder.iterdir()):
        if root:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(0o500 if path.is_dir() else 0o400)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.fixture
def open_world() -> Iterator[World]:
    """A state folder where other users can reach it, which pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="brownout-"))
    yield World(folder / "history.db")
    shutil.rmtree(folder)


def test_a_finished_history_can_be_read(world: World) -> None:
    """After the controller has ended, decisions and samples are answered from the file."""
    world.use(_some)
    history = read_history(world.path)
    assert [(record.key, record.outcome) for record in history.decisions()] == [("android", None), ("voice", "Done")]
    assert [record.key for record in history.decisions(key="voice")] == ["voice"]
    assert [record.key for record in history.decisions(since=NOW + 10)] == ["android"]
    assert [record.key for record in history.unresolved()] == ["android"]
    assert history.samples(since=NOW + 1) == (make_sample(NOW + 1, voice=101), make_sample(NOW + 2, voice=102))
    assert history.samples(limit=1) == (make_sample(NOW + 2, voice=102),)
    assert [record.memory_bytes for record in history.footprints(since=NOW + 1, until=NOW + 1)] == [101]
    assert [record.memory_bytes for record in history.footprints(limit=2)] == [101, 102]
    assert history.samples(until=NOW - 1) == ()
    assert not history.log_out_of_reach


def test_a_summary_says_what_there_is(world: World) -> None:
    """How many of each, over which time, and between which percentages."""
    world.use(_some)
    summary = read_history(world.path).summary()
    assert (summary.samples, summary.decisions, summary.unresolved) == (3, 2, 1)
    assert (summary.first_at, summary.last_at) == (NOW, NOW + 2)
    assert summary.lowest_memory_percent == summary.highest_memory_percent == pytest.approx(78.9)
    assert summary.average_memory_percent == pytest.approx(78.9)


def test_a_history_in_use_can_be_read(world: World) -> None:
    """While a controller writes, a reader sees what is durable, each time anew."""

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "voice")
        history = read_history(world.path)
        assert [record.key for record in history.decisions()] == ["voice"]
        await intend(journal, "android")
        assert [record.key for record in history.decisions()] == ["android", "voice"]

    world.use(scenario)


def test_a_read_only_folder_can_be_read(open_world: World) -> None:
    """A state folder on a medium that cannot be written is answered from all the same."""
    open_world.use(_some)
    with read_only(open_world.path.parent):
        history = read_history(open_world.path)
        assert [record.key for record in history.decisions()] == ["android", "voice"]
        assert len(history.samples()) == 3
        assert not history.log_out_of_reach


def test_a_read_only_folder_with_a_log_says_what_is_missing(open_world: World) -> None:
    """A crash left a log, and the folder cannot be written: what only it holds is missing, and that is said."""
    open_world.use(_some)
    open_world.path.with_name("history.db-wal").write_bytes(b"x" * 64)
    with read_only(open_world.path.parent):
        history = read_history(open_world.path)
        assert [record.key for record in history.decisions()] == ["android", "voice"]
        assert history.log_out_of_reach


def test_a_read_only_folder_leaves_the_journal_in_memory(open_world: World) -> None:
    """A controller on a folder that cannot be written keeps deciding, and says why history is not kept."""
    open_world.use(_some)

    async def scenario(journal: SqliteJournal) -> None:
        await intend(journal, "stubs")
        assert "stubs" in [record.key for record in await journal.decisions()]
        assert "readonly" in journal.faults()[0] or "unable to open" in journal.faults()[0]

    with read_only(open_world.path.parent):
        open_world.use(scenario)


def test_what_cannot_be_read_is_said_plainly(world: World) -> None:
    """No file, an empty one, a newer one, no database: each is one sentence, not a traceback."""
    with pytest.raises(HistoryUnavailable, match=r"there is no history at .*: it begins with the first"):
        read_history(world.path)
    world.path.parent.mkdir()
    world.path.touch()
    with pytest.raises(HistoryUnavailable, match="holds no history yet"):
        read_history(world.path)
    world.path.write_text("no database, but long enough to be looked at as one. " * 20)
    with pytest.raises(HistoryUnavailable, match="cannot be read: file is not a database"):
        read_history(world.path)
    world.path.unlink()
    world.use(_some)
    world.change("PRAGMA user_version = 7")
    with pytest.raises(HistoryUnavailable, match=r"history.db: it has version 7, this Brownout knows 2: run the newer"):
        read_history(world.path)


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    """Spaces, percent signs, question marks and hashes in a path are only characters."""
    world = World(tmp_path / "a b%20c?mode=memory#d" / "history.db")
    world.use(_some)
    assert len(read_history(world.path).decisions()) == 2
    assert world.path.exists()

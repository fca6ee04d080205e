"""The file of budgets in bad states: damaged, newer, somebody else's, locked, taken away."""

import errno
import itertools
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from brownout.budget import Ending, HistoryUnavailable, Limits, NoSuchRun, Run
from brownout.core.budget.usage import Usage
from brownout.history import budget_file
from brownout.history.budget_file import FILE_NAME, budgets_path
from brownout.history.budgets import SqliteBudgets
from brownout.history.schema import BUDGETS, NewerHistory
from tests.worlds import NOW

PLACES = itertools.count()


def a_file(folder: Path) -> Path:
    """A file with one interrupted run and two checkpoints."""
    store = SqliteBudgets(folder, on_fault=pytest.fail)
    held = store.open("agent", Limits(), now=NOW)
    store.record(held.run.id, Usage(tokens=5), now=NOW, session=held.session)
    for state in ("first", "second"):
        store.checkpoint(held.run.id, state, now=NOW)
    store.close()
    return folder / FILE_NAME


def change(path: Path, sql: str) -> None:
    """Change the file behind everybody's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def test_a_damaged_file_is_kept_aside_and_told_of(tmp_path: Path) -> None:
    """A new one begins; the old one is there for whoever can read it."""
    path = a_file(tmp_path)
    path.write_bytes(b"no database at all" * 100)
    told: list[str] = []
    store = SqliteBudgets(tmp_path, on_fault=told.append)
    assert store.runs(now=NOW) == ()
    (aside,) = tmp_path.glob(f"{FILE_NAME}.corrupt-*Z")
    assert aside.read_bytes().startswith(b"no database")
    assert "was damaged" in told[0]
    assert aside.name in told[0]
    store.close()


def test_the_library_warns_of_it(tmp_path: Path) -> None:
    """What a program did not ask for it is warned of."""
    a_file(tmp_path).write_bytes(b"no database at all" * 100)
    with pytest.warns(RuntimeWarning, match="was damaged"), pytest.raises(NoSuchRun):
        Run.resume("agent", store=tmp_path)


def test_damage_that_shows_later_is_told_and_the_next_call_begins_anew(tmp_path: Path) -> None:
    """The call that meets it fails, and says so; no record is taken for written."""
    path = a_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # all but the first page
    path.write_bytes(content)
    told: list[str] = []
    with pytest.raises(HistoryUnavailable, match="malformed"):
        SqliteBudgets(tmp_path, on_fault=told.append).runs(now=NOW)
    store = SqliteBudgets(tmp_path, on_fault=told.append)
    assert store.runs(now=NOW) == ()
    assert len(told) == 1
    store.close()


PAGES = 9
VERSIONS = (18, 19, 44, 45, 46, 47, 60, 61, 62, 63)
SPOT = st.tuples(st.integers(0, PAGES - 1), st.integers(0, 4032), st.binary(min_size=1, max_size=64))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spots=st.lists(SPOT, min_size=1, max_size=6))
def test_garbage_anywhere_is_an_error_of_ours_and_never_the_end(
    tmp_path: Path, spots: list[tuple[int, int, bytes]]
) -> None:
    """Whatever bytes are changed: no other exception than ours, and at the third try at the latest there is a run.

    But for the bytes that say that a newer SQLite (18, 19, 44 to 47) or a newer Brownout (60 to 63) wrote it: such a
    file stays.
    """
    assume(not any(at <= version < at + len(garbage) for at, garbage in _places(spots) for version in VERSIONS))
    place = tmp_path / f"{next(PLACES)}"
    path = a_file(place)
    assert path.stat().st_size == PAGES * 4096
    with path.open("r+b") as file:
        for at, garbage in _places(spots):
            file.seek(at)
            file.write(garbage)
    assert any(works(place) for _ in range(3))


def _places(spots: list[tuple[int, int, bytes]]) -> list[tuple[int, bytes]]:
    return [(page * 4096 + offset, garbage) for page, offset, garbage in spots]


def works(place: Path) -> bool:
    """Whether a run can be opened, used, checkpointed and ended here; False where the store says why not."""
    try:
        store = SqliteBudgets(place, on_fault=lambda _: None)
    except HistoryUnavailable:
        return False
    try:
        held = store.open("agent", Limits(), now=NOW)
        store.record(held.run.id, Usage(tokens=1), now=NOW, session=held.session)
        store.checkpoint(held.run.id, "state", now=NOW, session=held.session)
        last = store.last_checkpoint(held.run.id)
        store.runs(now=NOW)
        store.leave(held.run.id, held.session, now=NOW, ending=Ending.COMPLETED)
    except HistoryUnavailable:
        return False
    finally:
        store.close()
    return last is not None and last.state == "state"


def test_a_newer_file_is_left_as_it_is(tmp_path: Path) -> None:
    """To the last byte."""
    path = a_file(tmp_path)
    change(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(NewerHistory, match=r"budgets\.db: it has version 99, this Brownout knows 1"):
        SqliteBudgets(tmp_path, on_fault=pytest.fail)
    assert path.read_bytes() == before


def test_another_database_is_not_ours(tmp_path: Path) -> None:
    """It is kept aside, not written into."""
    path = tmp_path / FILE_NAME
    change(path, "CREATE TABLE somebody (elses INTEGER)")
    told: list[str] = []
    SqliteBudgets(tmp_path, on_fault=told.append).close()
    assert "not a file of budgets of Brownout" in told[0]


def test_a_state_whose_bytes_changed_is_passed_over(tmp_path: Path) -> None:
    """The one before it is found."""
    path = a_file(tmp_path)
    change(path, "UPDATE checkpoints SET state = CAST('secund' AS BLOB) WHERE number = 2")
    run = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    last = run.last_checkpoint(1)
    assert last is not None
    assert (last.number, last.state) == (1, "first")
    run.close()


def test_a_file_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    """Nothing is written where nobody can find it."""
    store = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    held = store.open("agent", Limits(), now=NOW)
    (tmp_path / FILE_NAME).unlink()
    with pytest.raises(HistoryUnavailable, match="removed or replaced"):
        store.record(held.run.id, Usage(tokens=1), now=NOW)
    store.close()


def test_a_file_that_is_being_written_is_waited_for_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who holds it too long is told of, and the next call tries again."""
    monkeypatch.setattr(budget_file, "BUSY_S", 0.05)
    store = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    held = store.open("agent", Limits(), now=NOW)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryUnavailable, match=r"locked.*try again"):
            store.record(held.run.id, Usage(tokens=1), now=NOW)
        other.execute("ROLLBACK")
    store.record(held.run.id, Usage(tokens=1), now=NOW)
    assert store.find(held.run.id, now=NOW).usage.tokens == 1
    store.close()


def test_a_place_that_cannot_be_used_says_which(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(HistoryUnavailable, match="file"):
        SqliteBudgets(tmp_path / "file" / "budgets.db", on_fault=pytest.fail)


def test_another_users_folder_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may not be done and what to do instead; no errno, no second path."""

    def refused(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "a-second-path")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        with pytest.raises(HistoryUnavailable) as caught:
            SqliteBudgets(tmp_path / "budgets.db", on_fault=pytest.fail)
    advice = "ask as the user whose folder it is, or name one of your own with --state"
    assert str(caught.value) == f"{tmp_path / 'budgets.db'}: Permission denied: {advice}"


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    """States may hold anything."""
    a_file(tmp_path / "new")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "new").iterdir()}
    assert set(modes.values()) == {"0o600"}
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == "0o700"


def test_a_store_is_a_file_or_a_folder(tmp_path: Path) -> None:
    """By its suffix, unless it is there."""
    (tmp_path / "a.folder").mkdir()
    names = ["x.db", "state", "a.folder"]
    assert [budgets_path(tmp_path / name).relative_to(tmp_path).as_posix() for name in names] == [
        "x.db",
        "state/budgets.db",
        "a.folder/budgets.db",
    ]


def test_the_schema_of_the_first_version_is_complete() -> None:
    """What is checked at each opening is what the script makes."""
    script = (Path(budget_file.__file__).parent / BUDGETS.script).read_text()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        BUDGETS.check_tables(connection)

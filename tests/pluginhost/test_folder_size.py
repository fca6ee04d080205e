"""Laws of counting a folder that somebody else may change meanwhile, and may mean ill."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost import folder_size
from brownout.pluginhost.folder_size import DEEPEST, LEAST_BYTES, FolderSize, Uncountable

PLENTY = 2**40


def fill(folder: Path, sizes: dict[str, int]) -> int:
    """Make files of these sizes, in folders where their names say so; what they and the folders take."""
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
    return sum(max(LEAST_BYTES, one.stat().st_blocks * 512) for one in folder.rglob("*"))


def looked(size: FolderSize, most_bytes: int) -> int:
    """What comes of as many looks as it takes."""
    for _ in range(1000):
        if (found := size.look(most_bytes)) is not None:
            return found
    raise AssertionError("never counted to the end")


@given(
    sizes=st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e/f", "g/h"]), st.integers(0, 20_000)),
    pace=st.integers(1, 9),
    most=st.integers(0, 100_000),
)
def test_however_small_a_look_the_sum_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, sizes: dict[str, int], pace: int, most: int
) -> None:
    """Counted to the end where it is allowed, and known to be too much where it is not."""
    folder = tmp_path_factory.mktemp("data")
    takes = fill(folder, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_size, "_ENTRIES_A_LOOK", pace)
        found = looked(FolderSize(folder), most)
    assert found == takes if takes <= most else most < found <= takes
    assert FolderSize(folder).total(PLENTY) == takes


def test_a_look_is_bounded_and_what_is_gone_since_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that come and go between the looks add up to more than was ever there: that is nobody's fault."""
    monkeypatch.setattr(folder_size, "_ENTRIES_A_LOOK", 2)
    fill(tmp_path, {f"old{number}": 0 for number in range(4)})
    size = FolderSize(tmp_path)
    assert size.look(4 * LEAST_BYTES) is None
    for old in tmp_path.iterdir():
        old.unlink()
    fill(tmp_path, {f"new{number}/file": 0 for number in range(2)})
    assert looked(size, 4 * LEAST_BYTES) <= 4 * LEAST_BYTES


def test_no_link_is_followed_and_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    """A link takes its place and no more, wherever it leads."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "data"
    fill(elsewhere, {"large": 10 * 2**20})
    takes = fill(folder, {"file": 100_000})
    (folder / "folder").symlink_to(elsewhere)
    (folder / "large").symlink_to(elsewhere / "large")
    (folder / "round").symlink_to(folder)
    os.link(folder / "file", folder / "again")
    assert FolderSize(folder).total(PLENTY) == takes + 3 * LEAST_BYTES
    (tmp_path / "linked").symlink_to(folder)
    assert FolderSize(tmp_path / "linked").total(PLENTY) == 0


def test_what_vanishes_under_the_count_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is not there at all takes nothing; one that goes between two entries neither."""
    assert FolderSize(tmp_path / "none").total(PLENTY) == 0
    monkeypatch.setattr(folder_size, "_ENTRIES_A_LOOK", 1)
    fill(tmp_path, {"a/file": 1, "b/file": 1, "c/file": 1})
    size = FolderSize(tmp_path)
    assert size.look(PLENTY) is None
    for name in "abc":
        (tmp_path / name / "file").unlink()
        (tmp_path / name).rmdir()
        (tmp_path / name).symlink_to("/proc")
    assert looked(size, PLENTY) <= 4 * LEAST_BYTES


def test_what_cannot_be_counted_is_told_and_holds_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders nested without end, and one that nobody may read: both are the plugin's own making."""
    deep = tmp_path / "deep"
    (deep / "/".join(["x"] * (DEEPEST + 2))).mkdir(parents=True)
    open_before = len(tuple(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Uncountable, match=f"more than {DEEPEST} deep"):
        FolderSize(deep).total(PLENTY)
    (tmp_path / "shut" / "in").mkdir(parents=True)
    opened = os.open

    def refused(name: str, *how: int, dir_fd: int | None = None) -> int:
        if name == "in":
            raise PermissionError(13, "Permission denied")
        return opened(name, *how, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(Uncountable, match="cannot be read"):
        FolderSize(tmp_path / "shut").total(PLENTY)
    assert len(tuple(Path("/proc/self/fd").iterdir())) == open_before

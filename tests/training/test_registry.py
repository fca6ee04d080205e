"""The registry: old or new, never half; what is damaged never hurts, and is said."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from brownout.core.errors import TrainingFault
from brownout.core.training_document import kept_document
from brownout.core.training_report import Kept, TrainingReport
from brownout.training.registry import MOST_BYTES, Registry
from tests.champions import make_champions
from tests.training.state import Told, names

KEPT = Kept(champions=make_champions()).reported(TrainingReport(at=1.0, why="there is no model yet"))
GOOD = json.dumps(kept_document(KEPT)).encode()


def test_what_is_saved_is_there(tmp_path: Path) -> None:
    """For its owner alone, and nothing beside it."""
    told = Told()
    registry = Registry(tmp_path, on_fault=told)
    assert registry.load() == Kept()
    registry.save(KEPT)
    assert registry.load() == KEPT
    assert names(tmp_path) == ["models.json"]
    assert (tmp_path / "models.json").stat().st_mode & 0o777 == 0o600
    assert told.faults == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4096,
        b"\xff\xfe",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        b"[" * 200_000,
        b"9" * 5000,
        b" " * (MOST_BYTES + 1),
        GOOD.replace(b'"version": 1', b'"version": 99'),
        GOOD.replace(b"0.8", b"NaN", 1),
        b"null",
    ],
    ids=["empty", "zeros", "no text", "cut", "half", "deep", "a number", "huge", "newer", "nan", "null"],
)
def test_a_damaged_file_is_put_aside_and_said(tmp_path: Path, content: bytes) -> None:
    """Once: the next look finds nothing, and the next training writes a new one."""
    (tmp_path / "models.json").write_bytes(content)
    told = Told()
    registry = Registry(tmp_path, on_fault=told)
    assert registry.load() == Kept()
    assert registry.load() == Kept()
    assert [where for where, _ in told.faults] == ["training"]
    assert "put aside as models.json.damaged" in told.faults[0][1]
    assert (tmp_path / "models.json.damaged").read_bytes() == content
    registry.save(KEPT)
    assert registry.load() == KEPT


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_not_followed(tmp_path: Path, kind: str) -> None:
    """A folder, a link elsewhere, a pipe without a writer: said, and never waited for."""
    path = tmp_path / "models.json"
    (tmp_path / "elsewhere").write_bytes(GOOD)
    if kind == "link":
        path.symlink_to("elsewhere")
    else:
        (path.mkdir if kind == "folder" else partial(os.mkfifo, path))()
    told = Told()
    assert Registry(tmp_path, on_fault=told).load() == Kept()
    assert len(told.faults) == 1


def test_a_write_that_fails_leaves_the_last_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs the new models, not the old ones."""
    registry = Registry(tmp_path, on_fault=Told())
    registry.save(KEPT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingFault, match="No space left"):
        registry.save(Kept())
    monkeypatch.undo()
    assert registry.load() == KEPT
    assert names(tmp_path) == ["models.json"]


def test_what_is_too_large_is_not_written(tmp_path: Path) -> None:
    """What could not be read again is not written either."""
    huge = Kept(reports=tuple(TrainingReport(at=1.0, why="x" * 30_000) for _ in range(20)))
    with pytest.raises(TrainingFault, match="bytes of models"):
        Registry(tmp_path, on_fault=Told()).save(huge)
    assert names(tmp_path) == []

"""The controller is killed at any statement, or its disk has room for any number of bytes: no promise is broken."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.history.world import World, intend

CRASHER = Path(__file__).with_name("crasher.py")


def crasher(*arguments: str) -> str:
    """Run the crasher to its end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, str(CRASHER), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def acknowledged(folder: Path) -> list[int]:
    """The ids that this life was promised to be durable."""
    path = folder / "acknowledged"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def stored(path: Path) -> list[int]:
    """The ids that are in the file, which must be in order."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return [number for (number,) in connection.execute("SELECT id FROM decisions ORDER BY id")]


def test_killed_at_each_statement_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """For n = 1, 2, … until no n-th statement is left: the file is sound, and every acknowledged intent is in it."""
    lives = int(crasher("crash", str(tmp_path)))
    assert lives > 40
    promised = 0
    for folder in tmp_path.iterdir():
        world = World(folder / "history.db")
        after = world.use(intend)  # the next start: it creates what the crash left out
        ids = stored(world.path)
        assert set(acknowledged(folder)) <= set(ids)
        assert ids == sorted(ids)
        assert after == ids[-1]
        assert world.beside() == []
        promised += len(acknowledged(folder))
    assert promised > lives  # the later a life ended, the more it had been promised


@pytest.mark.parametrize("kib", [0, 1, 8, 33, 40, 64, 100])
def test_a_full_disk_holds_nothing_up_and_loses_nothing(tmp_path: Path, kib: int) -> None:
    """With so much room: every intent returns and is seen; once there is room, all are on disk, in order."""
    crasher("full", str(tmp_path), str(kib))
    folder = tmp_path / str(kib)
    assert stored(folder / "history.db") == acknowledged(folder)
    assert len(acknowledged(folder)) == 60

"""A state folder with a history, as a controller would have left it."""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from brownout.core.sample import Sample, Witness
from brownout.core.window import Point
from brownout.history.rows import SampleRow, insert_sample
from brownout.history.store import SqliteJournal
from brownout.training.child import ChildTrainer
from tests.history.world import SetClock
from tests.worlds import LIMIT

#: What the composition root executes.
CHILD = (sys.executable, "-P", "-m", "brownout.bootstrap.training")


def write_history(folder: Path, points: Sequence[Point], *, footprints: int = 0) -> Path:
    """Samples of a base load in `folder`, each with so many footprints of 1 % each on top."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "history.db"
    asyncio.run(SqliteJournal.open(path, clock=SetClock(), on_fault=lambda _where, _message: None).close())
    held = {f"integration-{place}": LIMIT // 100 for place in range(footprints)}
    with closing(sqlite3.connect(path)) as connection:
        for at, base in points:
            used = base + footprints
            sample = Sample(
                at=at,
                memory_percent=used,
                memory_used_bytes=round(used * LIMIT / 100.0),
                memory_limit_bytes=LIMIT,
                witness=Witness.NODE,
                footprints=held,
            )
            insert_sample(connection, SampleRow(sample=sample, levels={}))
        connection.commit()
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


class Told:
    """Who is told of faults."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def __call__(self, where: str, message: str) -> None:
        """Keep it."""
        self.faults.append((where, message))


def make_trainer(
    folder: Path, argv: Sequence[str] = CHILD, *, told: Told | None = None, timeout_s: float = 60.0
) -> ChildTrainer:
    """A trainer on a state folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return ChildTrainer(argv, folder, on_fault=told or Told(), timeout_s=timeout_s)


def python(program: str) -> tuple[str, ...]:
    """A child of one's own making."""
    return (sys.executable, "-c", program)

"""Levels without a restart: the level of a program stands in a file, and a signal says that it has changed.

The file is whole or old, never half, and it is written before the signal is sent: a program that looks late still sees
the newest. It outlives the controller, so an adopted program's level is known.
"""

import json
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import Final

from brownout.disk.atomic import file_stem, remove, replace
from brownout.engine.ports import ProcessId
from brownout.local.launch import LEVELS_FOLDER, Launch
from brownout.processes.exits import Lives, send

__all__ = ["LevelFiles", "tell"]

_MOST_BYTES: Final = 2**20


class LevelFiles:
    """The files of all programs that are told of their level. Its methods read and write files."""

    def __init__(self, state: Path) -> None:
        self._folder = state / LEVELS_FOLDER

    def write(self, launch: Launch) -> None:
        """Say at which level it is to run. Raises OSError."""
        content = {"level": launch.level, "config": dict(launch.config)}
        replace(self._path(launch.key), json.dumps(content, ensure_ascii=False).encode() + b"\n", durable=False)

    def read(self, key: str) -> str | None:
        """The level that was written last; None where there is none that makes sense."""
        with suppress(OSError, ValueError):
            content = json.loads(self._path(key).read_bytes()[:_MOST_BYTES])
            level = content.get("level") if isinstance(content, dict) else None
            return level if isinstance(level, str) else None
        return None

    def drop(self, key: str) -> None:
        """It is no longer declared."""
        with suppress(OSError):
            remove(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{file_stem(key)}.json"


def tell(process: ProcessId, launch: Launch, lives: Lives) -> bool:
    """Signal to a program that its level has changed. False where it does not listen: the signal would end it."""
    if launch.signal is None:
        return False
    number = Signals[launch.signal]
    if not _listens(process.pid, number):
        return False
    send(process, number, lives)
    return lives(process)


def _listens(pid: int, number: Signals) -> bool:
    """Whether a process has a handler for a signal: proc(5), SigCgt in its status."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return False
    return bool(mask >> (number - 1) & 1)

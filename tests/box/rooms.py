"""Memory to test in: a real cgroup with a limit where this user may make one, else a budget on the whole machine.

Both offer the same: so many MiB from where the test begins to the limit. In a cgroup nothing that others do on the
machine counts; a budget begins above what is in use, and hopes that others are calm.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from brownout.api.policy import Scope
from brownout.sensing.cgroup import V1, Layout, levels_of
from brownout.sensing.memory import MemoryReader, Unreadable
from tests.eventually import eventually

MIB = 2**20
#: Moves itself into the cgroup of the first argument, then becomes the rest.
_ENTER = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); os.execvp(sys.argv[2], sys.argv[2:])"


class Room(Protocol):
    """Some memory, of which the controller under test measures what is in use."""

    def enter(self, argv: list[str]) -> list[str]:
        """The command line that runs a program in this room."""
        ...

    def percent(self, mib: float) -> float:
        """What the controller measures when so much is in use, in its own percent."""
        ...

    def used_mib(self) -> float:
        """What is in use of it now."""
        ...

    def scope(self) -> dict[str, Any]:
        """The fields of a policy's spec that make the controller measure this room."""
        ...


@dataclass(frozen=True)
class Confined:
    """A cgroup with a limit; what is in use is what its processes hold."""

    folder: Path
    layout: Layout
    mib: int

    def enter(self, argv: list[str]) -> list[str]:
        """Moved into the cgroup first; what it starts stays in it."""
        return [sys.executable, "-I", "-S", "-c", _ENTER, str(self.folder / "cgroup.procs"), *argv]

    def percent(self, mib: float) -> float:
        """Of the limit."""
        return round(100.0 * mib / self.mib, 2)

    def used_mib(self) -> float:
        """Usage without the cache that the kernel would drop first."""
        usage = int((self.folder / self.layout.usage).read_text())
        lines = (self.folder / "memory.stat").read_bytes().splitlines()
        inactive = next(line for line in lines if line.startswith(self.layout.inactive))
        return (usage - int(inactive.split()[1])) / MIB

    def scope(self) -> dict[str, Any]:
        """Its own cgroup, by the limit that is set there."""
        return {"scope": "Cgroup"}


@dataclass(frozen=True)
class Budgeted:
    """A budget above what the machine has in use."""

    before_bytes: int
    mib: int

    def enter(self, argv: list[str]) -> list[str]:
        """Everything on the machine counts."""
        return argv

    def percent(self, mib: float) -> float:
        """Of the budget, on top of what was in use."""
        return round(100.0 * (self.before_bytes + mib * MIB) / self._budget_bytes, 2)

    def used_mib(self) -> float:
        """What came on top."""
        return (_node_bytes() - self.before_bytes) / MIB

    def scope(self) -> dict[str, Any]:
        """The machine, in percent of the budget."""
        return {"scope": "Node", "memoryBudget": str(self._budget_bytes)}

    @property
    def _budget_bytes(self) -> int:
        return self.before_bytes + self.mib * MIB


@contextmanager
def a_room(mib: int) -> Iterator[Room]:
    """So much memory, and the certainty that nobody is left in it."""
    confined = _confined(mib)
    if confined is None:
        yield Budgeted(_node_bytes(), mib)
        return
    try:
        yield confined
    finally:
        eventually(lambda: not (confined.folder / "cgroup.procs").read_text())
        eventually(lambda: _removed(confined.folder))  # busy while the last process is being taken apart


def _confined(mib: int) -> Confined | None:
    """A cgroup below our own; None where this user may make none, or it would account no memory."""
    levels = levels_of(Path("/proc/self/cgroup").read_bytes(), Path("/sys/fs/cgroup"))
    if not levels:
        return None
    folder, layout = levels[0].folder / f"brownout-box-{os.getpid()}", levels[0].layout
    try:
        folder.mkdir()
        (folder / layout.limit).write_text(str(mib * MIB))
        # With v2 no process may live beside a cgroup that accounts for its children, and we live there.
        if layout is V1:
            return Confined(folder, layout, mib)
    except OSError:
        pass
    with suppress(OSError):
        folder.rmdir()
    return None


def _removed(folder: Path) -> bool:
    folder.rmdir()
    return True


def _node_bytes() -> int:
    reading = MemoryReader().read(scope=Scope.NODE, budget_bytes=None)
    if isinstance(reading, Unreadable):
        pytest.skip(f"there is no memory to be tested in: {reading.why}")
    return reading.used_bytes

"""The process table: who lives, who descends from whom, who carries a mark, and what they hold together.

A process is a pid and its start time, never a pid alone: pids are used again. Our own process is never in any
answer, so that nobody who ends what is found here can end us. It sends no signals and knows no integrations.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from brownout.engine.process_table import ProcessId
from brownout.sensing.procfs import ProcFs, Stat

T = TypeVar("T")

_PREFIX: Final = "BROWNOUT_"

# A listing of /proc goes by pid: a child forked behind the cursor is missed, so one listing is not enough. Two that
# agree are; something that forks faster than we look never agrees, and its looks are joined after this many.
_MOST_PASSES: Final = 6


class ProcTable:
    """A ProcessTable on /proc. A pass takes about 15 us for each process of the machine; a tree takes two."""

    def __init__(self, *, proc_root: str | Path = "/proc") -> None:
        self._proc = ProcFs(proc_root)
        self._own = os.getpid()

    def identify(self, pid: int) -> ProcessId | None:
        """The full identity of a live pid; None when it is gone or a zombie."""
        stat = self._proc.stat(pid)
        return stat.id if stat is not None and stat.live else None

    def marked(self, variable: str, value: str) -> Mapping[ProcessId, Mapping[str, str]]:
        """Live processes started with `variable` equal to `value`, and what they have of BROWNOUT_ variables.

        Those of other users cannot be read and are passed over; root sees all.
        """
        found: dict[ProcessId, Mapping[str, str]] = {}

        def look() -> frozenset[ProcessId]:
            found.update(self._marked_once(variable, value))
            return frozenset(found)

        return {process: found[process] for process in self._until_stable(look)}

    def tree(self, roots: Sequence[ProcessId]) -> tuple[ProcessId, ...]:
        """The roots that still live, with all their live descendants and members of their sessions, oldest first.

        A session counts where one of them leads it, or a root that is gone did: what a dead leader left behind is
        found. A session that a root merely joined (a login shell's) is not theirs.
        """
        found: set[ProcessId] = set()

        def look() -> frozenset[ProcessId]:
            found.update(self._tree_once((*roots, *found)))
            return frozenset(found)

        return tuple(sorted(self._until_stable(look), key=lambda process: (process.started, process.pid)))

    def memory_bytes(self, processes: Sequence[ProcessId]) -> int | None:
        """PSS of them all (RSS where PSS cannot be read); None when none could be read."""
        measured = [self._held_bytes(process) for process in processes]
        known = [held for held in measured if held is not None]
        return sum(known) if known else None

    def file_bytes(self, processes: Sequence[ProcessId]) -> int | None:
        """Of what they hold together what is backed by files; None when it could be read of none."""
        found = [self._proc.file_bytes(process.pid) for process in processes if self._lives(process)]
        known = [held for held in found if held is not None]
        return sum(known) if known else None

    def _until_stable(self, look: Callable[[], frozenset[ProcessId]]) -> tuple[ProcessId, ...]:
        seen, before = look(), None
        for _ in range(_MOST_PASSES - 1):
            if seen == before:
                break
            seen, before = look(), seen
        return tuple(process for process in seen if self._lives(process))

    def _marked_once(self, variable: str, value: str) -> dict[ProcessId, Mapping[str, str]]:
        found: dict[ProcessId, Mapping[str, str]] = {}
        mark = os.fsencode(f"{variable}={value}")
        for pid in self._proc.pids():
            environment = self._proc.environment(pid, marked=mark) if pid != self._own else None
            process = self.identify(pid) if environment else None
            # Read again: it must be the environment of the process that was identified, whatever the pid was before.
            environment = self._proc.environment(pid, marked=mark) if process else None
            if process and environment and environment.get(variable) == value and self._lives(process):
                found[process] = {name: text for name, text in environment.items() if name.startswith(_PREFIX)}
        return found

    def _tree_once(self, roots: Sequence[ProcessId]) -> set[ProcessId]:
        stats = [self._proc.stat(pid) for pid in self._proc.pids() if pid != self._own]
        table = {stat.id.pid: stat for stat in stats if stat is not None}
        started = {root.pid: root.started for root in roots if _may_lead(root, table)}
        grew = True
        while grew:
            joined = {pid: stat.id.started for pid, stat in table.items() if pid not in started and _in(stat, started)}
            started |= joined
            grew = bool(joined)
        return {stat.id for pid, stat in table.items() if stat.live and started.get(pid) == stat.id.started}

    def _lives(self, process: ProcessId) -> bool:
        return self.identify(process.pid) == process

    def _held_bytes(self, process: ProcessId) -> int | None:
        held = self._proc.memory_bytes(process.pid) if self._lives(process) else None
        return held if self._lives(process) else None  # it may have gone, and its pid been used again, in between


def _may_lead(root: ProcessId, table: Mapping[int, Stat]) -> bool:
    """Whether the pid is still the root's: alive, or gone and not used again (no pid is while a session bears it)."""
    return root.pid not in table or table[root.pid].id == root


def _in(stat: Stat, started: Mapping[int, int]) -> bool:
    """Whether it is a child of one of these or in a session that one of these leads; never older than that one."""
    return any(ancestor in started and started[ancestor] <= stat.id.started for ancestor in (stat.parent, stat.session))

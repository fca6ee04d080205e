"""Whose processes live: the answer to "what belongs to this integration", from marks, ancestry and sessions.

A process is an integration's when its environment bears the marks, or when it descends from one that does, or
shares its session, or did so when last seen. So it is found after a double fork and `setsid`, and after a restart
of the controller. It cannot find what cleared its environment, left the session and lost its parent between two
looks; `orphans` does, in part.

Looking walks /proc (some milliseconds), so it happens in two threads of its own: a slow disk that fills the default
pool must not keep an emergency from finding its victims.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from types import MappingProxyType
from typing import Final, TypeVar

from brownout.core.instant import Instant
from brownout.engine.ports import Clock, ProcessId, ProcessTable
from brownout.local.launch import INTEGRATION_MARK, SPEC_MARK, STATE_MARK

__all__ = ["Census", "OnFault"]

T = TypeVar("T")
OnFault = Callable[[str, str], None]
Marked = Mapping[ProcessId, Mapping[str, str]]

#: How old a look at all processes may be when memory is measured: one look then serves all integrations of a tick.
_FRESH_S: Final = 1.0
#: How often something that forks while it is looked for is looked for again.
_MOST_LOOKS: Final = 20


class Census:
    """Finds the processes of each integration. `state` is the real path that marks them."""

    def __init__(self, table: ProcessTable, state: str, *, clock: Clock, on_fault: OnFault) -> None:
        self._table = table
        self._state = state
        self._clock = clock
        self._on_fault = on_fault
        self._known: dict[str, tuple[ProcessId, ...]] = {}
        self._looked: tuple[Instant, Marked] | None = None
        self._looking = Lock()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="brownout-census")

    async def groups(self) -> Mapping[str, Marked]:
        """All marked processes by the name of their integration, looked at now."""
        return await self._in_thread(self._groups)

    async def members(self, key: str) -> tuple[ProcessId, ...]:
        """Every live process of an integration, looked at now; the last known ones where looking fails."""
        return await self._in_thread(lambda: self._members(key, max_age_s=0.0))

    async def memory_bytes(self, key: str) -> int | None:
        """What all processes of an integration hold; None where it has none or cannot be measured."""
        return await self._in_thread(lambda: self._memory_bytes(key))

    async def identify(self, pid: int) -> ProcessId | None:
        """The full identity of a pid, or None when it is gone."""
        return await self._in_thread(lambda: self._table.identify(pid))

    def lives(self, process: ProcessId) -> bool:
        """Whether this very process still lives. Quick: one file of /proc."""
        return self._table.identify(process.pid) == process

    def meet(self, key: str, process: ProcessId) -> None:
        """A process was just started for an integration: it is known before the next look at all."""
        self._known[key] = (*self._known.get(key, ()), process)

    def forget(self, key: str) -> None:
        """Drop what is remembered of an integration."""
        self._known.pop(key, None)

    def close(self) -> None:
        """End the threads; one that hangs in the kernel is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _look(self, *, max_age_s: float) -> Marked:
        with self._looking:
            now = self._clock.now()
            if self._looked is None or now - self._looked[0] >= max_age_s:
                found = self._table.marked(STATE_MARK, self._state)
                self._looked = (now, {one: marks for one, marks in found.items() if _is_child(one, marks)})
            return self._looked[1]

    def _groups(self) -> Mapping[str, Marked]:
        groups: dict[str, dict[ProcessId, Mapping[str, str]]] = {}
        for process, marks in self._look(max_age_s=0.0).items():
            groups.setdefault(marks[INTEGRATION_MARK], {})[process] = marks
        return MappingProxyType(groups)

    def _members(self, key: str, *, max_age_s: float) -> tuple[ProcessId, ...]:
        known = self._known.get(key, ())
        try:
            found = self._find(key, known, max_age_s=max_age_s)
        except Exception as error:  # noqa: BLE001  # a fault of /proc must not make a live process count as gone
            self._on_fault("processes", f"cannot look for the processes of {key}: {error}")
            return known
        self._known[key] = tuple(one for one in found if one.pid != os.getpid())
        return self._known[key]

    def _find(self, key: str, known: tuple[ProcessId, ...], *, max_age_s: float) -> tuple[ProcessId, ...]:
        """What bears the marks or is known, with what belongs to it.

        Nothing means that nobody bore the marks: one that did and is gone now may have had a child in its last moment.
        """
        marked: list[ProcessId] = []
        for _ in range(_MOST_LOOKS):
            marked = [one for one, marks in self._look(max_age_s=max_age_s).items() if marks[INTEGRATION_MARK] == key]
            roots = {*known, *marked}
            found = self._table.tree(sorted(roots)) if roots else ()
            if found or not marked:
                return found
            max_age_s = 0.0
        return tuple(marked)

    def _memory_bytes(self, key: str) -> int | None:
        members = self._members(key, max_age_s=_FRESH_S)
        try:
            return self._table.memory_bytes(members) if members else None
        except Exception as error:  # noqa: BLE001  # unknown is a value here, and the tick goes on
            self._on_fault("processes", f"cannot measure the memory of {key}: {error}")
            return None


def _is_child(process: ProcessId, marks: Mapping[str, str]) -> bool:
    """Only what bears all marks is a child of ours: a user may set BROWNOUT_STATE in a shell and start us from it."""
    return process.pid != os.getpid() and INTEGRATION_MARK in marks and SPEC_MARK in marks

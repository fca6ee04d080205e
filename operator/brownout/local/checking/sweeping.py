"""Ends what checks leave behind: what a program has started that was ended, or has ended, or whose controller died.

Every check's program bears two marks in its environment, which its children inherit: of which state folder's checks it
is, and of which check. Whatever bears the first, and the second of no check that is under way, belongs to nobody.
"""

import asyncio
from collections.abc import Callable
from signal import Signals
from typing import Final

from brownout.engine.ports import ProcessTable
from brownout.processes.exits import send

__all__ = ["CHECKS_MARK", "CHECK_MARK", "Sweeper"]

#: Not the marks of a workload: what a check takes must not count as the workload's, nor be adopted in its place.
CHECKS_MARK: Final = "BROWNOUT_CHECKS"
CHECK_MARK: Final = "BROWNOUT_CHECK"
#: Looking walks /proc (some milliseconds): checks that end within this time are swept up together.
GATHER_S: Final = 0.2
#: How often something that forks while it is looked for is looked for again.
_MOST_LOOKS: Final = 20


class Sweeper:
    """Sweeps once soon after it was asked to, however often. `under_way` gives the marks of the checks that run."""

    def __init__(
        self, table: ProcessTable, state: str, under_way: Callable[[], frozenset[str]], on_fault: Callable[[str], None]
    ) -> None:
        self._table = table
        self._state = state
        self._under_way = under_way
        self._on_fault = on_fault
        self._asked = False
        self._sweeping: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Sweep within a moment."""
        self._asked = True
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep(), name="sweep up after checks")

    async def finish(self) -> None:
        """Sweep now; returns when nothing is left."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._look()

    async def _sweep(self) -> None:
        while self._asked:
            await asyncio.sleep(GATHER_S)
            self._asked = False
            await self._look()

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._end_all)
        except Exception as error:  # noqa: BLE001  # a fault of /proc must not end the checks
            self._on_fault(f"cannot look for what checks have left behind: {error}")

    def _end_all(self) -> None:
        """End until nothing is found: what is forked meanwhile is found the next time."""
        for _ in range(_MOST_LOOKS):
            under_way = self._under_way()
            marked = self._table.marked(CHECKS_MARK, self._state)
            left = [one for one, marks in marked.items() if marks.get(CHECK_MARK) not in under_way]
            if not left:
                return
            for process in left:
                send(process, Signals.SIGKILL, lambda one: self._table.identify(one.pid) == one)

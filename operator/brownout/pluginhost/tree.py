"""All processes of one run of a plugin, found by descent, by session, and by the mark that they inherit.

As with programs: what forks twice and calls setsid is still found by its environment; what clears that too is found as
a child of ours, for orphans come to the controller (see `processes.orphans`). Where the sandbox is enforced, nothing
can leave the process group to begin with.
"""

import asyncio

from brownout.engine.ports import ProcessId, ProcessTable
from brownout.pluginhost.launch import RUN_MARK

__all__ = ["Tree"]


class Tree:
    """Finds them. Looking walks /proc, in a thread. `alone`: it can start nothing, so nothing is looked for."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._known: tuple[ProcessId, ...] = ()
        self._run = ""
        self.alone = False

    def plant(self, root: ProcessId, run: str) -> None:
        """This is the worker, and the mark of its run."""
        self._known, self._run = (root,), run

    async def members(self) -> tuple[ProcessId, ...]:
        """Every live process of it, looked at now."""
        return await asyncio.to_thread(self._find)

    async def memory_bytes(self) -> int | None:
        """What they hold together; None where it cannot be measured."""
        return await asyncio.to_thread(lambda: self._table.memory_bytes(self._find()))

    def lives(self, process: ProcessId) -> bool:
        """Whether this very process still lives."""
        return self._table.identify(process.pid) == process

    def _find(self) -> tuple[ProcessId, ...]:
        if not self._run:
            return ()
        if self.alone:
            return tuple(one for one in self._known[:1] if self.lives(one))
        marked = self._table.marked(RUN_MARK, self._run)
        self._known = self._table.tree(sorted({*self._known, *marked})) or self._known[:1]
        return tuple(one for one in self._known if self.lives(one))

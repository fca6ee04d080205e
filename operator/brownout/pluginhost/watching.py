"""A look at all running plugins every other second: who holds more than it may, is ended, and the reason says so; who
takes much of a core without being asked goes behind the others.

What it holds is only looked at where there is no control group: the kernel's other limits are of one process each. This
look counts the whole tree, and what is shared. Data folders are looked at beside it, at the same pace: a disk that
hangs holds no other look up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from brownout.api.quantities import format_measured
from brownout.pluginhost.disk_watch import DiskWatch
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess

__all__ = ["Watch"]

_EVERY_S: Final = 2.0


class Watch:
    """Looks while it is open. `running` gives what is there now."""

    def __init__(self, running: Callable[[], Iterable[PluginProcess]], on_fault: Callable[[str], None]) -> None:
        self._running = running
        self._on_fault = on_fault
        self._disk = DiskWatch(running)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def begin(self) -> None:
        """Look from now on."""
        looks = {"watch plugins": self.look, "watch plugins' folders": self.look_at_folders}
        if not self._tasks:
            self._tasks = tuple(asyncio.create_task(_for_ever(it, self._on_fault), name=n) for n, it in looks.items())

    def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()

    async def refusal(self, launch: PluginLaunch) -> str:
        """Why a run may not begin, in a sentence: its folder is full, and was not emptied. Empty where it may."""
        return await self._disk.refusal(launch)

    async def look_at_folders(self) -> None:
        """Look at their data folders once."""
        await self._disk.look()

    async def look(self) -> None:
        """Look once."""
        for process in tuple(self._running()):
            process.look()
            if process.counted:
                continue
            members = await process.members()
            limits = process.launch.limits
            if (others := len(members) - 1) > limits.processes:
                process.condemn(f"it has {others} processes beside its own, and may have {limits.processes}")
            held = await process.memory_bytes()
            if held is not None and held > limits.memory:
                process.condemn(f"it holds {format_measured(held)}, and may hold {format_measured(limits.memory)}")


async def _for_ever(look: Callable[[], Awaitable[None]], on_fault: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        try:
            await look()
        except Exception as error:  # noqa: BLE001 - a look that fails must not be the last one
            on_fault(f"cannot look at the plugins: {error!r}")

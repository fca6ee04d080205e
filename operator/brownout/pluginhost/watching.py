"""A look at all running plugins every other second: who holds more than it may, is ended, and the reason says so; who
takes much of a core without being asked goes behind the others.

What it holds is only looked at where there is no control group: the kernel's other limits are of one process each. This
look counts the whole tree, and what is shared.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from brownout.api.quantities import format_measured
from brownout.pluginhost.process import PluginProcess

__all__ = ["Watch"]

_EVERY_S: Final = 2.0


class Watch:
    """Looks while it is open. `running` gives what is there now."""

    def __init__(self, running: Callable[[], Iterable[PluginProcess]], on_fault: Callable[[str], None]) -> None:
        self._running = running
        self._on_fault = on_fault
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._look_for_ever(), name="watch plugins")

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> None:
        """Look once."""
        for process in tuple(self._running()):
            process.look()
            if process.counted:
                continue
            members = await process.members()
            limits = process.launch.limits
            if len(members) > limits.processes:
                process.condemn(f"it has {len(members)} processes, and may have {limits.processes}")
            held = await process.memory_bytes()
            if held is not None and held > limits.memory:
                process.condemn(f"it holds {format_measured(held)}, and may hold {format_measured(limits.memory)}")

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a look that fails must not be the last one
                self._on_fault(f"cannot look at the plugins: {error!r}")

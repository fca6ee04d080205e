"""The hardware watch: looks at what the machine has when the controller starts, and again every hour.

A virtual machine can be given cores and memory while it runs, and a driver can be loaded late.
"""

import asyncio
from collections.abc import Callable

from brownout.core.tiers import Hardware
from brownout.engine.world import World

AGAIN_S = 3600.0
# A driver that wakes its GPU takes seconds to answer. The guard of the box does not wait longer than this for it.
FIRST_LOOK_S = 5.0


class HardwareWatch:
    """Looks for ever, beside the planner. `wake` calls the planner when something has changed after the first look."""

    def __init__(self, world: World, wake: Callable[[str], None]) -> None:
        self._world = world
        self._wake = wake
        self._looked = asyncio.Event()

    async def run(self) -> None:
        """Look now and then every hour."""
        while True:
            before = self._known()
            with self._world.contained("hardware"):
                await self._world.hardware.refresh()
            if self._looked.is_set() and before != self._known():
                self._wake("the hardware has changed")
            self._looked.set()
            await asyncio.sleep(AGAIN_S)

    async def first_look(self) -> None:
        """Wait for the first look where tiers depend on it: thresholds of a wrong tier could switch something off.

        Also where nobody knows yet whether there are tiers; no decision is made before that is known either.
        """
        declared = self._world.home.inventory()
        policy = declared.policy.spec
        if declared.complete and (not policy.tiers or policy.tier is not None):
            return
        try:
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._looked.wait()
        except TimeoutError:
            self._looked.set()  # what is found later is a change, and calls the planner

    def _known(self) -> Hardware:
        return self._world.hardware_under(self._world.home.inventory().policy.spec)

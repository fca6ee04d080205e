"""The sentinel's eye: memory in percent, synchronously, from files that are already open.

Median on a 2-core virtual machine, kernel 6.18, cgroup v1: 10 us for the node, 33 us for Auto in a chain of three
levels without a limit, 60 us in one of five with two limits. It does not know psutil, threads or the event loop.
"""

from pathlib import Path

from brownout.api.policy import Scope
from brownout.core.sample import plausible
from brownout.sensing.memory import MemoryReader, Unreadable


class Gauge:
    """A MemoryGauge on /proc and /sys/fs/cgroup. To be used from one thread."""

    def __init__(self, *, proc_root: str | Path = "/proc", cgroup_root: str | Path = "/sys/fs/cgroup") -> None:
        self._memory = MemoryReader(proc_root=proc_root, cgroup_root=cgroup_root)
        # The files are opened now, while there are descriptors and memory to do so.
        self._memory.read(scope=Scope.AUTO, budget_bytes=None)

    def used_percent(self, *, scope: Scope, budget_bytes: int | None) -> float | None:
        """Memory used in percent of the limit, or None when it cannot be read."""
        reading = self._memory.read(scope=scope, budget_bytes=budget_bytes)
        return None if isinstance(reading, Unreadable) else plausible(reading.percent)

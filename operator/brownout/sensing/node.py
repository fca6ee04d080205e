"""Samples of the machine: CPU, memory, disk and stall, each read by itself.

Every part has one thread of its own: one that raises leaves None and a fault, one that hangs leaves None until it
comes back, and neither delays the others (requirement S1). It judges nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import psutil

from brownout.api.policy import Scope
from brownout.core.instant import Instant
from brownout.core.sample import Sample, plausible
from brownout.sensing.lane import Lane
from brownout.sensing.memory import MemoryReader, Reading, Unreadable
from brownout.sensing.psi import stall_percent

T = TypeVar("T")

OnFault = Callable[[str, str], None]
WHERE: Final = "sensing"

# A part takes below 1 ms; on a machine that swaps, a thread may wait long for its turn, and to know nothing then is
# worse than to know it late. Nothing hangs for longer than this, and a part that does is not waited for again.
PATIENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Disk:
    used_percent: float | None
    free_bytes: int


class PsutilSensor:
    """A NodeSensor. `folder` is on the disk that counts, the state's; `on_fault` hears of each part that failed."""

    def __init__(
        self,
        *,
        folder: str | Path,
        on_fault: OnFault,
        proc_root: str | Path = "/proc",
        cgroup_root: str | Path = "/sys/fs/cgroup",
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._folder = str(folder)
        self._on_fault = on_fault
        self._proc_root = proc_root
        self._patience_s = patience_s
        self._memory = MemoryReader(proc_root=proc_root, cgroup_root=cgroup_root)
        self._cpu_primed = False
        self._lanes = {name: Lane(name) for name in ("cpu", "memory", "disk", "stall")}

    async def read(self, *, now: Instant, scope: Scope, budget_bytes: int | None) -> Sample:
        """One sample, without footprints; what could not be read is None."""
        cpu, memory, disk, stall = await asyncio.gather(
            self._part("cpu", self._look_at_cpu),
            self._part("memory", lambda: self._memory.read(scope=scope, budget_bytes=budget_bytes)),
            self._part("disk", self._look_at_disk),
            self._part("stall", lambda: stall_percent(self._proc_root)),
        )
        if isinstance(memory, Unreadable):
            self._on_fault(WHERE, memory.why)
            memory = None
        return _sample(now, cpu, memory, disk, stall)

    def close(self) -> None:
        """End the threads that are not hanging."""
        for lane in self._lanes.values():
            lane.close()

    async def _part(self, name: str, look: Callable[[], T]) -> T | None:
        try:
            return await self._lanes[name].run(look, patience_s=self._patience_s)
        except Exception as error:  # noqa: BLE001 - psutil raises what it likes (KeyError: 1010); all of it is one part's
            self._on_fault(WHERE, f"{name} cannot be read: {type(error).__name__}: {error}")
            return None

    def _look_at_cpu(self) -> float | None:
        """Since the last call. The first has nothing to compare with: psutil says 0.0, which is not a measurement."""
        percent = psutil.cpu_percent(interval=None)
        primed, self._cpu_primed = self._cpu_primed, True
        return plausible(percent) if primed else None

    def _look_at_disk(self) -> _Disk:
        usage = psutil.disk_usage(self._folder)
        return _Disk(plausible(usage.percent), usage.free)


def _sample(now: Instant, cpu: float | None, memory: Reading | None, disk: _Disk | None, stall: float | None) -> Sample:
    sample = Sample(at=now, cpu_percent=cpu, stall_percent=plausible(stall))
    if disk is not None:
        sample = replace(sample, disk_percent=disk.used_percent, disk_free_bytes=disk.free_bytes)
    if memory is None:
        return sample
    return replace(
        sample,
        memory_percent=plausible(memory.percent),
        memory_used_bytes=memory.used_bytes,
        memory_limit_bytes=memory.limit_bytes,
        witness=memory.witness,
    )

"""What the machine has: the memory limit in force, the cores we may use, and its GPUs.

Cores and GPUs are looked at in a thread of their own, since a driver that wakes its GPU takes seconds; memory is read
from open files, at once. A part that fails alone is unknown alone, and is told of.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from brownout.api.policy import Scope
from brownout.core.tiers import Hardware
from brownout.sensing.cores import allowed_cores, usable_cores
from brownout.sensing.gpu import UNKNOWN, Gpus, amd, nvidia, together
from brownout.sensing.lane import Lane
from brownout.sensing.memory import MemoryReader
from brownout.sensing.node import WHERE, OnFault

T = TypeVar("T")

# Without persistence mode nvidia-smi first loads the driver's state onto each GPU, which takes seconds.
PATIENCE_S: Final = 10.0
# What outlives the end of a program that was killed: a GPU that hangs in the kernel lets nobody go.
_GRACE_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Where the kernel shows itself."""

    proc: Path = Path("/proc")
    cgroup: Path = Path("/sys/fs/cgroup")
    sys: Path = Path("/sys")


class MachineHardware:
    """A HardwareSensor of this machine. `nvidia_smi` names the tool; None looks for it in PATH at each look."""

    def __init__(
        self,
        *,
        on_fault: OnFault,
        roots: Roots = Roots(),
        nvidia_smi: str | None = None,
        allowed: Callable[[], int] = allowed_cores,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._on_fault = on_fault
        self._roots = roots
        self._nvidia_smi = nvidia_smi
        self._allowed = allowed
        self._patience_s = patience_s
        self._memory = MemoryReader(proc_root=roots.proc, cgroup_root=roots.cgroup)
        self._limits: dict[tuple[Scope, int | None], int] = {}
        self._lane = Lane("hardware")
        self._cores: float | None = None
        self._gpus: Gpus = UNKNOWN

    def known(self, *, scope: Scope, budget_bytes: int | None) -> Hardware:
        """What the last look found, with the memory limit of now, or the last one that could be read."""
        limit = self._memory.limit_bytes(scope=scope, budget_bytes=budget_bytes)
        if limit is not None:
            self._limits = {(scope, budget_bytes): limit}
        return Hardware(
            memory_bytes=self._limits.get((scope, budget_bytes)),
            cores=self._cores,
            gpu=self._gpus.present,
            gpu_memory_bytes=self._gpus.memory_bytes,
        )

    async def refresh(self) -> None:
        """Look again; what cannot be found out is unknown afterwards, not what it was."""
        try:
            self._cores, self._gpus = await self._lane.run(self._look, patience_s=2 * (self._patience_s + _GRACE_S))
        except TimeoutError as error:
            self._cores, self._gpus = None, UNKNOWN
            self._on_fault(WHERE, f"the hardware cannot be looked at: {error}")

    def close(self) -> None:
        """End the thread."""
        self._lane.close()

    def _look(self) -> tuple[float | None, Gpus]:
        program = self._nvidia_smi or shutil.which("nvidia-smi")
        cores = self._part("cores", self._look_at_cores)
        theirs = self._part("NVIDIA GPUs", lambda: self._look_at_nvidia(program))
        others = self._part("AMD GPUs", lambda: amd(self._roots.sys))
        return cores, together((theirs or UNKNOWN, others or UNKNOWN))

    def _look_at_cores(self) -> float:
        return usable_cores(self._allowed(), proc_root=self._roots.proc, cgroup_root=self._roots.cgroup)

    def _look_at_nvidia(self, program: str | None) -> Gpus:
        return nvidia(program, proc_root=self._roots.proc, timeout_s=self._patience_s)

    def _part(self, name: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._on_fault(WHERE, f"{name} cannot be found out: {error}")
            return None

"""A control group for each run of a plugin, where we may make one: the kernel then counts all its processes together.

Both kinds are known: the unified hierarchy, where a service manager has delegated us one with the controllers memory
and pids, and the older one with a tree for each. Where we may not, the limits of single processes and the host's look
at all of them remain. Where the controller cpu is ours too, the same group says when a worker may compute.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from brownout.pluginhost.cpu_group import CpuGroup

__all__ = ["ControlGroup", "sweep"]

_ROOT: Final = Path("/sys/fs/cgroup")
_OURS: Final = Path("/proc/self/cgroup")
_PREFIX: Final = "brownout-plugin-"
_CONTROLLERS: Final = ("memory", "pids", "cpu")
#: The file of the limit, of the older hierarchy and of the unified one.
_MEMORY, _PIDS = ("memory.limit_in_bytes", "memory.max"), ("pids.max", "pids.max")


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The folders that hold it to its limits: one, or one for each controller; and what says when it may compute."""

    folders: tuple[Path, ...]
    cpu: CpuGroup | None = None

    @classmethod
    def make(cls, name: str, *, memory_bytes: int, processes: int) -> "ControlGroup | str":
        """Make one; or say why there can be none. Blocks for a moment."""
        try:
            parents = _parents(_OURS.read_text())
        except OSError as error:
            return f"control groups cannot be read: {error.strerror}"
        if not {"memory", "pids"} <= parents.keys():
            return "this machine has no control groups for memory and processes"
        folder = f"{_PREFIX}{name}"
        group = cls(tuple(dict.fromkeys(parents[each] / folder for each in ("memory", "pids"))))
        try:
            group._limit(memory_bytes, processes)
        except OSError as error:
            group.remove()
            return f"we may make no control group: {error.strerror}"
        return replace(group, cpu=_cpu_group(parents["cpu"] / folder)) if "cpu" in parents else group

    def add(self, pid: int) -> "ControlGroup":
        """Take a process in, and with it all that it will start; the group as it now holds it. Raises OSError.

        Takes 5 to 10 ms for each folder.
        """
        if self.cpu is None or self.cpu.folder in self.folders:
            self._hold(pid)
            return self
        taken = self.cpu.add(pid)  # first: who is behind computes meanwhile
        try:
            self._hold(pid)
        except OSError:  # nobody will say any more when it may compute
            self.cpu.place(behind=False, yields=False)
            raise
        if taken:
            return self
        self.cpu.remove()
        return replace(self, cpu=None)

    def ran_out(self) -> bool:
        """Whether something in it was killed because it wanted more memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError, ValueError):
                    counts = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(counts.get("oom_kill", 0)):
                        return True
        return False

    def remove(self) -> None:
        """Take it away; one in which something still lives stays until the next sweep."""
        if self.cpu is not None:
            self.cpu.remove()
        for folder in self.folders:
            with suppress(OSError):
                folder.rmdir()

    def _hold(self, pid: int) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def _limit(self, memory_bytes: int, processes: int) -> None:
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
        for names, limit in ((_MEMORY, memory_bytes), (_PIDS, processes)):
            files = [folder / name for folder in self.folders for name in names if (folder / name).exists()]
            if not files:
                raise OSError(0, f"its {names[1]} is not ours to set")
            files[0].write_text(str(limit))


def sweep() -> None:
    """Take away what runs of an earlier host have left, where nothing lives in it any more."""
    with suppress(OSError):
        for parent in set(_parents(_OURS.read_text()).values()):
            for left in parent.glob(f"{_PREFIX}*"):
                with suppress(OSError):
                    left.rmdir()


def _cpu_group(folder: Path) -> CpuGroup | None:
    """In a folder of its own, or in that of the other controllers; None where the kernel lets us set nothing of it."""
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        return CpuGroup.of(folder)
    return None


def _parents(listed: str) -> dict[str, Path]:
    """Our own group of each controller, where we may make others in it."""
    found: dict[str, Path] = {}
    for hierarchy, controllers, path in _groups(listed):
        if hierarchy == "0" and (_ROOT / "cgroup.controllers").exists():
            found = dict.fromkeys(_CONTROLLERS, _ROOT / path) | found
        for name in controllers.split(","):
            if name in _CONTROLLERS and (_ROOT / name).is_dir():
                found[name] = _ROOT / name / path
    return {name: path for name, path in found.items() if os.access(path, os.W_OK)}


def _groups(listed: str) -> Iterator[tuple[str, str, str]]:
    for line in listed.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        yield hierarchy, controllers, path.lstrip("/")

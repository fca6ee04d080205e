"""A control group for each run of a plugin, where we may make one: the kernel then counts all its processes together.

Both kinds are known: the unified hierarchy, where a service manager has delegated us one with the controllers memory
and pids, and the older one with a tree for each. Where we may not, the limits of single processes and the host's look
at all of them remain.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["ControlGroup", "sweep"]

_ROOT: Final = Path("/sys/fs/cgroup")
_PREFIX: Final = "brownout-plugin-"
#: For each controller the file of its limit, of the older hierarchy and of the unified one.
_MEMORY, _PIDS = ("memory.limit_in_bytes", "memory.max"), ("pids.max", "pids.max")


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The folders that make it up: one, or one for each controller."""

    folders: tuple[Path, ...]

    @classmethod
    def make(cls, name: str, *, memory_bytes: int, processes: int) -> "ControlGroup | str":
        """Make one; or say why there can be none. Blocks for a moment."""
        try:
            parents = _parents(Path("/proc/self/cgroup").read_text())
        except OSError as error:
            return f"control groups cannot be read: {error.strerror}"
        if not parents:
            return "this machine has no control groups for memory and processes"
        group = cls(tuple(dict.fromkeys(parent / f"{_PREFIX}{name}" for parent in parents)))
        try:
            group._limit(memory_bytes, processes)
        except OSError as error:
            group.remove()
            return f"we may make no control group: {error.strerror}"
        return group

    def add(self, pid: int) -> None:
        """Take a process in, and with it all that it will start. Raises OSError."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

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
        for folder in self.folders:
            with suppress(OSError):
                folder.rmdir()

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
        for parent in set(_parents(Path("/proc/self/cgroup").read_text())):
            for left in parent.glob(f"{_PREFIX}*"):
                with suppress(OSError):
                    left.rmdir()


def _parents(listed: str) -> list[Path]:
    """Our own groups with memory and pids; none unless there are both."""
    found: dict[str, Path] = {}
    for hierarchy, controllers, path in _groups(listed):
        if hierarchy == "0" and (_ROOT / "cgroup.controllers").exists():
            found = {"memory": _ROOT / path, "pids": _ROOT / path} | found
        for name in controllers.split(","):
            if name in ("memory", "pids") and (_ROOT / name).is_dir():
                found[name] = _ROOT / name / path
    writable = found.keys() >= {"memory", "pids"} and all(os.access(path, os.W_OK) for path in found.values())
    return list(found.values()) if writable else []


def _groups(listed: str) -> Iterator[tuple[str, str, str]]:
    for line in listed.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        yield hierarchy, controllers, path.lstrip("/")

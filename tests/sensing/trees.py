"""Trees of files as the kernel would show them: /proc/meminfo, cgroups of both versions, processes."""

from dataclasses import dataclass
from pathlib import Path

from brownout.sensing.gauge import Gauge
from brownout.sensing.memory import MemoryReader

NO_LIMIT_V1 = 9223372036854771712


@dataclass(frozen=True)
class Machine:
    """Folders that stand for /proc and /sys/fs/cgroup."""

    root: Path

    @property
    def proc(self) -> Path:
        """What stands for /proc."""
        return self.root / "proc"

    @property
    def cgroup(self) -> Path:
        """What stands for /sys/fs/cgroup."""
        return self.root / "cgroup"

    def write(self, path: Path, text: str) -> None:
        """Change what a file says. The file stays the same one, as the kernel's do."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def meminfo(self, *, total: int, available: int, more: str = "") -> None:
        """Say how much memory there is, in bytes."""
        lines = f"MemTotal:       {total // 1024} kB\nMemFree:  1024 kB\nMemAvailable:   {available // 1024} kB\n{more}"
        self.write(self.proc / "meminfo", lines)

    def member_of(self, lines: str) -> None:
        """Say in which cgroups the process is."""
        self.write(self.proc / "self" / "cgroup", lines)

    def v1(
        self, path: str, *, usage: int, inactive: int = 0, limit: int = NO_LIMIT_V1, above: int = NO_LIMIT_V1
    ) -> None:
        """A level of v1; `above` is the least limit of its ancestors."""
        folder = self.cgroup / "memory" / path
        self.write(folder / "memory.usage_in_bytes", f"{usage}\n")
        self.write(folder / "memory.limit_in_bytes", f"{limit}\n")
        stat = (
            f"cache 1\ninactive_file 7\nhierarchical_memory_limit {min(limit, above)}\ntotal_inactive_file {inactive}\n"
        )
        self.write(folder / "memory.stat", stat)

    def v2(self, path: str, *, current: int, inactive: int = 0, limit: int | None = None, mount: str = "") -> None:
        """A level of v2, which is mounted at the root of all unless told otherwise."""
        folder = self.cgroup / mount / path
        self.write(self.cgroup / mount / "cgroup.controllers", "memory\n")
        self.write(folder / "memory.current", f"{current}\n")
        self.write(folder / "memory.max", "max\n" if limit is None else f"{limit}\n")
        self.write(folder / "memory.stat", f"anon 1\nfile 2\ninactive_anon 9\ninactive_file {inactive}\n")

    def reader(self) -> MemoryReader:
        """A reader of this machine."""
        return MemoryReader(proc_root=self.proc, cgroup_root=self.cgroup)

    def gauge(self) -> Gauge:
        """A gauge of this machine."""
        return Gauge(proc_root=self.proc, cgroup_root=self.cgroup)

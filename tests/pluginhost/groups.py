"""Control groups of workers, as this machine has them: where a process stands, and what a host has made."""

import os
from pathlib import Path

from brownout.pluginhost.cgroup import ControlGroup

_ROOT = Path("/sys/fs/cgroup")
_MARK = "brownout-plugin-"


def groups_of(host: int) -> list[Path]:
    """The folders that the host of this number has made, in every hierarchy."""
    return [Path(at) for at, _, _ in os.walk(_ROOT) if Path(at).name.startswith(f"{_MARK}{host}-")]


def cpu_folder(pid: int) -> Path | None:
    """The group of this worker's that says when it may compute; None where it has none."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        folder = _ROOT / ("cpu" if "cpu" in controllers.split(",") else "") / path.lstrip("/")
        if folder.name.startswith(_MARK) and (folder / "cpu.idle").exists():
            return folder
    return None


def may_make() -> ControlGroup | None:
    """A group as one can be made here, which is gone already; None where we may make none."""
    group = ControlGroup.make(f"{os.getpid()}-test", memory_bytes=2**26, processes=2)
    if isinstance(group, str):
        return None
    group.remove()
    return group

"""The cores that this process may use: those it is allowed to run on, or its CPU quota where that is less.

A quota may be a fraction: 1.5 is 150 ms of time in each 100 ms. The least quota up the chain of cgroups counts.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from brownout.sensing.cgroup import folders_of, paths_of, unified_mount


def allowed_cores() -> int:
    """How many cores the scheduler may put this process on (affinity, cpusets)."""
    return len(os.sched_getaffinity(0))


def usable_cores(allowed: int, *, proc_root: Path, cgroup_root: Path) -> float:
    """Cores after all quotas. OSError where a quota cannot be read, ValueError where it makes no sense."""
    return min((float(allowed), *_quotas(proc_root, cgroup_root)))


def _quotas(proc_root: Path, cgroup_root: Path) -> Iterator[float]:
    try:
        paths = paths_of((proc_root / "self" / "cgroup").read_bytes())
    except FileNotFoundError:  # a kernel without cgroups sets no quota
        return
    if b"cpu" in paths:
        # The mount has the name of the pair; most systems link the single names to it.
        mount = next((found for name in ("cpu", "cpu,cpuacct") if (found := cgroup_root / name).is_dir()), None)
        folders = folders_of(mount, paths[b"cpu"]) if mount else ()
        yield from (quota for folder in folders if (quota := _quota_v1(folder)) is not None)
    elif b"" in paths:
        folders = folders_of(unified_mount(cgroup_root), paths[b""])
        yield from (quota for folder in folders if (quota := _quota_v2(folder)) is not None)


def _quota_v1(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return None if quota is None or period is None or int(quota) < 0 else _ratio(quota, period)


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = (_read(folder / "cpu.max") or "max").partition(" ")
    return None if quota == "max" else _ratio(quota, period)


def _ratio(quota: str, period: str) -> float:
    if int(quota) <= 0 or int(period) <= 0:
        raise ValueError(f"a CPU quota of {quota} in {period} us makes no sense")
    return int(quota) / int(period)


def _read(path: Path) -> str | None:
    """What the file says; None where there is none, as in the topmost cgroup."""
    try:
        return path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None

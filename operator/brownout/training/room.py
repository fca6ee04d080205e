"""Room for a child in our own cgroups: in a container it counts as us, and a limit that it breaks takes us along.

The kubelet sets memory.oom.group, with which the kernel ends every process of a container at once. Version 2 only: with
version 1 the kernel ends one process, and the child asks to be the first.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MOUNT: Final = Path("/sys/fs/cgroup")
_OURS: Final = Path("/proc/self/cgroup")


def room_bytes(*, mount: Path = _MOUNT, ours: Path = _OURS) -> int | None:
    """What may still be taken under the tightest limit above us; None where there is no limit, or none to be seen."""
    rooms = [room for folder in _chain(mount, ours) if (room := _room(folder)) is not None]
    return min(rooms, default=None)


def _chain(mount: Path, ours: Path) -> Iterator[Path]:
    """Our cgroup and those above it. In a container ours is the mount itself, whatever the host calls it."""
    yield mount
    lines = _text(ours).splitlines()
    path = next((line[3:] for line in lines if line.startswith("0::/")), "/")
    folder = mount / path.strip("/")
    while folder != mount and mount in folder.parents and ".." not in folder.parts:
        yield folder
        folder = folder.parent


def _room(folder: Path) -> int | None:
    limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
    if limit is None or used is None:
        return None
    return max(0, limit - used + _reclaimable(folder))


def _reclaimable(folder: Path) -> int:
    """Page cache that nobody has looked at for long: the kernel gives it back first."""
    fields = (line.split() for line in _text(folder / "memory.stat").splitlines())
    return next((int(each[1]) for each in fields if each[:1] == ["inactive_file"] and each[-1].isdigit()), 0)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""

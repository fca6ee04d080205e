"""The memory cgroups that a process lives in, from its own up to the top of what it can see.

Knows where the two versions keep their files and how to read a level; which level counts is `memory.py`'s to say.
A container's mount often shows only its own subtree, while /proc/self/cgroup names the path on the host: then the
longest tail of that path that exists is taken, and the mount itself where none does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from brownout.core.sample import Witness
from brownout.sensing.kept_file import Buffer, KeptFile

# v1 says "no limit" as the largest multiple of a page below 2^63; nothing real comes near half of that.
_NO_LIMIT_BYTES: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one version of cgroups names its files, and the lines that count."""

    witness: Witness
    usage: str
    limit: str
    inactive: bytes
    inherited: bytes | None  # the least limit of all ancestors, those that a container cannot see included

    def found_in(self, folder: Path) -> bool:
        """Whether memory is accounted at this level; the root of v2 and levels without the controller say nothing."""
        return (folder / self.usage).exists()


V1: Final = Layout(
    witness=Witness.CGROUP_V1,
    usage="memory.usage_in_bytes",
    limit="memory.limit_in_bytes",
    inactive=b"total_inactive_file ",
    inherited=b"hierarchical_memory_limit ",
)
V2: Final = Layout(
    witness=Witness.CGROUP_V2,
    usage="memory.current",
    limit="memory.max",
    inactive=b"inactive_file ",
    inherited=None,
)


class Stat(NamedTuple):
    """Of memory.stat: the cache that would go first, and on v1 the least limit here or above, even out of sight."""

    inactive_bytes: int | None
    inherited_limit_bytes: int | None


class Level:
    """One cgroup of the chain, its three files kept open."""

    __slots__ = ("_limit", "_stat", "_usage", "folder", "layout")

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder = folder
        self.layout = layout
        self._usage = KeptFile(folder / layout.usage)
        self._limit = KeptFile(folder / layout.limit)
        self._stat = KeptFile(folder / "memory.stat")

    def limit_bytes(self, buffer: Buffer) -> int | None:
        """The limit set at this level; None: none. OSError when it cannot be read."""
        self._limit.read(buffer)
        return _real(buffer.whole_number())

    def stat(self, buffer: Buffer) -> Stat:
        """What memory.stat says now. OSError when it cannot be read."""
        self._stat.read(buffer)
        inherited = self.layout.inherited
        return Stat(
            inactive_bytes=buffer.number_after(self.layout.inactive),
            inherited_limit_bytes=_real(buffer.number_after(inherited)) if inherited else None,
        )

    def used_bytes(self, buffer: Buffer, stat: Stat) -> int | None:
        """What is in use without the page cache that the kernel would drop first; None for garbage.

        Cache counted as used is false pressure (kubernetes 43916). OSError when it cannot be read.
        """
        self._usage.read(buffer)
        usage = buffer.whole_number()
        if usage is None or stat.inactive_bytes is None:
            return None
        # The two files are not read at one instant: a cache that grew in between must not make a negative use.
        return max(0, usage - stat.inactive_bytes)


def levels_of(membership: bytes, cgroup_root: Path) -> tuple[Level, ...]:
    """The levels that account memory, the process's own first; empty where there are none.

    `membership` is what /proc/self/cgroup says. Where v1 has the memory controller, v2 cannot have it (hybrid).
    """
    paths = paths_of(membership)
    if b"memory" in paths:
        return _chain(cgroup_root / "memory", paths[b"memory"], V1)
    if b"" in paths:
        return _chain(unified_mount(cgroup_root), paths[b""], V2)
    return ()


def paths_of(membership: bytes) -> dict[bytes, str]:
    """The path of each controller of v1, and under the empty name that of v2."""
    return dict(_paths(membership))


def unified_mount(cgroup_root: Path) -> Path:
    """Where v2 is mounted: at the root of all, or beside v1."""
    return cgroup_root if (cgroup_root / "cgroup.controllers").exists() else cgroup_root / "unified"


def folders_of(mount: Path, path: str) -> tuple[Path, ...]:
    """The folders from a cgroup up to its mount, as far as this process can see them."""
    own = _visible(mount, [part for part in path.split("/") if part])
    return (own, *(folder for folder in own.parents if folder.is_relative_to(mount)))


def _paths(membership: bytes) -> Iterator[tuple[bytes, str]]:
    for line in membership.splitlines():
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if colon:
            yield from ((name, path.decode(errors="surrogateescape")) for name in controllers.split(b","))


def _chain(mount: Path, path: str, layout: Layout) -> tuple[Level, ...]:
    return tuple(Level(folder, layout) for folder in folders_of(mount, path) if layout.found_in(folder))


def _visible(mount: Path, parts: list[str]) -> Path:
    tails = (mount.joinpath(*parts[start:]) for start in range(len(parts)) if ".." not in parts)
    return next((tail for tail in tails if tail.is_dir()), mount)


def _real(limit: int | None) -> int | None:
    return None if limit is None or limit >= _NO_LIMIT_BYTES else limit

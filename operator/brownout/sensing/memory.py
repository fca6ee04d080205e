"""Memory in use and its limit: the arithmetic that the sensor and the sentinel's gauge share.

    scope Node     MemTotal - MemAvailable, of the budget or MemTotal
    scope Cgroup   usage - inactive file cache, of the least of the budget and the limits up the chain
    scope Auto     Cgroup where the process lives under a limit smaller than MemTotal, else Node

No limit is taken as larger than the machine (sysinfo 1054), and swap is not counted: it is what we are there to
avoid. Synchronous, and next to no allocation; it knows neither threads nor psutil.
"""

from dataclasses import dataclass
from pathlib import Path

from brownout.api.policy import Scope
from brownout.core.sample import Witness
from brownout.sensing.cgroup import Level, Stat, levels_of
from brownout.sensing.kept_file import Buffer, KeptFile


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes in use, the bytes they are measured against (never 0), and who says so."""

    used_bytes: int
    limit_bytes: int
    witness: Witness

    @property
    def percent(self) -> float:
        """Used in percent of the limit; above 100 where a budget is smaller than what is in use."""
        return 100.0 * self.used_bytes / self.limit_bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """There is no reading; `why` is a sentence for people."""

    why: str


@dataclass(frozen=True, slots=True)
class _Ram:
    total_bytes: int
    used_bytes: int


class MemoryReader:
    """Reads again and again from files that it keeps open. One reader belongs to one thread."""

    def __init__(self, *, proc_root: str | Path = "/proc", cgroup_root: str | Path = "/sys/fs/cgroup") -> None:
        self._buffer = Buffer()
        self._meminfo = KeptFile(Path(proc_root) / "meminfo")
        self._membership = KeptFile(Path(proc_root) / "self" / "cgroup")
        self._cgroup_root = Path(cgroup_root)
        self._member_of = b""
        self._levels: tuple[Level, ...] = ()

    def read(self, *, scope: Scope, budget_bytes: int | None) -> Reading | Unreadable:
        """The memory as of now. Never raises for anything that the files say or fail to say."""
        ram = self._ram()
        if scope is Scope.NODE:
            return self._of_node(ram, budget_bytes)
        try:
            reading = self._of_cgroup(ram, budget_bytes, always=scope is Scope.CGROUP)
        except OSError as error:
            self._member_of = b""  # the cgroup may have gone and come back: look for it again
            return Unreadable(f"the memory cgroup cannot be read: {error}")
        return reading or self._of_node(ram, budget_bytes)

    def limit_bytes(self, *, scope: Scope, budget_bytes: int | None) -> int | None:
        """The least limit in force; None where it cannot be told. It does not follow the level that is fullest now."""
        ram = self._ram()
        total = ram.total_bytes if isinstance(ram, _Ram) else None
        try:
            confined = None if scope is Scope.NODE else self._least_of_chain()
        except OSError:
            self._member_of = b""
            return None
        return None if total is None and confined is None else _least(total, confined, budget_bytes)

    def _least_of_chain(self) -> int | None:
        levels = self._chain()
        inherited = levels[0].stat(self._buffer).inherited_limit_bytes if levels else None
        return _least(inherited, *(level.limit_bytes(self._buffer) for level in levels))

    def _ram(self) -> _Ram | Unreadable:
        try:
            self._meminfo.read(self._buffer)
        except OSError as error:
            return Unreadable(f"memory cannot be read: {error}")
        total = self._buffer.number_after(b"MemTotal:")
        available = self._buffer.number_after(b"MemAvailable:")
        if not total or available is None or available > total:
            return Unreadable(f"{self._meminfo.path} makes no sense: MemTotal {total}, MemAvailable {available}")
        return _Ram(total, total - available)

    def _of_node(self, ram: _Ram | Unreadable, budget_bytes: int | None) -> Reading | Unreadable:
        if isinstance(ram, Unreadable):
            return ram
        limit = min(ram.total_bytes, budget_bytes or ram.total_bytes)
        return Reading(ram.used_bytes, limit, Witness.NODE)

    def _of_cgroup(
        self, ram: _Ram | Unreadable, budget_bytes: int | None, *, always: bool
    ) -> Reading | Unreadable | None:
        """None: not confined, so that Auto means the node. A failed /proc/meminfo does not stop a confined process."""
        levels = self._chain()
        if not levels:
            return Unreadable("scope Cgroup: this process is in no cgroup that accounts memory") if always else None
        total = ram.total_bytes if isinstance(ram, _Ram) else None
        own = levels[0].stat(self._buffer)  # read once: for the limits out of sight, and for what is in use
        limits = [level.limit_bytes(self._buffer) for level in levels]
        limits[0] = _least(limits[0], own.inherited_limit_bytes)
        if not always and not any(limit is not None and (total is None or limit < total) for limit in limits):
            return None
        limits[0] = _least(limits[0], budget_bytes, total)
        return self._highest(levels, [_least(limit, total) if limit else None for limit in limits], own)

    def _chain(self) -> tuple[Level, ...]:
        self._membership.read(self._buffer)
        member_of = self._buffer.text[: self._buffer.length]
        if member_of != self._member_of:  # moved to another cgroup, or the first look
            self._member_of = bytes(member_of)
            self._levels = levels_of(self._member_of, self._cgroup_root)
        return self._levels

    def _highest(self, levels: tuple[Level, ...], limits: list[int | None], own: Stat) -> Reading | Unreadable:
        """Of the levels that have a limit the one nearest to it: whichever is hit first, the process dies."""
        highest: Reading | None = None
        for level, limit in zip(levels, limits, strict=True):
            if not limit:
                continue
            stat = own if level is levels[0] else level.stat(self._buffer)
            used = level.used_bytes(self._buffer, stat)
            if used is None:  # leaving it out would say that it is fine
                return Unreadable(f"the files in {level.folder} make no sense")
            reading = Reading(used, limit, level.layout.witness)
            if highest is None or reading.percent > highest.percent:
                highest = reading
        return highest or Unreadable("scope Cgroup: there is neither a limit nor a budget nor a readable MemTotal")


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)

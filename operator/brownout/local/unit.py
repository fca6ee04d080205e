"""What systemd says of a unit, as an observation. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brownout.core.member import Presence

__all__ = ["PROPERTIES", "UnitState", "unit_state"]

PROPERTIES: Final = (
    "LoadState",
    "LoadError",
    "ActiveState",
    "SubState",
    "Result",
    "InvocationID",
    "MemoryCurrent",
    "ControlGroup",
)
_PRESENCE: Final = {
    "active": Presence.RUNNING,
    "reloading": Presence.RUNNING,
    "refreshing": Presence.RUNNING,
    "activating": Presence.STARTING,
    "deactivating": Presence.RUNNING,  # it still holds its memory
    "maintenance": Presence.RUNNING,
    "inactive": Presence.STOPPED,
    "failed": Presence.FAILED,
}
_MISSING: Final = {
    "not-found": "there is no such unit",
    "masked": "the unit is masked: systemctl unmask it",
    "bad-setting": "the unit file is wrong",
    "error": "the unit file cannot be read",
}
#: systemd writes this where nothing is measured (MemoryAccounting=no).
_NOT_MEASURED: Final = 2**64 - 1
_CGROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit at one moment."""

    presence: Presence
    detail: str = ""
    identity: str = ""
    memory_bytes: int | None = None

    @property
    def down(self) -> bool:
        """Whether nothing of it runs."""
        return self.presence in (Presence.STOPPED, Presence.FAILED, Presence.MISSING)


def unit_state(properties: Mapping[str, str], *, cgroups: Path = _CGROUPS) -> UnitState:
    """The state that these properties tell of. `cgroups` is where the control groups are mounted."""
    load = properties.get("LoadState", "")
    if load in _MISSING:
        said = properties.get("LoadError", "").strip('" ')
        return UnitState(presence=Presence.MISSING, detail=_MISSING[load] + (f" ({said})" if said else ""))
    presence = _PRESENCE.get(properties.get("ActiveState", ""), Presence.UNKNOWN)
    return UnitState(
        presence=presence,
        detail=_detail(presence, properties),
        identity=properties.get("InvocationID", ""),
        memory_bytes=_memory_bytes(properties, cgroups),
    )


def _detail(presence: Presence, properties: Mapping[str, str]) -> str:
    active, sub = properties.get("ActiveState", ""), properties.get("SubState", "")
    if presence is Presence.FAILED:
        return f"the unit failed: {properties.get('Result') or sub}"
    return f"{active} ({sub})" if active not in ("active", "inactive") and active else ""


def _memory_bytes(properties: Mapping[str, str], cgroups: Path) -> int | None:
    """What the unit holds, without page cache that the kernel can take back at once."""
    written = properties.get("MemoryCurrent", "")
    if not written.isdigit() or int(written) == _NOT_MEASURED:
        return None
    return max(0, int(written) - _reclaimable_bytes(cgroups, properties.get("ControlGroup", "")))


def _reclaimable_bytes(cgroups: Path, group: str) -> int:
    folders = (cgroups, cgroups / "memory") if group else ()  # cgroup v2, v1
    for folder in folders:
        with suppress(OSError, ValueError):
            for line in (folder / group.lstrip("/") / "memory.stat").read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "inactive_file":
                    return int(value)
    return 0

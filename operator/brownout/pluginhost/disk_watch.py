"""A look at the data folders of all running plugins: whose takes more than it may is ended, and the reason says so.

The kernel holds each file to the limit (RLIMIT_FSIZE) and knows none for a folder. Whoever was ended must be able
to clean up by itself: its next run has a while for that, as long as the folder does not grow. Where three runs in a row
did not manage, the next begins when its owner has made room.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brownout.api.quantities import format_quantity
from brownout.pluginhost.folder_size import FolderSize, Uncountable
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess

__all__ = ["CLEANING_S", "TRIES", "DiskWatch"]

#: How long a run may stay over its limit after one that was ended for it. Under a minute: it must not count as a good
#: run (`backoff.HEALTHY_AFTER_S`), so that the next one waits longer.
CLEANING_S: Final = 30.0
#: So many runs in a row are ended for it until the next is refused.
TRIES: Final = 3


_EVERYTHING_BYTES: Final = 2**63


@dataclass(slots=True)
class _Place:
    """One folder: its count, and who is there since when.

    `ended`: runs in a row that were ended for it; `took_bytes`: what it took at the last of them; `doomed`: that run.
    """

    size: FolderSize
    ended: int = 0
    took_bytes: int = 0
    doomed: frozenset[str] = frozenset()
    since: dict[str, float] = field(default_factory=dict)


class DiskWatch:
    """`running` gives what is there now. Blocking work is done in threads, one folder after the other."""

    def __init__(self, running: Callable[[], Iterable[PluginProcess]]) -> None:
        self._running = running
        self._places: dict[Path, _Place] = {}

    async def look(self) -> None:
        """Look at each folder once. Raises OSError for a disk that cannot be read."""
        folders: dict[Path, list[PluginProcess]] = {}
        for process in self._running():
            if process.identity:
                folders.setdefault(process.launch.folder, []).append(process)
        for folder in self._places.keys() - folders.keys():
            self._rest(folder)
        for folder, processes in folders.items():
            await self._look_at(self._place(folder), processes)

    async def refusal(self, launch: PluginLaunch) -> str:
        """Why no further run may begin, in a sentence; empty where one may."""
        place = self._places.get(launch.folder)
        if place is None or place.ended < TRIES:
            return ""
        why = await _over(FolderSize(launch.folder).total, launch.limits.disk)
        if why:
            return f"{why}; it starts when somebody has made room there"
        place.ended = 0
        return ""

    def _place(self, folder: Path) -> _Place:
        return self._places.setdefault(folder, _Place(FolderSize(folder)))

    def _rest(self, folder: Path) -> None:
        """Nobody runs there: what is remembered is only that its plugin has to clean up."""
        place = self._places[folder]
        place.size.close()
        if not place.ended:
            del self._places[folder]

    async def _look_at(self, place: _Place, processes: list[PluginProcess]) -> None:
        now = asyncio.get_running_loop().time()
        place.since = {each.identity: place.since.get(each.identity, now) for each in processes}
        if not place.doomed.isdisjoint(place.since):
            return  # it is on its way out
        limit_bytes = min(process.launch.limits.disk for process in processes)
        cleaning = place.ended > 0 and now - min(place.since.values()) < CLEANING_S
        why = await _over(place.size.look, limit_bytes)
        if why is None:
            return
        if not why:
            place.ended = 0
        elif not cleaning or await _takes(place) > place.took_bytes:
            await self._end(place, processes, why)

    async def _end(self, place: _Place, processes: list[PluginProcess], why: str) -> None:
        for process in processes:
            process.condemn(why)
        place.ended, place.doomed = place.ended + 1, frozenset(place.since)
        place.took_bytes = await _takes(place)


async def _over(count: Callable[[int], int | None], limit_bytes: int) -> str | None:
    """Why it is too much, in a sentence; empty where it is not, None where nobody knows yet."""
    try:
        taken_bytes = await asyncio.to_thread(count, limit_bytes)
    except Uncountable as uncountable:
        return f"it {uncountable}"
    if taken_bytes is None:
        return None
    limit = format_quantity(limit_bytes)
    return f"its data folder takes more than the {limit} that it may" if taken_bytes > limit_bytes else ""


async def _takes(place: _Place) -> int:
    """What the folder takes in all; of one that cannot be counted, nothing that could grow."""
    try:
        return await asyncio.to_thread(place.size.total, _EVERYTHING_BYTES)
    except Uncountable:
        return 0

"""The home of a single box: a directory of YAML files that declare, and a state folder of YAML files that tell.

Nothing that happens to a file or to the directory switches anything off, except that a file is in order and says
so, or is deleted from a directory that is still there. A broken file, a directory that is gone or unmounted, a disk
that hangs: what was good last stands, also after a restart.
"""

import asyncio
import os
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.errors import HomeUnavailable
from brownout.engine.ports import Inventory
from brownout.local.census import OnFault
from brownout.local.folder import Folder
from brownout.local.lane import Lane
from brownout.local.reading import Reading
from brownout.local.remembering import recall, record
from brownout.local.settling import settled, unsettled
from brownout.local.shelf import Changes, Shelf, place_of
from brownout.local.status import StatusFiles, read_statuses
from brownout.local.watching import Watching

__all__ = ["LocalHome"]

#: Between two looks that must agree before a change is believed; and how many looks a file that never rests is given.
_SETTLE_S: Final = 0.15
_MOST_LOOKS: Final = 40
#: A glance sees whether it is still the same folder; a look reads every file.
_GLANCE_S: Final = 1.0
_LOOK_S: Final = 30.0
_LOOK_UNWATCHED_S: Final = 2.0
#: How long a disk may take for a look, for a status, and for one file just before acting.
_READ_S: Final = 10.0
_PARSE_S: Final = 120.0
_WRITE_S: Final = 5.0
_REREAD_S: Final = 1.0


class LocalHome:
    """Implements Home on a directory. First `load`, then `run` as a task beside the engine, at the end `close`.

    `node` is this machine's name; without one its host name, in small letters as Kubernetes names nodes. `sources` is
    where what integrations run is written by hand (the plugins' folder): that it changes is told too.
    """

    def __init__(
        self,
        directory: Path,
        state: Path,
        *,
        on_fault: OnFault,
        node: str = "",
        sources: Path | None = None,
    ) -> None:
        self._sources = os.path.realpath(sources) if sources is not None else ""
        self._folder = Folder(directory, without=state)
        self._state = state
        self._on_fault = on_fault
        self._memory = recall(state, self._folder.path)
        self._shelf = Shelf(self._memory.good, node=node or os.uname().nodename.lower())
        self._identity: tuple[int, int] | None = None
        self._statuses = StatusFiles(state)
        self._faults: dict[str, str] = {}
        self._news = asyncio.Event()
        self._reads = Lane(f"the directory {directory}")
        self._writes = Lane(f"the state folder {state}")

    # --- the port ------------------------------------------------------------------------------------------------

    def inventory(self) -> Inventory:
        """What is declared, from memory."""
        return self._shelf.inventory

    async def changed(self) -> None:
        """Return once something has changed since the last return, or what integrations run may have."""
        await self._news.wait()
        self._news.clear()

    async def current(self, key: str) -> Integration | None:
        """The integration as its file says now; None when it is gone. The known one while the disk does not answer."""
        known = self._shelf.inventory.integrations.get(key)
        if known is None or "directory" in self._faults:
            return known
        try:
            changes = await self._reads.run(lambda: self._reread(place_of(known)), within_s=_REREAD_S)
        except (HomeUnavailable, OSError):
            return known
        return self._shelf.look(changes, key)

    async def write_status(self, key: str, status: IntegrationStatus) -> bool:
        """Replace the integration's status file. True for one that is no longer declared: there is nothing to write."""
        if key not in self._shelf.inventory.integrations:
            return True
        updated = self._shelf.remember(key, status)
        return await self._write(lambda: self._statuses.write(updated))

    async def write_policy_status(self, status: PolicyStatus) -> bool:
        """Replace the policy's status file."""
        updated = self._shelf.remember_policy(status)
        return await self._write(lambda: self._statuses.write_policy(updated))

    async def announce(self, key: str, reason: str, message: str, *, warning: bool) -> None:
        """Nothing to do on a box: the status and the log say it."""

    def may_act(self, key: str) -> bool:
        """Whether it runs on this machine; the lock on the state folder keeps other controllers away."""
        return key not in self._shelf.inventory.foreign

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the directory or the state folder."""
        return tuple(self._faults.values())

    # --- reading -------------------------------------------------------------------------------------------------

    def load(self) -> Inventory:
        """The first reading, before anything else; blocks on the disk.

        Raises InvalidInput when the directory cannot be trusted, HomeUnavailable when there is none and none is
        remembered.
        """
        if caution := self._folder.examine():
            self._on_fault("home", caution)
        self._identity = self._memory.identity
        self._shelf.seed()
        try:
            reading = self._folder.read()
        except HomeUnavailable as error:
            if self._shelf.empty:
                raise
            self._away(str(error))
        else:
            if not self._looks_unmounted(reading):
                paths = {*self._shelf.digests, *reading.digests}
                self._shelf.accept(self._shelf.parse(reading.files, paths))
                self._tidy(reading)
        return self._shelf.inventory

    async def run(self) -> None:
        """Follow the directory until cancelled."""
        loop = asyncio.get_running_loop()
        watching = Watching(
            self._folder.without, on_fault=lambda why: self._on_fault("home", why), sources=self._sources
        )
        watched: tuple[int, int] | None = None
        looked_at, told = loop.time(), False
        try:
            while True:
                stands = await self._identify()
                if moved := stands is not None and stands != watched:
                    await watching.restart(self._folder.real)
                watched = stands
                every_s = _LOOK_S if watching.works else _LOOK_UNWATCHED_S
                if moved or told or loop.time() - looked_at >= every_s:
                    await self._refresh()
                    looked_at = loop.time()
                told = await watching.change(timeout_s=_GLANCE_S)
                if watching.sources_changed():
                    self._news.set()
        finally:
            await watching.close()

    async def close(self) -> None:
        """Let go of the threads."""
        self._reads.close()
        self._writes.close()

    async def _refresh(self) -> None:
        """Take in what has changed, once it has come to rest."""
        earlier = await self._read()
        for _ in range(_MOST_LOOKS):
            if earlier is None or earlier.digests == self._shelf.digests:
                return
            await asyncio.sleep(_SETTLE_S)
            later = await self._read()
            if later is None:
                return
            await self._accept(later, settled(self._shelf.digests, earlier.digests, later.digests))
            if not unsettled(earlier.digests, later.digests):
                return
            earlier = later

    async def _accept(self, reading: Reading, paths: frozenset[str]) -> None:
        before = self._shelf.inventory
        # Parsed in the thread: 500 files take a second, in which the sentinel must not sleep.
        changes = await self._reads.run(lambda: self._shelf.parse(reading.files, paths), within_s=_PARSE_S)
        if self._shelf.accept(changes):
            self._news.set()
        gone = before.integrations.keys() - self._shelf.inventory.integrations.keys()
        if gone or reading.identity != self._identity:
            await self._write(lambda: self._record(reading, gone=gone))

    def _reread(self, path: str) -> Changes:
        file = self._folder.reread(path)
        return self._shelf.parse((file,) if file else (), {path})

    async def _read(self) -> Reading | None:
        """Everything as it lies there now; None while the directory is away."""
        try:
            reading = await self._reads.run(self._folder.read, within_s=_READ_S)
        except HomeUnavailable as error:
            self._away(str(error))
            return None
        if self._looks_unmounted(reading):
            return None
        self._faults.pop("directory", None)
        return reading

    async def _identify(self) -> tuple[int, int] | None:
        """Which folder stands at the path; None when there is none, or nobody can tell."""
        try:
            identity = await self._reads.run(self._folder.identify, within_s=_READ_S)
        except HomeUnavailable as error:
            self._away(str(error))
            return None
        if identity is None:
            self._away(f"the directory {self._folder.shown} is gone; what it declared last goes on")
        return identity

    def _looks_unmounted(self, reading: Reading) -> bool:
        """An empty folder that is another one than before: what is left at the path when a disk is unmounted."""
        unmounted = not reading.files and not self._shelf.empty and reading.identity != self._identity
        if unmounted:
            self._away(f"{self._folder.shown} is another folder than before, and empty, as when a disk is not mounted")
        return unmounted

    def _away(self, why: str) -> None:
        if self._faults.get("directory") != why:
            self._on_fault("home", why)
        self._faults["directory"] = why

    # --- writing -------------------------------------------------------------------------------------------------

    async def _write(self, work: Callable[[], None]) -> bool:
        """Do something in the state folder; False when it could not be done, and then the faults say why."""
        try:
            await self._writes.run(work, within_s=_WRITE_S)
        except (HomeUnavailable, OSError) as error:
            self._unwritable(error)
            return False
        self._faults.pop("state", None)
        return True

    def _tidy(self, reading: Reading) -> None:
        """At the start: what the state folder tells of other integrations than these is of the past."""
        try:
            gone = read_statuses(self._state).keys() - self._shelf.inventory.integrations.keys()
            self._record(reading, gone=gone)
        except OSError as error:
            self._unwritable(error)

    def _record(self, reading: Reading, *, gone: AbstractSet[str]) -> None:
        for name in gone:
            self._statuses.remove(name)
        if reading.identity != self._identity:
            record(self._state, self._folder.path, reading.identity)
            self._identity = reading.identity

    def _unwritable(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        why = f"the state folder {self._state} cannot be written: {reason}"
        if self._faults.get("state") != why:
            self._on_fault("home", why)
        self._faults["state"] = why

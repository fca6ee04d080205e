"""Plugins, for homes that may have some: nothing of them is imported before an integration declares one.

The plugin host with its models takes 3 MB that most boxes do not need.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from brownout.api.integration import Integration, Level
from brownout.api.policy import Scope
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.core.health import Checked
from brownout.core.member import Observation
from brownout.engine.admission import Admission
from brownout.engine.circuits import Circuits
from brownout.engine.ports import Outcome
from brownout.engine.request_counts import RequestCounts
from brownout.engine.secrecy import Secrecy
from brownout.engine.usage_counts import UsageCounts
from brownout.processes.backoff import circuit_wait_s
from brownout.sensing.memory import MemoryReader, Unreadable
from brownout.sensing.processes import ProcTable
from brownout.telemetry.logs import event

if TYPE_CHECKING:
    from brownout.pluginhost.catalog import Catalog
    from brownout.pluginhost.driver import PluginDriver

__all__ = ["Heard", "Plugins"]

_LOG = logging.getLogger("brownout.plugins")
_SEVERITIES: Final = {"debug": logging.DEBUG, "warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Who hears of requests to plugins, of what they used, and of what their configs may show; who says whether they
    may be asked, and whether one that sleeps may start.
    """

    requests: RequestCounts = field(default_factory=RequestCounts)
    usage: UsageCounts = field(default_factory=UsageCounts)
    circuits: Circuits = field(default_factory=lambda: Circuits(circuit_wait_s))
    admission: Admission = field(default_factory=Admission)
    secrecy: Secrecy = field(default_factory=Secrecy)


@dataclass(slots=True)
class Plugins:
    """A WorkloadDriver that becomes one when it is first asked; and Manifests, what its plugins say of themselves.

    `folders` are where plugins lie, best first. `always`: only what is on the list of hashes runs, also where there is
    no list, and no integration can give a plugin more of the machine. `key_of` is how the home calls an integration.
    """

    state: Path
    folders: tuple[Path, ...]
    clock: SteadyClock
    faults: FaultLine
    heard: Heard
    always: bool = False
    key_of: Callable[[Integration], str] = lambda integration: integration.metadata.name
    _driver: "PluginDriver | None" = field(default=None, init=False)
    _catalog: "Catalog | None" = field(default=None, init=False)
    _levels: dict[str, tuple[Level, ...]] = field(default_factory=dict, init=False)
    _reading: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def recover(self) -> None:
        """End what outlived a controller that was killed; a worker dies with it, but not all that it started may."""
        if await asyncio.to_thread(self._left):
            await self._awake().recover()

    def _left(self) -> bool:
        return bool(ProcTable().marked("BROWNOUT_PLUGIN_HOST", os.path.realpath(self.state)))

    async def observe(self, integration: Integration) -> Observation:
        """What the plugin is doing now."""
        return await self._awake().observe(integration)

    async def check(self, integration: Integration) -> Checked:
        """What the plugin's own health_check says."""
        return await self._awake().check(integration)

    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:
        """Bring it up at a level, or move it there."""
        return await self._awake().start(integration, level, replicas=replicas)

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Let it finish what is in hand, then end it."""
        return await self._awake().stop(integration, grace_s=grace_s)

    async def forget(self, key: str) -> None:
        """End what is no longer declared."""
        if self._driver is not None:
            await self._driver.forget(key)

    async def close(self) -> None:
        """End all of them."""
        if self._reading is not None:
            self._reading.cancel()
        if self._driver is not None:
            await self._driver.close()

    async def hurry(self) -> None:
        """End all of them at once."""
        if self._driver is not None:
            await self._driver.hurry()

    # --- what they say of themselves -------------------------------------------------------------------------------

    async def read(self, plugins: Collection[str]) -> None:
        """Look again at the manifests of these. Of a disk that hangs one reading waits, and no second one begins."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(tuple(plugins)), name="read manifests")
        await asyncio.shield(self._reading)

    async def _read(self, plugins: tuple[str, ...]) -> None:
        from brownout.pluginhost.configuring import levels_of  # noqa: PLC0415 - see the module's docstring

        for name in plugins:
            found = await asyncio.to_thread(self._plugins().plugin, name)
            if not isinstance(found, str):
                self._levels[name] = levels_of(found.manifest)

    def levels(self, plugin: str) -> tuple[Level, ...] | None:
        """The levels of a plugin that may run, as it was last read."""
        return self._levels.get(plugin)

    def _plugins(self) -> "Catalog":
        if self._catalog is None:
            from brownout.pluginhost.catalog import Catalog  # noqa: PLC0415 - see the module's docstring

            self._catalog = Catalog(self.folders, self.state, always=self.always)
        return self._catalog

    def _awake(self) -> "PluginDriver":
        if self._driver is None:
            self._driver = self._made()
        return self._driver

    def _made(self) -> "PluginDriver":
        from brownout.pluginhost.driver import PluginDriver  # noqa: PLC0415 - see the module's docstring
        from brownout.pluginhost.host import Place, PluginHost  # noqa: PLC0415

        catalog = self._plugins()
        place = Place(
            state=self.state,
            table=ProcTable(),
            clock=self.clock,
            on_fault=self.faults,
            on_note=_noted,
            circuits=self.heard.circuits,
            refusal=self.heard.admission.refusal,
            free_bytes=_free(MemoryReader()),
            untrusted=catalog.untrusted,
            secrecy=self.heard.secrecy,
            on_usage=lambda key, tokens, call: self.heard.usage.count(key, tokens=tokens, api_calls=int(call)),
        )
        host, data = PluginHost(place, self.heard.requests), self.state / "plugins"
        return PluginDriver(host, catalog.plugin, data=data, key_of=self.key_of, grants=not self.always)


def _free(memory: MemoryReader) -> Callable[[], int | None]:
    """How much memory is left, of the machine or of the group that we live in."""

    def free_bytes() -> int | None:
        found = memory.read(scope=Scope.AUTO, budget_bytes=None)
        return None if isinstance(found, Unreadable) else max(0, found.limit_bytes - found.used_bytes)

    return free_bytes


def _noted(key: str, severity: str, message: str) -> None:
    """A line that a plugin logs."""
    event(_LOG, _SEVERITIES.get(severity, logging.INFO), "plugin", integration=key, said=message)

"""What plugins say of themselves before they run, as far as planning rests on it: their levels of quality.

Where an Integration leaves `spec.levels` out, the levels of its plugin are its ladder. They are read before each tick,
and filled in wherever the engine looks at what is declared; the object itself stays as its owner wrote it.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Protocol

from brownout.api.integration import Integration, Level
from brownout.core.ladder import remembered_levels, with_levels
from brownout.engine.ports import Inventory

__all__ = ["Ladders", "Manifests", "NoManifests"]

#: As for whatever is observed: what does not answer by then is as it was known.
PATIENCE_S: Final = 5.0


class Manifests(Protocol):
    """What the manifests of plugins say. Only of those that may run."""

    async def read(self, plugins: Collection[str]) -> None:
        """Look at these again. One that cannot be read, or may not run, stays as it was known; never raises for it."""
        ...

    def levels(self, plugin: str) -> tuple[Level, ...] | None:
        """Its levels, best first, from memory; None where they were never known. Their config is the plugin's own."""
        ...


class NoManifests:
    """For a home without plugins."""

    async def read(self, plugins: Collection[str]) -> None:
        """There is nothing to read."""

    def levels(self, plugin: str) -> tuple[Level, ...] | None:  # noqa: ARG002 - of the port
        """Nothing is known."""
        return None


class Ladders:
    """Fills in the levels that an owner left to a plugin. Made for one controller; answers from memory."""

    def __init__(self, manifests: Manifests | None = None) -> None:
        self._manifests: Manifests = manifests or NoManifests()
        self._declared: Inventory | None = None
        self._left: Mapping[str, str] = {}
        self._known: Mapping[str, tuple[Level, ...] | None] = {}
        self._filled = Inventory()

    async def learn(self, declared: Inventory) -> None:
        """Look again at the plugins whose levels are asked for. Bounded in time."""
        plugins = frozenset(_left_to_plugins(declared).values())
        if not plugins:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._manifests.read(plugins)
        except TimeoutError:
            return

    def filled(self, declared: Inventory) -> Inventory:
        """What is declared, with the ladders of plugins where their owners left that open."""
        if declared is not self._declared:
            self._declared, self._left, self._known = declared, _left_to_plugins(declared), {}
        if not self._left:
            return declared
        known = {plugin: self._manifests.levels(plugin) for plugin in self._left.values()}
        if known != self._known:
            self._known, self._filled = known, self._fill(declared, known)
        return self._filled

    def _fill(self, declared: Inventory, known: Mapping[str, tuple[Level, ...] | None]) -> Inventory:
        filled = {key: _ladder(declared.integrations[key], known[plugin]) for key, plugin in self._left.items()}
        return replace(declared, integrations=MappingProxyType({**declared.integrations, **filled}))


def _left_to_plugins(declared: Inventory) -> dict[str, str]:
    """By key, the plugin of each integration of ours that leaves its levels to it."""
    plugins = {key: one.spec.workload.plugin for key, one in declared.integrations.items() if one.spec.levels_left_out}
    return {key: plugin.name for key, plugin in plugins.items() if plugin is not None and key not in declared.foreign}


def _ladder(integration: Integration, levels: tuple[Level, ...] | None) -> Integration:
    """Where the plugin was never known, its status may remember: what was lowered before a restart stays so."""
    return with_levels(integration, remembered_levels(integration) if levels is None else levels)

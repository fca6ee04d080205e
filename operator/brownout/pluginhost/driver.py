"""The driver of plugins: what an integration declares becomes a launch, and the host runs it.

A level is the plugin's config with the level's laid over it. What runs and is not what the integration, the plugin's
folder or the list of hashes say now is outdated: it is started anew, beside the old one. What may not run any more, or
cannot be read, leaves the old one running and says so.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from brownout.api.integration import Integration, Level, Stop
from brownout.api.workload import Load
from brownout.core.health import Checked
from brownout.core.member import Observation, Presence
from brownout.disk.atomic import file_stem
from brownout.engine.ports import Outcome, OutcomeStatus
from brownout.pluginhost.checking import checked_of
from brownout.pluginhost.configuring import config_at
from brownout.pluginhost.found import Found
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.launch import PluginLaunch, launch_of
from brownout.pluginhost.needs import granting

__all__ = ["PluginDriver"]

_NOT_A_PLUGIN: Final = "the workload is not a plugin"
_NOT_HERE: Final = (
    "spec.workload.plugin.config.{name}: must not be set in a cluster: it would give the plugin more of the node than "
    "its manifest says; who runs the agent can set its default there"
)
_DEFAULT_GRACE_S: Final = Stop().grace

Find = Callable[[str], Found | str]
KeyOf = Callable[[Integration], str]


def name_of(integration: Integration) -> str:
    """What is unique on a box."""
    return integration.metadata.name


def plugin_of(integration: Integration) -> str:
    """The name of its plugin; empty where its workload is none."""
    return integration.spec.workload.plugin.name if integration.spec.workload.plugin else ""


class PluginDriver:
    """Implements WorkloadDriver for `workload.plugin`. `find` gives the plugin of a name; it blocks on the disk.

    `data` is the folder in which each plugin has one of its own; `key_of` is how the home calls an integration.
    `grants`: whether an integration's config may name ports, paths and programs that the plugin is given; not where
    others write integrations than those who run the machine.
    """

    def __init__(
        self, host: PluginHost, find: Find, *, data: Path, key_of: KeyOf = name_of, grants: bool = True
    ) -> None:
        self._key_of = key_of
        self._grants = grants
        self._host = host
        self._find = find
        self._data = data
        self._graces: dict[str, float] = {}
        self._told: dict[str, str] = {}

    async def recover(self) -> None:
        """End what an earlier host left."""
        await self._host.recover()

    async def observe(self, integration: Integration) -> Observation:
        """What the plugin is doing now."""
        key = self._key_of(integration)
        self._host.declare(key, plugin_of(integration))  # before anything is waited for: others may require it
        found = await self._found(integration)
        seen, running = self._host.presence(key), self._host.launch(key)
        if seen is None or running is None or seen.presence is Presence.STOPPED:
            return self._off(key, found)
        self._graces[key] = integration.spec.stop.grace  # it may have been edited since the start
        seen = self._host.required(key, running.found.manifest, seen)
        held_bytes = await self._host.memory_bytes(key)
        seen = replace(seen, memory_bytes=seen.memory_bytes if held_bytes is None else held_bytes)
        launches = [found] if isinstance(found, str) else list(self._launches(integration, found))
        runnable = [launch for launch in launches if isinstance(launch, PluginLaunch)]
        if not runnable:
            return self._kept(key, seen, str(launches[0]))
        self._told.pop(key, None)
        to_wake = seen.asleep and runnable[0].found.manifest.load is Load.EAGER
        if not to_wake and any(launch.spec == running.spec for launch in runnable):
            return seen
        # What failed as it was before is not tried as it is now: it is to be started.
        presence = Presence.STOPPED if seen.presence is Presence.FAILED else seen.presence
        return replace(seen, presence=presence, outdated=presence is not Presence.STOPPED)

    def _off(self, key: str, found: Found | str) -> Observation:
        """One that is off: what it waits for if it is to start, and whether that is there at all."""
        missing = found if isinstance(found, str) else self._host.unrun(key, found.manifest)
        if isinstance(found, str) or missing:
            return Observation(presence=Presence.MISSING, detail=missing)
        return self._host.required(key, found.manifest, Observation(presence=Presence.STOPPED))

    def _kept(self, key: str, seen: Observation, why: str) -> Observation:
        """What was seen, with why it is not what lies there now; said once, for nothing is tried that could fail."""
        if self._told.get(key) != why:
            self._told[key] = why
            self._host.say(key, f"it runs as before, since what is there now cannot take its place: {why}")
        return replace(seen, kept=why)

    async def check(self, integration: Integration) -> Checked:
        """What the plugin's own health_check says."""
        key, within_s = self._key_of(integration), integration.spec.health.timeout
        launch = self._host.launch(key)
        return checked_of(await self._host.check(key, within_s=within_s), launch.covered if launch else str)

    async def start(
        self,
        integration: Integration,
        level: Level | None,
        *,
        replicas: int | None = None,  # noqa: ARG002  # of the port; means nothing to a plugin
    ) -> Outcome:
        """Bring it up at a level, or move it there; another version takes over from the one that runs."""
        found = await self._found(integration)
        launch = found if isinstance(found, str) else self._launch(integration, found, level)
        if isinstance(launch, str):
            return Outcome(status=OutcomeStatus.FAILED, detail=launch)
        self._graces[launch.key] = integration.spec.stop.grace
        return await self._host.start(launch)

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Let it finish what is in hand, then end it with all that it started."""
        return await self._host.stop(self._key_of(integration), grace_s=grace_s)

    async def forget(self, key: str) -> None:
        """End what is no longer declared, and delete its output; its data folder stays, for it may come back."""
        self._told.pop(key, None)
        await self._host.forget(key, grace_s=self._graces.pop(key, _DEFAULT_GRACE_S))

    async def close(self) -> None:
        """End all of them, each within its own grace."""
        await self._host.close(self._graces)

    async def hurry(self) -> None:
        """End all of them at once."""
        await asyncio.gather(*(self._host.stop(key, grace_s=0.0) for key in self._graces))

    async def _found(self, integration: Integration) -> Found | str:
        plugin = integration.spec.workload.plugin
        if plugin is None:
            return _NOT_A_PLUGIN
        found = await asyncio.to_thread(self._find, plugin.name)
        if isinstance(found, Found):
            self._host.describe(self._key_of(integration), found.manifest)
        return found

    def _refusal(self, found: Found, names: AbstractSet[str]) -> str:
        """Why an integration may not set these names of a config; empty where it may."""
        asked = sorted(granting(found.manifest.needs) & names)
        return _NOT_HERE.format(name=asked[0]) if asked and not self._grants else ""

    def _launches(self, integration: Integration, found: Found) -> Iterator[PluginLaunch | str]:
        """The launch at each level: what runs may be any of them."""
        for level in integration.spec.levels or (None,):
            yield self._launch(integration, found, level)

    def _launch(self, integration: Integration, found: Found, level: Level | None) -> PluginLaunch | str:
        """The launch at a level, or what is wrong with its config."""
        declared = integration.spec.workload.plugin
        base: Mapping[str, Any] = declared.config if declared else {}
        config = config_at(found.manifest, integration, level)
        if isinstance(config, tuple):
            return "; ".join(str(problem) for problem in config)
        if refusal := self._refusal(found, {*base, *(level.config if level else {})}):
            return refusal
        if declared and declared.load:
            found = replace(found, manifest=found.manifest.model_copy(update={"load": declared.load}))
        key = self._key_of(integration)
        folder = self._data / file_stem(key)
        return launch_of(key, found, folder, level=level.name if level else "", config=config, base=base)

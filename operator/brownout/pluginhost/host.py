"""All plugins of this machine that run: requests go in here, and whatever a plugin does stays with its keeper.

Nothing is imported and no thread is started before the first plugin is.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from brownout.api.workload import Load
from brownout.core.instant import Instant
from brownout.core.member import Observation
from brownout.engine.circuits import Circuits
from brownout.engine.ports import Clock, Outcome, OutcomeStatus, ProcessId, ProcessTable
from brownout.engine.secrecy import Secrecy
from brownout.pluginhost.answers import Answer, AnswerStatus
from brownout.pluginhost.cgroup import sweep
from brownout.pluginhost.found import Found
from brownout.pluginhost.guarding import guarded
from brownout.pluginhost.keeper import Keeper
from brownout.pluginhost.launch import HOST_MARK, PluginLaunch
from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.notes import Notes
from brownout.pluginhost.process import Ears, Patience, PluginProcess
from brownout.pluginhost.requiring import Requiring
from brownout.pluginhost.setting import open_names
from brownout.pluginhost.spawning import Spawner
from brownout.pluginhost.watching import Watch
from brownout.processes.ending import Ending
from brownout.processes.logs import Logs

__all__ = ["Count", "OnFault", "Place", "PluginHost"]

OnFault = Callable[[str, str], None]
_LAST_GRACE_S: Final = 5.0


class Count(Protocol):
    """Who is told of each request that has ended: the engine's RequestCounts."""

    def count(self, key: str, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request to an integration has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where plugins live: the state folder, the processes of the machine, the time.

    `on_note` hears the lines that a plugin logs (key, severity, text), `on_usage` what it used (key, tokens, API call).
    `circuits` is asked before each request; without it every request passes. `refusal` is asked before plugins that
    sleep are woken: why they may not start now together (keys), empty where they may. `untrusted` is asked at every
    start, also of one that ended: why these very bytes may not run, empty where they may; it blocks. `free_bytes` is
    how much memory is left, None where nobody knows. `secrecy` is told what of a config may be shown.
    """

    state: Path
    table: ProcessTable
    clock: Clock
    on_fault: OnFault
    on_note: Callable[[str, str, str], None] = lambda *_: None
    on_usage: Callable[[str, int, bool], None] = lambda *_: None
    circuits: Circuits | None = None
    refusal: Callable[[Sequence[str]], str] = lambda _: ""
    untrusted: Callable[[Found], str] = lambda _: ""
    free_bytes: Callable[[], int | None] = lambda: None
    secrecy: Secrecy = field(default_factory=Secrecy)


class PluginHost:
    """Starts, asks and ends plugins, each by the key of its integration. Made on the loop that it is used on."""

    def __init__(self, place: Place, counts: Count, *, patience: Patience | None = None) -> None:
        self._place = place
        self._counts = counts
        self._patience = patience or Patience()
        self._host = os.path.realpath(place.state)
        self._logs = Logs(Path(self._host) / "logs", clock=place.clock, on_fault=place.on_fault)
        self._spawner = Spawner(place.table, self._logs, self._host, untrusted=place.untrusted)
        self._notes = Notes(place.on_note)
        self._keepers: dict[str, Keeper] = {}
        self._requiring = Requiring(self._keepers, place.refusal)
        self._watch = Watch(self._running, lambda why: place.on_fault("plugins", why))
        self._swept = asyncio.Lock()
        self._clean = False

    # --- requests --------------------------------------------------------------------------------------------------

    async def request(self, key: str, request: Mapping[str, Any]) -> Answer:
        """Ask a plugin; `request` has the fields of `brownout.plugin.Request`. Never raises for what a plugin does."""
        keeper = self._keepers.get(key)
        if keeper is None:
            return Answer(status=AnswerStatus.UNAVAILABLE, detail="it is off")
        began = self._place.clock.now()
        answer = await guarded(self._place.circuits, self._place.clock, key, self._asked(keeper, request))
        now = self._place.clock.now()
        if answer.status not in (AnswerStatus.UNAVAILABLE, AnswerStatus.TOO_LARGE):
            self._counts.count(key, now, response_ms=(now - began) * 1000.0, failed=not answer.taken)
        return answer

    async def _asked(self, keeper: Keeper, request: Mapping[str, Any]) -> Answer:
        """The answer of one that may be asked; one that sleeps is woken where it, and what it requires, may start."""
        if keeper.asleep and keeper.launch and (why := self._requiring.admitted(keeper.launch, itself=True)):
            if not keeper.refused:
                self.say(keeper.launch.key, f"a first request did not start it: {why}")
            keeper.refused = keeper.refused or why
            return Answer(status=AnswerStatus.UNAVAILABLE, detail=f"it is not started now: {why}")
        return await keeper.request(request)

    async def check(self, key: str, *, within_s: float) -> Answer:
        """Ask a plugin for its health; the body has the fields of `brownout.plugin.Health`."""
        keeper = self._keepers.get(key)
        if keeper is None:
            return Answer(status=AnswerStatus.UNAVAILABLE, detail="it is off")
        return await keeper.call("health_check", within_s=within_s)

    # --- up and down -----------------------------------------------------------------------------------------------

    async def start(self, launch: PluginLaunch) -> Outcome:
        """Bring a plugin up, or move it to where the launch says."""
        await self.recover()
        self.declare(launch.key, launch.found.name)
        keeper = self._keeper(launch.key)
        awakened = keeper.asleep and launch.found.manifest.load is Load.EAGER  # its owner wants it loaded at once now
        if awakened and (why := self._place.refusal((launch.key,))):
            return Outcome(status=OutcomeStatus.FAILED, detail=f"it is not started now: {why}")
        return await keeper.start(launch)

    async def stop(self, key: str, *, grace_s: float) -> Outcome:
        """End a plugin with all that it started."""
        if key not in self._keepers:
            return Outcome(status=OutcomeStatus.DONE, detail="it was not running")
        return await self._keepers[key].stop(grace_s)

    async def forget(self, key: str, *, grace_s: float) -> None:
        """End it, and keep nothing of it but its data folder."""
        self._requiring.forget(key)
        await self.stop(key, grace_s=grace_s)
        if key in self._keepers and not self._keepers[key].idle:
            return  # it was declared anew meanwhile
        self._keepers.pop(key, None)
        self._notes.forget(key)
        self._place.secrecy.forget(key)
        await asyncio.to_thread(self._logs.drop, f"plugin-{key}")

    async def close(self, graces: Mapping[str, float] | None = None) -> None:
        """End all of them, side by side, each within its own grace, or a few seconds."""
        self._watch.close()
        named = graces or {}
        stops = (keeper.stop(named.get(key, _LAST_GRACE_S)) for key, keeper in self._keepers.items())
        await asyncio.gather(*stops)
        self._spawner.close()
        await asyncio.to_thread(self._logs.close)

    # --- what they require of each other ---------------------------------------------------------------------------

    def declare(self, key: str, plugin: str) -> None:
        """Say which plugin an integration runs, also one that is not started: others may require it."""
        self._requiring.declare(key, plugin)

    def describe(self, key: str, manifest: Manifest) -> None:
        """Say what the manifest of an integration's plugin is now: it knows what of the config may be shown."""
        self._place.secrecy.disclose(key, open_names(manifest.config))

    def required(self, key: str, manifest: Manifest, seen: Observation) -> Observation:
        """What was seen, with what the plugin requires and what of that is not up."""
        if not manifest.requires:
            return seen
        needs, lacking = self._requiring.needs(key, manifest), self._requiring.lacking(key, manifest)
        return replace(seen, requires=needs, lacking=lacking)

    def unrun(self, key: str, manifest: Manifest) -> str:
        """Which plugins it requires that no integration runs, in words; empty where each has one."""
        return self._requiring.unrun(key, manifest)

    # --- what is seen ----------------------------------------------------------------------------------------------

    def launch(self, key: str) -> PluginLaunch | None:
        """What was started last for a key; None where nothing was."""
        return self._keepers[key].launch if key in self._keepers else None

    def say(self, key: str, why: str) -> None:
        """Tell that something is wrong with a plugin that no process of it can tell."""
        self._place.on_fault("plugins", f"{key}: {why}")

    def presence(self, key: str) -> Observation | None:
        """What a plugin is doing, without its memory; None where it was never started."""
        return self._keepers[key].presence() if key in self._keepers else None

    async def memory_bytes(self, key: str) -> int | None:
        """What all processes of a plugin hold; None where it has none or cannot be measured."""
        running = self._keepers[key].processes if key in self._keepers else ()
        held = await asyncio.gather(*(process.memory_bytes() for process in running))
        known = [each for each in held if each is not None]
        return sum(known) if known else None

    def _running(self) -> list[PluginProcess]:
        return [process for keeper in self._keepers.values() for process in keeper.processes]

    def _keeper(self, key: str) -> Keeper:
        if key not in self._keepers:
            self._keepers[key] = Keeper(
                self._make,
                on_fault=partial(self.say, key),
                free_bytes=self._place.free_bytes,
                ready=self._ready,
            )
            self._watch.begin()
        return self._keepers[key]

    async def _ready(self, launch: PluginLaunch) -> str:
        """Why a run cannot begin now, in a sentence; waits for what it requires."""
        return await self._requiring.ready(launch) or await self._watch.refusal(launch)

    def _make(self, launch: PluginLaunch) -> PluginProcess:
        ears = Ears(
            on_note=lambda *note: self._notes.hear(launch.key, *note, now=self._place.clock.now()),
            on_usage=lambda tokens, api_call: self._place.on_usage(launch.key, tokens, api_call),
        )
        return PluginProcess(launch, self._spawner, self._place.table, patience=self._patience, ears=ears)

    # --- what an earlier host left ---------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Once, before the first start: end what outlived a host that was killed. Nobody can ask it any more."""
        async with self._swept:
            if not self._clean:
                await Ending(self._left, self._lives, grace_s=0.0).run()
                await asyncio.to_thread(sweep)
            self._clean = True

    async def _left(self) -> tuple[ProcessId, ...]:
        table = self._place.table
        return await asyncio.to_thread(lambda: table.tree(sorted(table.marked(HOST_MARK, self._host))))

    def _lives(self, process: ProcessId) -> bool:
        return self._place.table.identify(process.pid) == process

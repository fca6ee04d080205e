"""The driver of programs on a box: starts them, watches them, ends them with all that they started.

It holds no file about what runs. Every child bears marks in its environment (see `launch`), so after a crash of the
controller the kernel itself says what runs, of which integration, and as which spec: the same one is adopted,
anything else is ended, and nothing is started before that look. So there is no moment at which a kill of the
controller leaves a twin or an orphan.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from signal import Signals
from typing import Final

from brownout.api.integration import Integration, Level, Stop
from brownout.core.health import Answer, Checked
from brownout.core.member import Observation, Presence
from brownout.engine.ports import Clock, Outcome, OutcomeStatus, ProcessId, ProcessTable
from brownout.local.census import Census, OnFault
from brownout.local.launch import LEVEL_MARK, SPEC_MARK, Launch, launch_of, launches_of
from brownout.local.levels import LevelFiles
from brownout.local.spawning import Spawner
from brownout.local.supervisor import Supervisor
from brownout.processes.logs import Logs
from brownout.processes.orphans import Orphans, become_subreaper

__all__ = ["CommandDriver"]

_BURY_EVERY_S: Final = 10.0
#: For what was found but is no longer declared, so that nothing says how long it may take.
_DEFAULT_GRACE_S: Final = Stop().grace
_NOT_A_COMMAND: Final = "the workload is not a command"

Found = Mapping[ProcessId, Mapping[str, str]]


class CommandDriver:
    """Implements WorkloadDriver for `workload.command`. Made on the event loop that it is used on.

    `state` is the state folder, `directory` the watched one, where relative folders start. A `rehearsal` ends nothing
    when it closes: all that it can know of was left by a controller that was killed.
    """

    def __init__(
        self,
        state: Path,
        processes: ProcessTable,
        *,
        directory: Path,
        clock: Clock,
        on_fault: OnFault,
        rehearsal: bool = False,
    ) -> None:
        self._rehearsal = rehearsal
        real = os.path.realpath(state)
        self._directory = Path(os.path.realpath(directory))
        self._clock = clock
        self._on_fault = on_fault
        self._census = Census(processes, real, clock=clock, on_fault=on_fault)
        self._levels = LevelFiles(Path(real))
        self._logs = Logs(Path(real) / "logs", clock=clock, on_fault=on_fault)
        self._spawner = Spawner(processes, self._logs, real)
        self._supervisors: dict[str, Supervisor] = {}
        self._found: dict[str, Found] | None = None
        self._looking = asyncio.Lock()
        self._orphans = Orphans()
        self._buried_at = clock.now()
        self._background: set[asyncio.Task[Outcome]] = set()
        try:
            become_subreaper()
        except OSError as error:
            on_fault("command", str(error))

    async def recover(self, declared: Mapping[str, Integration]) -> None:
        """Adopt what an earlier controller started and is still declared so; begin to end the rest of it.

        Called once at the start with everything that is declared. Without it, nothing is ended that nobody asks to end.
        """
        for key in await self._look():
            integration = declared.get(key)
            if integration is None:
                self._end_soon(key, _DEFAULT_GRACE_S)
            elif not await self._claim(key, integration):
                self._end_soon(key, integration.spec.stop.grace)

    async def observe(self, integration: Integration) -> Observation:
        """What the program is doing now. Unknown while nobody can tell what an earlier controller left."""
        key = integration.metadata.name
        if launch_of(key, integration, None, self._directory) is None:
            return Observation(presence=Presence.MISSING, detail=_NOT_A_COMMAND)
        try:
            await self._claim(key, integration)
        except OSError as error:
            return Observation(presence=Presence.UNKNOWN, detail=f"cannot look for its processes: {error}")
        self._bury_soon()
        memory_bytes = await self._census.memory_bytes(key)
        supervisor = self._supervisor(key)
        seen = replace(_with_memory(supervisor.presence(), memory_bytes), level=supervisor.level)
        if supervisor.runs(launches_of(key, integration, self._directory)):
            return seen
        # What failed as it was declared before is not tried as it is declared now: it is to be started.
        presence = Presence.STOPPED if seen.presence is Presence.FAILED else seen.presence
        return replace(seen, presence=presence, outdated=presence is not Presence.STOPPED)

    async def check(self, integration: Integration) -> Checked:
        """Whether its process lives: what health means where the spec names no probe. Looks at nothing but memory."""
        why = self._supervisor(integration.metadata.name).fault()
        return Checked(answer=Answer.FAILED if why else Answer.OK, why=why)

    async def start(
        self,
        integration: Integration,
        level: Level | None,
        *,
        replicas: int | None = None,  # noqa: ARG002  # of the port; means nothing to a program
    ) -> Outcome:
        """Bring it up at a level; what runs in another way is ended first."""
        key = integration.metadata.name
        launch = launch_of(key, integration, level, self._directory)
        if launch is None:
            return Outcome(status=OutcomeStatus.FAILED, detail=_NOT_A_COMMAND)
        try:
            await self._claim(key, integration)
        except OSError as error:
            return Outcome(status=OutcomeStatus.FAILED, detail=f"cannot look for its processes: {error}")
        (self._found or {}).pop(key, None)
        if launch.signal is not None:
            try:
                await asyncio.to_thread(self._levels.write, launch)
            except OSError as error:
                return Outcome(status=OutcomeStatus.FAILED, detail=f"its level cannot be written: {error.strerror}")
        return await self._supervisor(key).start(launch)

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """End it within `grace_s`, whoever started it. Does not wait for anything else: this is the emergency's way."""
        return await self._stop(integration.metadata.name, grace_s)

    async def forget(self, key: str) -> None:
        """End what is no longer declared, and delete its output."""
        await self._stop(key, self._grace_s(key))
        self._supervisors.pop(key, None)
        self._census.forget(key)
        await asyncio.to_thread(self._levels.drop, key)
        await asyncio.to_thread(self._logs.drop, key)

    async def close(self) -> None:
        """End everything, side by side, each within its own grace; nothing of it is left, but by a rehearsal."""
        if not self._rehearsal:
            await self._end_all()
        await asyncio.to_thread(self._logs.close)
        self._census.close()

    async def _end_all(self) -> None:
        with suppress(OSError):
            await self._look()
        keys = {*self._supervisors, *(self._found or ())}
        stops = (self._stop(key, self._grace_s(key)) for key in keys)
        for outcome in await asyncio.gather(*stops, *self._background, return_exceptions=True):
            if isinstance(outcome, BaseException):
                self._on_fault("command", f"a program could not be ended: {outcome!r}")
        await asyncio.to_thread(self._end_strays)

    # --- what an earlier controller left ---------------------------------------------------------------------------

    async def _look(self) -> tuple[str, ...]:
        """Find once what runs already; names that nobody has claimed yet. Raises OSError when that cannot be told."""
        async with self._looking:
            if self._found is None:
                self._found = dict(await self._census.groups())
            return tuple(self._found)

    async def _claim(self, key: str, integration: Integration) -> bool:
        """Adopt what was found of it if it runs as it is declared; whether nothing of another kind is left."""
        await self._look()
        found = (self._found or {}).get(key)
        if found is None:
            return True
        launch = self._same(key, integration, found)
        eldest = min(found, key=lambda one: (one.started, one.pid))
        leader = await asyncio.to_thread(self._spawner.adopt, eldest, key) if launch else None
        if launch is None or leader is None:
            return False
        if (self._found or {}).pop(key, None) is None:  # told to stop meanwhile
            os.close(leader.pidfd)
            return True
        self._supervisor(key).adopt(launch, leader)
        return True

    def _same(self, key: str, integration: Integration, found: Found) -> Launch | None:
        """The launch of which all that was found is an instance; None where it runs in another way, or in two."""
        specs = {marks.get(SPEC_MARK) for marks in found.values()}
        spec = specs.pop() if len(specs) == 1 else None
        same = [launch for launch in launches_of(key, integration, self._directory) if launch.spec == spec]
        if len(same) < 2:
            return next(iter(same), None)
        began_at = next(iter(found.values())).get(LEVEL_MARK)
        level = self._levels.read(key) or began_at
        return next((launch for launch in same if launch.level == level), same[0])

    # --- the rest --------------------------------------------------------------------------------------------------

    def _supervisor(self, key: str) -> Supervisor:
        if key not in self._supervisors:
            self._supervisors[key] = Supervisor(key, self._census, self._spawner, on_fault=self._on_fault)
        return self._supervisors[key]

    async def _stop(self, key: str, grace_s: float) -> Outcome:
        (self._found or {}).pop(key, None)
        return await self._supervisor(key).stop(grace_s)

    def _grace_s(self, key: str) -> float:
        return self._supervisor(key).grace_s or _DEFAULT_GRACE_S

    def _end_soon(self, key: str, grace_s: float) -> None:
        ending = asyncio.create_task(self._stop(key, grace_s), name=f"end {key}, left by an earlier controller")
        self._background.add(ending)
        ending.add_done_callback(self._background.discard)

    def _bury_soon(self) -> None:
        if self._clock.now() - self._buried_at >= _BURY_EVERY_S:
            self._buried_at = self._clock.now()
            asyncio.get_running_loop().run_in_executor(None, self._orphans.bury)

    def _end_strays(self) -> None:
        for pid in self._orphans.strays():
            with suppress(ProcessLookupError):
                os.kill(pid, Signals.SIGKILL)  # our own child: nobody but us frees its pid


def _with_memory(seen: Observation, memory_bytes: int | None) -> Observation:
    """What is seen, with the memory it holds. Processes that nobody supervises hold memory too."""
    if memory_bytes is not None and seen.presence is Presence.STOPPED:
        seen = replace(seen, presence=Presence.RUNNING, detail="processes of it were left behind")
    return replace(seen, memory_bytes=memory_bytes)

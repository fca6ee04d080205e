"""What a keeper holds at one moment, and what that looks like from outside. Nothing here changes anything."""

import asyncio
from dataclasses import replace
from typing import Final

from brownout.core.member import Observation, Presence
from brownout.engine.ports import Outcome
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess
from brownout.pluginhost.trouble import Trouble

__all__ = ["LATER", "Upkeep"]

LATER: Final = "it starts with its first request"
_ASLEEP: Final = Observation(presence=Presence.RUNNING, detail=LATER, identity="asleep", memory_bytes=0, asleep=True)


class Upkeep:
    """The runs of one plugin, who of them serves, whether it is wanted, and what is wrong with it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._launch: PluginLaunch | None = None
        self._serving: PluginProcess | None = None
        self._processes: set[PluginProcess] = set()
        self._trouble = Trouble()
        self.asleep = False  # wanted, and to be started with its first request
        self.refused = ""  # why a request did not wake it; the first one since it sleeps, so that a status stays quiet
        self._life: asyncio.Task[None] | None = None
        self._starts: set[asyncio.Task[Outcome]] = set()

    @property
    def launch(self) -> PluginLaunch | None:
        """What was started last; None before anything was."""
        return self._launch

    @property
    def processes(self) -> tuple[PluginProcess, ...]:
        """Every run that is there now: mostly one, two while versions are exchanged."""
        return tuple(each for each in self._processes if each.alive)

    @property
    def idle(self) -> bool:
        """Whether nothing of it is there, and nobody is starting it."""
        return not (self._life or self.asleep or self._starts or self.processes)

    @property
    def off(self) -> bool:
        """Whether nobody wants it on."""
        return self._life is None and not self.asleep

    @property
    def failed(self) -> bool:
        """Whether it ended, or did not come up, and waits for its next try."""
        return self._life is not None and self._serving is None and bool(self._trouble.why)

    def presence(self) -> Observation:
        """What it is doing, without its memory."""
        if self._serving is not None:
            detail = "stopping" if self._life is None else self._trouble.why
            return Observation(presence=Presence.RUNNING, detail=detail, identity=self._serving.identity)
        if self.asleep and not self.processes:
            return replace(_ASLEEP, detail=f"{LATER}; one was refused: {self.refused}") if self.refused else _ASLEEP
        if self._life is None:
            stopping = Observation(presence=Presence.RUNNING, detail="stopping")
            return stopping if self.processes else Observation(presence=Presence.STOPPED)
        if self._trouble.why and not self.processes:
            return Observation(presence=Presence.FAILED, detail=self._troubled())
        return Observation(presence=Presence.STARTING, detail=self._trouble.why)

    def _unavailable(self) -> str:
        return "it is off" if self._life is None else self._troubled() if self._trouble.why else "it is starting"

    def _troubled(self) -> str:
        return self._trouble.told(self._loop.time())

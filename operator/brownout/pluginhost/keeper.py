"""One plugin kept alive: started, started again with growing patience, moved to another level or version, ended.

off ──start──▶ coming ──up──▶ serving ──ended──▶ waiting ──time──▶ coming
▲               │              │ ▲                │
└────────────── end ◀──stop────┤ └── another version or level, between two requests
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from brownout.api.workload import Load
from brownout.engine.ports import Outcome, OutcomeStatus
from brownout.pluginhost.answers import Answer, AnswerStatus
from brownout.pluginhost.gate import Entry, Gate
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess
from brownout.pluginhost.swap import Scene, exchange, move
from brownout.pluginhost.trouble import Trouble
from brownout.pluginhost.upkeep import LATER, Upkeep
from brownout.processes import backoff
from brownout.processes.ending import Ended, Manner
from brownout.processes.phrases import stop_outcome

__all__ = ["Keeper", "Make", "Ready"]

Make = Callable[[PluginLaunch], PluginProcess]
Ready = Callable[[PluginLaunch], Awaitable[str]]

_CUT_SHORT: Final = Outcome(status=OutcomeStatus.SKIPPED, detail="it was told to stop meanwhile")
_STOPPED: Final = "it was told to stop"
_ABSENT: Final = Ended(manner=Manner.ABSENT, took_s=0.0)


class Keeper(Upkeep):
    """Looks after the plugin of one integration. All methods run on the event loop.

    `ready` is waited for before a run begins: it says why that cannot be, empty where it can.
    """

    def __init__(
        self, make: Make, *, on_fault: Callable[[str], None], free_bytes: Callable[[], int | None], ready: Ready
    ) -> None:
        super().__init__()
        self._make = make
        self._ready = ready
        self._free_bytes = free_bytes
        self._on_fault = on_fault
        self._first: asyncio.Future[str] = self._loop.create_future()  # what came of the first try of this life
        self._exchanged = asyncio.Event()
        self._changing = asyncio.Lock()
        self._gate = Gate(hands=1, queue=0)
        self._gate.shut()  # until somebody serves
        self._endings: set[asyncio.Task[Ended]] = set()
        self._stops = 0  # counts calls of stop, so that a start which waited knows that it is no longer wanted

    def wake(self) -> None:
        """Start it as its first request would."""
        if self.asleep and self._launch is not None:
            self._begin(self._launch)

    async def up(self) -> str:
        """Wait until it serves, or its first try has failed; why it does not serve, empty where it does."""
        if not self.off and self._serving is None and not self._trouble.why:
            await asyncio.shield(self._first)
        return "" if self._serving is not None and not self.off else self._unavailable()

    # --- requests --------------------------------------------------------------------------------------------------

    async def request(self, request: Mapping[str, Any]) -> Answer:
        """One request, when a hand is free; and exactly one answer to it."""
        launch = self._launch
        self.wake()
        if self._life is None or launch is None or (self._serving is None and self._trouble.why):
            return Answer(status=AnswerStatus.UNAVAILABLE, detail=self._unavailable())
        entry = await self._gate.enter(within_s=launch.limits.request_timeout)
        if entry is not Entry.IN:
            return self._turned_away(entry, launch.limits.request_timeout)
        try:
            if self._serving is None:
                return Answer(status=AnswerStatus.UNAVAILABLE, detail=self._unavailable())
            return await self._serving.request(request)
        finally:
            self._gate.leave()

    async def call(self, function: str, argument: Any = None, *, within_s: float) -> Answer:
        """Call a function that belongs to its life, beside the requests: `health_check`. What sleeps is well."""
        if self.asleep:
            return Answer(status=AnswerStatus.OK, body={"ok": True})
        if self._serving is None:
            return Answer(status=AnswerStatus.UNAVAILABLE, detail=self._unavailable())
        return await self._serving.call(function, argument, within_s=within_s)

    def _turned_away(self, entry: Entry, waited_s: float) -> Answer:
        if entry is Entry.LATE and self._serving is None:
            return Answer(status=AnswerStatus.UNAVAILABLE, detail=self._unavailable())
        why = f"{self._gate.in_hand} requests are in hand and {self._gate.waiting} wait"
        late = f"no hand became free within {waited_s:g} s"
        return Answer(status=AnswerStatus.BUSY, detail=late if entry is Entry.LATE else why)

    # --- up and down -----------------------------------------------------------------------------------------------

    async def start(self, launch: PluginLaunch) -> Outcome:
        """Bring it up, or move it to where the launch says when it runs in another way."""
        starting = asyncio.ensure_future(self._start(launch, self._stops))
        self._starts.add(starting)
        starting.add_done_callback(self._starts.discard)
        # Shielded: who asked may give up waiting; a version that is half exchanged must not be left so.
        return await asyncio.shield(starting)

    async def _start(self, launch: PluginLaunch, stops: int) -> Outcome:
        async with self._changing:
            while self._endings:  # whoever starts it while it is being ended wants it afterwards
                await asyncio.wait(self._endings)
            if self._stops != stops:
                return _CUT_SHORT
            lazy = launch.found.manifest.load is Load.LAZY
            if self._launch is not None and self._launch.spec == launch.spec and (self._life or (lazy and self.asleep)):
                return self._already()
            if self._serving is not None:
                return await self._change(self._serving, launch, stops)
            await self._end(0.0)
            if self._stops == stops and lazy:
                self._launch, self._trouble, self.asleep, self.refused = launch, Trouble(), True, ""
                return Outcome(status=OutcomeStatus.DONE, detail=LATER)
            first = self._begin(launch) if self._stops == stops else None
        why = await first if first else ""
        if self._stops != stops:
            return _CUT_SHORT
        return Outcome(status=OutcomeStatus.FAILED, detail=why) if why else self._done()

    async def stop(self, grace_s: float) -> Outcome:
        """End it and all that belongs to it. While a stop is under way, a shorter grace shortens it."""
        self._stops += 1
        ending = asyncio.ensure_future(self._end(grace_s))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        # Shielded: what goes on ending when nobody waits for it any more must be seen to have ended.
        return stop_outcome(await asyncio.shield(ending), grace_s)

    def _already(self) -> Outcome:
        if self._trouble.why and self._serving is None:
            return Outcome(status=OutcomeStatus.FAILED, detail=self._troubled())
        return Outcome(status=OutcomeStatus.DONE, detail="it runs so already")

    def _done(self) -> Outcome:
        who = f" as process {self._serving.identity.partition(':')[0]}" if self._serving else ""
        return Outcome(status=OutcomeStatus.DONE, detail=f"started{who}")

    def _begin(self, launch: PluginLaunch) -> "asyncio.Future[str]":
        self._first = first = self._loop.create_future()
        self._launch, self._trouble, self.asleep, self.refused = launch, Trouble(), False, ""
        self._gate.resize(hands=launch.limits.concurrency, queue=launch.limits.queue)
        self._life = asyncio.create_task(self._live(first), name=f"keep {launch.key}")
        self._life.add_done_callback(lambda life: self._lived(life, first))
        return first

    async def _end(self, grace_s: float) -> Ended:
        life, self._life, self.asleep = self._life, None, False
        ends = [process.end(_STOPPED, grace_s=grace_s) for process in self.processes]
        if life is not None:
            life.cancel()
        ended = await asyncio.gather(*ends)
        self._serve(None)
        self._processes.clear()
        return max(ended, key=lambda one: list(Manner).index(one.manner), default=_ABSENT)

    # --- its life --------------------------------------------------------------------------------------------------

    async def _live(self, first: "asyncio.Future[str]") -> None:
        failures = 0
        while True:
            began = self._loop.time()
            why = await self._come_up(behind=failures > 0) or await self._until_ended(first)
            lived_s = self._loop.time() - began
            failures = 1 if lived_s >= backoff.HEALTHY_AFTER_S else failures + 1
            wait_s = backoff.delay_s(failures)
            self._trouble = Trouble(why, failures, self._loop.time() + wait_s)
            self._on_fault(why)
            _settle(first, why)
            await asyncio.sleep(wait_s)

    async def _come_up(self, *, behind: bool) -> str:
        assert self._launch is not None  # noqa: S101 - a life begins with a launch
        if why := await self._ready(self._launch):
            return why
        process = self._born(self._launch)
        why = await process.start(behind=behind)
        if why:
            self._processes.discard(process)
        else:
            self._serve(process)
        return why

    async def _until_ended(self, first: "asyncio.Future[str]") -> str:
        """Return when who serves has ended, with the reason; another may take its place meanwhile."""
        _settle(first, "")
        while (serving := self._serving) is not None:
            self._exchanged.clear()
            exchanged = asyncio.ensure_future(self._exchanged.wait())
            try:
                await asyncio.wait((serving.ended, exchanged), return_when=asyncio.FIRST_COMPLETED)
            finally:
                exchanged.cancel()
            async with self._changing:  # one that ends in the middle of a change may have a successor by now
                if self._serving is serving and serving.ended.done():
                    self._processes.discard(serving)
                    self._serve(None)
                    return serving.ended.result()
        return _STOPPED

    def _lived(self, life: "asyncio.Task[None]", first: "asyncio.Future[str]") -> None:
        _settle(first, _STOPPED)
        if not life.cancelled() and (error := life.exception()) is not None:
            self._on_fault(f"its supervision failed: {error!r}")
            if self._life is life:  # not one that was begun meanwhile
                self._life = None

    def _born(self, launch: PluginLaunch) -> PluginProcess:
        process = self._make(launch)
        self._processes.add(process)
        return process

    def _serve(self, process: PluginProcess | None) -> None:
        """From now on this one is asked; None: nobody."""
        before, self._serving = self._serving, process
        if process is not None:
            self._gate.resize(hands=process.launch.limits.concurrency, queue=process.launch.limits.queue)
            self._trouble = Trouble()
            self._exchanged.set()
        if before is None and process is not None:
            self._gate.open()
        elif before is not None and process is None:
            self._gate.shut()

    # --- another level, another version ----------------------------------------------------------------------------

    async def _change(self, serving: PluginProcess, launch: PluginLaunch, stops: int) -> Outcome:
        """Move between two requests; what does not come up changes nothing."""
        if launch.base == serving.launch.base and "set_level" in serving.functions:
            why = await move(serving, launch, self._gate)
        elif not (why := await self._ready(launch)):
            why = await exchange(serving, launch, self._scene(stops))
            self._processes = {each for each in self._processes if each is self._serving or each.alive}
        if self._stops != stops:
            return _CUT_SHORT
        if why:
            self._on_fault(why)
            return Outcome(status=OutcomeStatus.FAILED, detail=why)
        self._launch = launch
        return self._done()

    def _scene(self, stops: int) -> Scene:
        return Scene(
            gate=self._gate,
            born=self._born,
            serve=self._serve,
            wanted=lambda: self._stops == stops,
            free_bytes=self._free_bytes,
        )


def _settle(future: "asyncio.Future[str]", value: str) -> None:
    if not future.done():
        future.set_result(value)

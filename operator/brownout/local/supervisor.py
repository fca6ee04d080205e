"""One supervised program: started, watched, started again with growing patience, and ended with all that belongs to it.

    stopped ──start──▶ spawning ──▶ running ──exit──▶ waiting ──time──▶ spawning
       ▲                  │            │                 │
       └──────────────── ending ◀──────┴──────stop───────┘

A workload stands and falls with its leader: the process that was started. If the leader exits with 0 and something
of it lives on, it has made itself a daemon: the eldest of the rest leads now, so that no twin is started beside it.
If the leader fails, what is left of it is ended before the next try: half a workload is not one.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from brownout.core.member import Observation, Presence
from brownout.engine.ports import Outcome, OutcomeStatus, ProcessId
from brownout.local.census import Census, OnFault
from brownout.local.launch import Launch
from brownout.local.levels import tell
from brownout.local.spawning import Refusal, Spawner
from brownout.processes import backoff
from brownout.processes.ending import Ended, Ending, Manner
from brownout.processes.exits import open_pidfd, until_exit
from brownout.processes.leader import Leader
from brownout.processes.phrases import exit_phrase, stop_outcome

__all__ = ["Supervisor"]

#: How long an ending waits for a program that is just being executed; longer is a file server that does not answer.
_SPAWN_PATIENCE_S: Final = 10.0
_REST: Final = "what is left of it cannot be ended"
_CUT_SHORT: Final = Outcome(status=OutcomeStatus.SKIPPED, detail="it was told to stop meanwhile")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why it does not run, and when it is tried again (on the loop's clock)."""

    why: str = ""
    failures: int = 0
    retry_at: float = 0.0


class Supervisor:
    """Looks after one integration's program. All methods run on the event loop."""

    def __init__(self, key: str, census: Census, spawner: Spawner, *, on_fault: OnFault) -> None:
        self._key = key
        self._census = census
        self._spawner = spawner
        self._on_fault = on_fault
        self._loop = asyncio.get_running_loop()
        self._launch: Launch | None = None
        self._leader: Leader | None = None
        self._trouble = _Trouble()
        self._life: asyncio.Task[None] | None = None
        self._spawning: asyncio.Future[Leader | Refusal] | None = None
        self._ending: tuple[Ending, asyncio.Task[Ended]] | None = None
        self._stuck: tuple[ProcessId, ...] = ()
        self._starting = asyncio.Lock()
        self._stops = 0  # counts calls of stop, so that a start which waited knows that it is no longer wanted

    @property
    def grace_s(self) -> float:
        """How long what was started last may take to finish."""
        return self._launch.grace_s if self._launch else 0.0

    @property
    def level(self) -> str | None:
        """The level of what was started last; None where nothing was, or there are no levels."""
        return (self._launch.level or None) if self._launch else None

    def runs(self, launches: Iterable[Launch]) -> bool:
        """Whether what was started last is one of these."""
        return self._launch is not None and self._launch.spec in {launch.spec for launch in launches}

    def presence(self) -> Observation:
        """What it is doing, without its memory."""
        self._look_at_stuck()
        if self._leader is not None:
            detail = "stopping" if self._ending else "cannot be ended" if self._stuck else ""
            return Observation(presence=Presence.RUNNING, detail=detail, identity=self._leader.identity)
        if self._ending or self._stuck:
            return Observation(presence=Presence.RUNNING, detail="stopping" if self._ending else _REST)
        if self._spawning is None and self._life is None:
            return Observation(presence=Presence.STOPPED)
        if self._spawning is None and self._trouble.why:
            return Observation(presence=Presence.FAILED, detail=self._troubled())
        return Observation(presence=Presence.STARTING)

    def fault(self) -> str:
        """Why it does not live, without figures that change from one look to the next; empty where it does."""
        lives = self._leader is not None or self._spawning is not None
        return "" if lives else self._trouble.why or "its process does not live"

    def adopt(self, launch: Launch, leader: Leader) -> None:
        """Go on with what an earlier controller started."""
        self._leader = leader
        self._begin(launch)
        tell(leader.process, launch, self._census.lives)  # the crash may have come between the file and the signal

    async def start(self, launch: Launch) -> Outcome:
        """Bring it up; what runs in another way is ended first, what waits for its next try keeps waiting."""
        stops = self._stops
        async with self._starting:
            if (told := self._told(launch)) is not None:
                return told
            ended = await self._end(self.grace_s or launch.grace_s)
            if self._stops != stops:
                return _CUT_SHORT
            if ended.manner is Manner.STUCK:
                return stop_outcome(ended, self.grace_s)
            return await self._started(*self._begin(launch))

    def _told(self, launch: Launch) -> Outcome | None:
        """What came of it where what runs need not be ended; None where it must be."""
        if self._life is None or self._launch is None or self._launch.spec != launch.spec:
            return None
        same_level, leader = self._launch.level == launch.level, self._leader
        if not same_level and leader is not None and not tell(leader.process, launch, self._census.lives):
            return None  # it does not listen (yet): what is started anew reads its level by itself
        self._launch = launch  # the grace may have changed
        if same_level or leader is None:
            return self._already()
        return Outcome(status=OutcomeStatus.DONE, detail=f"told by {launch.signal} that its level is {launch.level}")

    async def stop(self, grace_s: float) -> Outcome:
        """End it and all that belongs to it. While a stop is under way, a shorter grace shortens it."""
        self._stops += 1
        return stop_outcome(await self._end(grace_s), grace_s)

    def _begin(self, launch: Launch) -> tuple["asyncio.Task[None]", "asyncio.Future[Leader | Refusal]"]:
        self._launch, self._trouble = launch, _Trouble()
        first: asyncio.Future[Leader | Refusal] = self._loop.create_future()
        self._life = asyncio.create_task(self._live(launch, first), name=f"supervise {self._key}")
        self._life.add_done_callback(self._lived)
        return self._life, first

    async def _started(self, life: "asyncio.Task[None]", first: "asyncio.Future[Leader | Refusal]") -> Outcome:
        await asyncio.wait((first, life), return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            return _CUT_SHORT
        match first.result():
            case Refusal(why):
                return Outcome(status=OutcomeStatus.FAILED, detail=why)
            case leader:
                return Outcome(status=OutcomeStatus.DONE, detail=f"started as process {leader.process.pid}")

    def _already(self) -> Outcome:
        if self._trouble.why and self._leader is None and self._spawning is None:
            return Outcome(status=OutcomeStatus.FAILED, detail=self._troubled())
        return Outcome(status=OutcomeStatus.DONE, detail="it runs so already")

    # --- its life: only `_live` and what it calls run in the task `_life` -----------------------------------------

    async def _live(self, launch: Launch, first: "asyncio.Future[Leader | Refusal]") -> None:
        """Spawn, watch, wait, again; until it is cancelled by an ending."""
        while True:
            came = self._leader or self._blocked() or await self._spawn(self._launch or launch)
            if not first.done():
                first.set_result(came)
            began = self._loop.time()
            why = came.why if isinstance(came, Refusal) else await self._watch()
            lived_s = self._loop.time() - began
            failures = 1 if lived_s >= backoff.HEALTHY_AFTER_S else self._trouble.failures + 1
            wait_s = backoff.delay_s(failures)
            self._trouble = _Trouble(why, failures, self._loop.time() + wait_s)
            await asyncio.sleep(wait_s)

    def _blocked(self) -> Refusal | None:
        self._look_at_stuck()
        return Refusal(_REST) if self._stuck else None

    async def _spawn(self, launch: Launch) -> Leader | Refusal:
        self._spawning = self._loop.run_in_executor(None, self._spawner.spawn, launch, self._took)
        # Shielded: a thread cannot be cancelled, and what it starts must not be lost. An ending waits for it.
        came = await asyncio.shield(self._spawning)
        self._spawning = None
        return came

    def _took(self, leader: Leader) -> None:
        self._census.meet(self._key, leader.process)
        self._leader = leader

    async def _watch(self) -> str:
        """Return when the workload has ended, with how it ended."""
        status: int | None = None
        while self._leader is not None:
            await until_exit(self._leader.pidfd)
            status = self._let_go()
            self._leader = await self._successor(status)
        return exit_phrase(status)

    async def _successor(self, status: int | None) -> Leader | None:
        """Who leads after a leader that exited with `status`; without one, nothing of the workload is left."""
        while rest := await self._census.members(self._key):
            eldest = min(rest, key=lambda one: (one.started, one.pid))
            pidfd = open_pidfd(eldest, self._census.lives) if status == 0 else None
            if pidfd is not None:
                return Leader(eldest, pidfd)
            if status != 0 or self._census.lives(eldest):
                await self._join_ending(self.grace_s)
                return None
        return None

    def _let_go(self) -> int | None:
        leader, self._leader = self._leader, None
        return leader.release() if leader else None

    def _lived(self, life: "asyncio.Task[None]") -> None:
        if not life.cancelled() and (error := life.exception()) is not None:
            self._on_fault("command", f"the supervision of {self._key} failed: {error!r}")
            self._life = None

    def _troubled(self) -> str:
        trouble = self._trouble
        times = f", {trouble.failures} times" if trouble.failures > 1 else ""
        return f"{trouble.why}{times}; next try in {max(0.0, trouble.retry_at - self._loop.time()):.0f} s"

    # --- its end -------------------------------------------------------------------------------------------------

    async def _end(self, grace_s: float) -> Ended:
        """End its life, then all its processes. Calls that come together share one ending, with the shortest grace."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            await asyncio.wait((life,))
        return await self._join_ending(grace_s)

    async def _join_ending(self, grace_s: float) -> Ended:
        if self._ending is None:
            ending = Ending(lambda: self._census.members(self._key), self._census.lives, grace_s=grace_s)
            self._ending = (ending, asyncio.create_task(self._finish(ending), name=f"end {self._key}"))
        else:
            self._ending[0].shorten(grace_s)
        # Shielded: whoever waits may give up waiting, the ending goes on.
        return await asyncio.shield(self._ending[1])

    async def _finish(self, ending: Ending) -> Ended:
        try:
            await self._until_spawned()
            ended = await ending.run()
            self._stuck = ended.rest
            if self._leader is not None and self._leader.process not in ended.rest:
                self._let_go()
            return ended
        finally:
            self._ending = None

    async def _until_spawned(self) -> None:
        """Wait for a program that is being executed, so that it is found; one that hangs is ended when it comes."""
        if self._spawning is None:
            return
        done, _ = await asyncio.wait((self._spawning,), timeout=_SPAWN_PATIENCE_S)
        if not done:
            self._spawning.add_done_callback(lambda _: asyncio.ensure_future(self._end_late()))
        else:
            self._spawning = None

    async def _end_late(self) -> None:
        self._spawning = None
        if self._life is None:
            await self._join_ending(0.0)

    def _look_at_stuck(self) -> None:
        """What outlived SIGKILL may have gone since."""
        if self._stuck:
            self._stuck = tuple(one for one in self._stuck if self._census.lives(one))
            if self._life is None and self._leader is not None and self._leader.process not in self._stuck:
                self._let_go()

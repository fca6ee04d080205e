"""One run of a plugin: its worker is started, introduced, asked, and ended with everything that it started.

    spawned ─▶ greeted ─▶ confined ─▶ loaded ─▶ initialized ─▶ asked ... ─▶ told to end ─▶ SIGTERM ─▶ SIGKILL ─▶ gone

Whatever the plugin does, this ends: each stage has its time, and `ended` is done when nothing of it is left, with the
reason in a sentence.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from signal import SIGKILL, SIGXCPU
from typing import Any, Final

from brownout.api.quantities import format_quantity
from brownout.engine.ports import ProcessId, ProcessTable
from brownout.pluginhost.answers import Answer, AnswerStatus
from brownout.pluginhost.channel import GONE, Channel, OnNote, OnUsage
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.leaving import Leaving
from brownout.pluginhost.precedence import Precedence
from brownout.pluginhost.protocol import VERSION, Kind, Message, Misuse
from brownout.pluginhost.spawning import Spawned, Spawner, kill_group
from brownout.pluginhost.tree import Tree
from brownout.processes.ending import Ended, Ending, Manner
from brownout.processes.exits import until_exit
from brownout.processes.phrases import exit_phrase

__all__ = ["Ears", "Patience", "PluginProcess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited: for a stage of the start, for `initialize` (a model may be large), for a call of its life."""

    stage_s: float = 30.0
    initialize_s: float = 120.0
    call_s: float = 30.0
    last_s: float = 1.0  # between SIGTERM and SIGKILL, after the grace is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who hears what a plugin says by itself: lines for the log, and what it used."""

    on_note: OnNote
    on_usage: OnUsage


#: Characters of what a worker says of a failure that are kept; ours are shorter, but the plugin may speak for it.
_LONGEST: Final = 2000
#: The contract has seven.
_MOST_FUNCTIONS: Final = 16
#: How long an ending waits for an interpreter that is being executed; longer is a disk that does not answer.
_SPAWN_PATIENCE_S: Final = 10.0
#: How long a worker whose socket is at its end has to end by itself, so that its exit status can tell why.
_MOMENT_S: Final = 1.0


class PluginProcess:
    """One worker with its plugin. All methods run on the event loop."""

    def __init__(
        self, launch: PluginLaunch, spawner: Spawner, table: ProcessTable, *, patience: Patience, ears: Ears
    ) -> None:
        self.launch = launch
        self.functions: frozenset[str] = frozenset()
        self.report: Mapping[str, Any] = {}
        self._spawner = spawner
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(on_note=ears.on_note, on_usage=ears.on_usage, covered=launch.covered)
        self._tree = Tree(table)
        self._spawning: asyncio.Future[str] | None = None
        self._spawned: Spawned | None = None
        self._why = ""
        self._buried = False
        self._leaving: tuple[Leaving, asyncio.Task[Ended]] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._precedence: Precedence | None = None
        self._up = self._behind = False
        self.ended: asyncio.Future[str] = self._loop.create_future()

    @property
    def identity(self) -> str:
        """This very run; empty before it is born."""
        return self._spawned.identity if self._spawned else ""

    @property
    def alive(self) -> bool:
        """Whether anything of it may be there."""
        return self._spawning is not None and not self.ended.done()

    @property
    def counted(self) -> bool:
        """Whether the kernel holds all its processes together to their limits."""
        return self._spawned is not None and self._spawned.group is not None

    async def members(self) -> tuple[ProcessId, ...]:
        """Every live process of it."""
        return await self._tree.members() if self.alive else ()

    async def memory_bytes(self) -> int | None:
        """What all its processes hold; None where that cannot be measured."""
        return await self._tree.memory_bytes() if self.alive else None

    def look(self) -> None:
        """See whether it takes so much of a core that it has to go behind the others."""
        if self._precedence is not None and self._up:
            self._precedence.look()

    # --- its birth -------------------------------------------------------------------------------------------------

    async def start(self, *, behind: bool = False) -> str:
        """Bring it up; why it did not come, empty where it did. What did not come has been ended.

        `behind`: while it comes up it goes behind the other workers, for the one before it has failed.
        """
        self._behind = behind
        # Shielded: what is being started is waited for by `end`, whoever gave up waiting here.
        self._spawning = asyncio.ensure_future(self._spawner.spawn(self.launch, self._took, behind=behind))
        why = await asyncio.shield(self._spawning) or await self._introduce()
        if why:
            await self.end(why, grace_s=0.0)
        self._up = True
        return why

    def _took(self, spawned: Spawned) -> None:
        self._spawned = spawned
        self._tree.plant(spawned.process, spawned.run)
        pid, owes = spawned.process.pid, lambda: bool(self._channel.given_up)
        self._precedence = Precedence(pid, spawned.cpu, behind=self._behind, busy=self._busy, owes=owes)
        self._attend()
        self._watching = asyncio.ensure_future(self._watch(spawned))

    def _busy(self) -> bool:
        return not self._up or self._channel.in_hand > 0

    def _attend(self) -> None:
        """Look at its place from now on. That of one that comes up for the first time is beside the others."""
        if self._precedence is not None and (self._up or self._behind):
            self._precedence.attend()

    async def _introduce(self) -> str:
        spawned = self._spawned
        assert spawned is not None  # noqa: S101 - the spawner said that it is there
        await self._loop.create_unix_connection(lambda: self._channel, sock=spawned.socket)
        greeted = await self._stage(Kind.HELLO, self._patience.stage_s, "its worker does not come up")
        if isinstance(greeted, str):
            return greeted
        self._channel.say(Kind.SETUP, version=VERSION, confinement=self.launch.confinement(grouped=self.counted))
        confined = await self._stage(Kind.CONFINED, self._patience.stage_s, "its worker does not come up")
        if isinstance(confined, str):
            return confined
        self.report = confined["report"]
        self._tree.alone = not self.launch.granted.programs and "system_calls" not in self.report["failed"]
        return await self._load()

    async def _load(self) -> str:
        try:
            self._channel.say(Kind.LOAD, plugin=self.launch.document())
        except Misuse as misuse:
            return f"it cannot be handed over: {misuse}"
        loaded = await self._stage(Kind.LOADED, self._patience.initialize_s, "it hangs while its module is run")
        if isinstance(loaded, str):
            return loaded
        if loaded["error"]:
            return str(loaded["error"])[:_LONGEST]
        self.functions = frozenset(str(name)[:_LONGEST] for name in loaded["functions"][:_MOST_FUNCTIONS])
        answer = await self.call("initialize", dict(self.launch.config), within_s=self._patience.initialize_s)
        return "" if answer.ok else f"its initialize failed: {answer.detail}"

    async def _stage(self, kind: Kind, within_s: float, late: str) -> Mapping[str, Any] | str:
        try:
            async with asyncio.timeout(within_s):
                said = await self._channel.stage(kind)
        except TimeoutError:
            return f"{late} ({within_s:g} s)"
        return await self._why_over(said) if isinstance(said, str) else said

    # --- its work --------------------------------------------------------------------------------------------------

    async def request(self, request: Mapping[str, Any]) -> Answer:
        """One request, within the time that the plugin has for it."""
        answer = await self.call("handle_request", request, within_s=self.launch.limits.request_timeout)
        if not answer.ok:
            return answer
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("refused"), str):
            return Answer(status=AnswerStatus.FAILED, detail="its answer is no answer", took_s=answer.took_s)
        refused, body = answer.body["refused"], answer.body.get("body")
        status = AnswerStatus.REFUSED if refused else AnswerStatus.OK
        return Answer(status=status, body=body, detail=refused, took_s=answer.took_s)

    async def call(self, function: str, argument: Any = None, *, within_s: float | None = None) -> Answer:
        """Call a function of the plugin, and wait for what it says."""
        limit_s = self._patience.call_s if within_s is None else within_s
        began = self._loop.time()
        try:
            call = self._channel.begin(function, argument)
        except Misuse as misuse:
            return Answer(status=AnswerStatus.TOO_LARGE, detail=f"it cannot be asked: {misuse}")
        if isinstance(call, str):
            return Answer(status=AnswerStatus.UNAVAILABLE, detail=call)
        self._attend()
        try:
            said = await self._channel.answer(call, within_s=limit_s)
        except asyncio.CancelledError:  # whoever asked has waited long enough
            self._look_at_lost()
            raise
        took_s = self._loop.time() - began
        if said is None:
            self._look_at_lost()
            return Answer(status=AnswerStatus.TOO_SLOW, detail=f"it did not answer within {limit_s:g} s", took_s=took_s)
        return await self._answer(said, took_s)

    async def _answer(self, said: Message, took_s: float) -> Answer:
        if said.kind is Kind.ANSWER:
            return Answer(status=AnswerStatus.OK, body=said.fields["value"], took_s=took_s)
        error = said.fields["error"][:_LONGEST]
        if said.fields["id"]:
            return Answer(status=AnswerStatus.FAILED, detail=error, took_s=took_s)
        return Answer(status=AnswerStatus.CRASHED, detail=await self._why_over(error), took_s=took_s)

    def _look_at_lost(self) -> None:
        """A plugin that has all its hands full of requests that nobody waits for will not come back by itself."""
        self.look()
        lost = len(self._channel.given_up)
        if lost >= self.launch.limits.concurrency:
            self.condemn(f"it hangs: {lost} requests did not come back")

    # --- its end ---------------------------------------------------------------------------------------------------

    def condemn(self, why: str) -> None:
        """Kill it, for this reason. Returns at once; `ended` is done when nothing is left."""
        self._why = self._why or why
        if self._spawned is not None and not self._buried:
            kill_group(self._spawned.process.pid, SIGKILL)

    async def end(self, why: str, *, grace_s: float) -> Ended:
        """Let it finish what is in hand and say goodbye, then end all of it. A second call shortens the first."""
        self._why = self._why or why
        if self._spawning is not None:
            await asyncio.wait((self._spawning,), timeout=_SPAWN_PATIENCE_S)
        if self._spawned is None or self.ended.done():
            self._channel.close(self._why)
            _settle(self.ended, self._why)
            return Ended(manner=Manner.ABSENT, took_s=0.0)
        if self._leaving is None:
            leaving = Leaving(
                self.ended, self._tree.members, self._tree.lives, grace_s=grace_s, last_s=self._patience.last_s
            )
            self._leaving = (leaving, asyncio.ensure_future(leaving.run(self._goodbye)))
        self._leaving[0].shorten(grace_s)
        return await asyncio.shield(self._leaving[1])

    def _goodbye(self) -> bool:
        return self._channel.say(Kind.END)

    async def _watch(self, spawned: Spawned) -> None:
        """Wait for its exit, for whatever reason; then see to what it left behind, and say why it ended."""
        self._channel.over.add_done_callback(self._on_over)
        await until_exit(spawned.pidfd)
        os.close(spawned.pidfd)
        kill_group(spawned.process.pid, SIGKILL)  # before it is buried: until then nobody else has its number
        self._buried = True
        if self._precedence is not None:
            self._precedence.close()
        status = spawned.child.wait()
        why = self._why or self._phrase(status, spawned)
        self._channel.close(why)
        if not self._channel.connected:
            spawned.socket.close()
        await Ending(self._tree.members, self._tree.lives, grace_s=0.0).run()
        if spawned.group is not None:
            spawned.group.remove()
        _settle(self.ended, why)

    def _on_over(self, over: "asyncio.Future[str]") -> None:
        """A conversation that is over ends the worker; a worker that ends has a moment to say how."""
        if self._leaving is None and not over.cancelled():
            self._loop.call_later(_MOMENT_S if over.result() == GONE else 0.0, self.condemn, over.result())

    async def _why_over(self, said: str) -> str:
        """Why the conversation is over: of a process that has ended, how it ended."""
        await asyncio.wait((self.ended,), timeout=self._patience.stage_s)
        return self.ended.result() if self.ended.done() else said

    def _phrase(self, status: int, spawned: Spawned) -> str:
        if spawned.group is not None and spawned.group.ran_out():
            return f"wanted more than its {format_quantity(self.launch.limits.memory)} of memory"
        if status == -SIGXCPU:
            return f"used up its {self.launch.limits.cpu_time:g} s of CPU time"
        return f"its process {exit_phrase(status)}"


def _settle(future: "asyncio.Future[str]", value: str) -> None:
    if not future.done():
        future.set_result(value)

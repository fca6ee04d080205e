"""The host's end of the socket to one worker: calls go out with an id, and each gets exactly one answer, or none.

Nothing that comes in is believed. An answer to a call that was given up, or answered before, or never made, is counted
and dropped; a hundred of those, or one byte that is no message, ends the conversation. Who talks faster than it is
useful, or makes us work more than a fifth of the time, is read slower: a flood costs its own plugin and nobody else.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from brownout.pluginhost.protocol import Conversation, Kind, Message, Misuse, Role, State, Violation

__all__ = ["GONE", "Channel", "OnNote", "OnUsage"]

OnNote = Callable[[str, str], None]
OnUsage = Callable[[int, bool], None]

#: So many answers that nobody waits for are an attack or a broken plugin, not an accident.
_MOST_STRAYS: Final = 100
#: A worker that does not read is given no more than this to read later.
_MOST_UNREAD_BYTES: Final = 16 * 2**20
#: More than this within one beat is not read before the next: 1000 messages that nobody asked for, or 80 MiB, in a
#: second. Of the lines for the log a tenth of that is passed on.
_BEAT_S: Final = 0.1
_MOST_UNASKED_A_BEAT: Final = 100
_MOST_NOTES_A_BEAT: Final = 10
_MOST_BYTES_A_BEAT: Final = 8 * 2**20
#: Of the loop's own CPU time. One that takes more at once is not read until that is made up for.
_MOST_WORK_A_BEAT_S: Final = 0.02
#: What is read at once: 60 of the smallest messages, which take 1 ms. The usual 256 KiB would hold up everybody. Of who
#: talks without being asked less, so that others come in between.
_PIECE_BYTES: Final = 4 * 2**10
_SMALL_PIECE_BYTES: Final = 512

#: Characters of an error that are looked at. A quarter of them is shown, and a secret has no more than half.
_LONGEST: Final = 8192

#: Why a conversation is over that nobody broke off.
GONE: Final = "it closed its end of the conversation"


class Channel(asyncio.BufferedProtocol):
    """One conversation. `over` is done as soon as it is over, with the reason in a sentence.

    `covered` takes the plugin's secrets out of what it says of errors and to the log; its answers stay as they are.
    """

    def __init__(self, *, on_note: OnNote, on_usage: OnUsage, covered: Callable[[str], str] = str) -> None:
        self._loop = asyncio.get_running_loop()
        self._conversation = Conversation(Role.HOST)
        self._transport: asyncio.Transport | None = None
        self._on_note = on_note
        self._on_usage = on_usage
        self._covered = covered
        self._calls: dict[int, asyncio.Future[Message]] = {}
        self._stages = {kind: self._loop.create_future() for kind in (Kind.HELLO, Kind.CONFINED, Kind.LOADED, Kind.BYE)}
        self._last = 0
        self._piece = bytearray(_PIECE_BYTES)
        self._unasked = self._received_bytes = 0
        self._worked_s = 0.0
        self._beat: asyncio.TimerHandle | None = None
        self.over: asyncio.Future[str] = self._loop.create_future()
        self.given_up: set[int] = set()
        self.strays = 0

    # --- what the host says ----------------------------------------------------------------------------------------

    async def stage(self, kind: Kind) -> Mapping[str, Any] | str:
        """The worker's next word of this kind; or why it will not come."""
        await asyncio.wait((self._stages[kind], self.over), return_when=asyncio.FIRST_COMPLETED)
        return self._stages[kind].result().fields if self._stages[kind].done() else self.over.result()

    def say(self, kind: Kind, **fields: Any) -> bool:
        """Send a message; False where it cannot be said any more. Raises Misuse for what is too long or no JSON."""
        if self.over.done() or self._transport is None or self._conversation.state in (State.ENDING, State.ENDED):
            return False
        self._transport.write(self._conversation.send(kind, **fields))
        return True

    def begin(self, function: str, argument: Any) -> int | str:
        """Make a call; its id, or why it cannot be made. Raises Misuse as `say` does."""
        if self._transport is not None and self._transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            return "it does not read what it is sent"
        call = self._last + 1
        if not self.say(Kind.CALL, id=call, function=function, argument=argument):
            return "it is ending"
        self._last = call
        self._calls[call] = self._loop.create_future()
        return call

    async def answer(self, call: int, *, within_s: float) -> Message | None:
        """The answer to a call; None when it did not come in time. Where the conversation ended, a FAILURE of id 0."""
        waiting = self._calls[call]
        try:
            await asyncio.wait((waiting, self.over), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            if self.over.done():
                return Message(Kind.FAILURE, {"id": 0, "error": self.over.result()})
            return None
        finally:
            del self._calls[call]
            if not waiting.done():
                self._give_up(call)

    @property
    def in_hand(self) -> int:
        """Calls that somebody waits for."""
        return len(self._calls)

    def _give_up(self, call: int) -> None:
        self.given_up.add(call)
        try:
            self.say(Kind.CANCEL, id=call)
        except Misuse:
            return

    @property
    def connected(self) -> bool:
        """Whether the socket is asyncio's, which then closes it."""
        return self._transport is not None

    def close(self, why: str) -> None:
        """End the conversation; whoever waits is told why."""
        if not self.over.done():
            self.over.set_result(why)
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None:
            self._transport.abort()

    # --- what asyncio tells ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a socket."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own promise, for the type checker
        self._transport = transport
        if self.over.done():
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """There is none any more."""
        self.close(GONE)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Where the next piece goes."""
        return memoryview(self._piece)[: _SMALL_PIECE_BYTES if self._unasked else _PIECE_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """Something came. It may be anything."""
        began_s = time.thread_time()
        for event in self._conversation.receive(bytes(self._piece[:nbytes])):
            if isinstance(event, Violation):
                self.close(f"it sent something {event.detail}")
                return
            self._take(event)
        self._spend(nbytes, time.thread_time() - began_s)

    def _take(self, message: Message) -> None:
        if message.fields.get("error"):
            message = Message(
                message.kind, {**message.fields, "error": self._covered(str(message.fields["error"])[:_LONGEST])}
            )
        match message.kind:
            case Kind.ANSWER | Kind.FAILURE:
                self._answered(message)
            case Kind.NOTE:
                self._unasked += 1
                if self._unasked <= _MOST_NOTES_A_BEAT:
                    self._on_note(message.fields["severity"], self._covered(message.fields["message"]))
            case Kind.USAGE:
                self._unasked += 1
                self._on_usage(message.fields["tokens"], message.fields["api_call"])
            case kind if not self._stages[kind].done():
                self._stages[kind].set_result(message)

    def _answered(self, message: Message) -> None:
        call = message.fields["id"]
        waiting = self._calls.get(call)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        elif call in self.given_up:
            self.given_up.discard(call)  # late, but it came back
        else:
            self.strays += 1
            if self.strays >= _MOST_STRAYS:
                self.close(f"it sent {self.strays} answers to calls that were never made or answered before")

    def _spend(self, length: int, took_s: float) -> None:
        """Count what came in this beat; too much of it, and the rest is read in the next one."""
        self._received_bytes += length
        self._worked_s += took_s
        if self._beat is None:
            self._beat = self._loop.call_later(_BEAT_S, self._next_beat)
        much = self._unasked > _MOST_UNASKED_A_BEAT or self._received_bytes > _MOST_BYTES_A_BEAT
        if (much or self._worked_s > _MOST_WORK_A_BEAT_S) and self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def _next_beat(self) -> None:
        self._unasked = self._received_bytes = 0
        self._worked_s = max(0.0, self._worked_s - _MOST_WORK_A_BEAT_S)
        if self._worked_s > _MOST_WORK_A_BEAT_S:
            self._beat = self._loop.call_later(_BEAT_S, self._next_beat)
            return
        self._beat = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

"""Laws of reading what workers say: none of them gets more of the host's loop than its share, however it talks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from itertools import count
from types import SimpleNamespace

import pytest

from brownout.pluginhost.channel import Channel
from brownout.pluginhost.protocol import VERSION, Conversation, Kind, Role
from tests.eventually import eventually_async
from tests.local.loops import run

Say = Callable[[str], None]
Story = Callable[[Channel, asyncio.Transport, Say], Awaitable[None]]


def talk(story: Story) -> list[str]:
    """A host that serves, and a worker of which only the wire is there; what it noted."""
    noted: list[str] = []

    async def told() -> None:
        ours, theirs = socket.socketpair()
        channel = Channel(on_note=lambda _, message: noted.append(message), on_usage=lambda *_: None)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_unix_connection(lambda: channel, sock=ours)
        worker = Conversation(Role.WORKER)
        theirs.sendall(worker.send(Kind.HELLO, version=VERSION))
        await channel.stage(Kind.HELLO)
        for kind, fields, reply, said in (
            (Kind.SETUP, {"version": VERSION, "confinement": {}}, Kind.CONFINED, {"report": {}}),
            (Kind.LOAD, {"plugin": {}}, Kind.LOADED, {"error": "", "functions": []}),
        ):
            channel.say(kind, **fields)
            list(worker.receive(await asyncio.to_thread(theirs.recv, 4096)))
            theirs.sendall(worker.send(reply, **said))
            await channel.stage(reply)
        try:
            await story(
                channel,
                transport,
                lambda message: theirs.sendall(worker.send(Kind.NOTE, severity="info", message=message)),
            )
        finally:
            channel.close("the test is over")
            theirs.close()

    run(told())
    return noted


@pytest.fixture
def _slow_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a busy machine does not miss what happens within one."""
    monkeypatch.setattr("brownout.pluginhost.channel._BEAT_S", 0.4)


@pytest.mark.usefixtures("_slow_beats")
def test_who_makes_us_work_too_long_is_not_read_until_that_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece seems to take 50 ms, of which it may have 20 in a beat: two beats pass after each, and all comes."""
    clock, beats = count(step=1), list[bool]()

    async def story(channel: Channel, transport: asyncio.Transport, say: Say) -> None:
        beat = channel._next_beat

        def counted() -> None:
            beats.append(True)
            beat()

        monkeypatch.setattr(channel, "_next_beat", counted)
        slow = SimpleNamespace(thread_time=lambda: 0.05 * next(clock))
        monkeypatch.setattr("brownout.pluginhost.channel.time", slow)
        for said in ("one", "two"):
            say(said)
            await eventually_async(lambda: _true(not transport.is_reading()))
            beats.clear()
            await eventually_async(lambda: _true(transport.is_reading()))
        assert len(beats) >= 2

    assert talk(story) == ["one", "two"]


@pytest.mark.usefixtures("_slow_beats")
def test_who_talks_without_being_asked_is_read_in_small_pieces() -> None:
    """So that others come in between; and who has not talked in this beat is read in large ones."""

    async def story(channel: Channel, _: asyncio.Transport, say: Say) -> None:
        assert len(channel.get_buffer(-1)) >= 4096
        say("x")
        await eventually_async(lambda: _true(len(channel.get_buffer(-1)) <= 512))
        await eventually_async(lambda: _true(len(channel.get_buffer(-1)) >= 4096))

    assert talk(story) == ["x"]


async def _true(said: bool) -> bool:  # noqa: FBT001
    return said

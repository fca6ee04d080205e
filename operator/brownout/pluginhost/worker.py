"""What runs in a plugin's process: it confines itself, runs the module that it is handed, and answers what it is asked.

Started as `python -I -S`, with nothing but the number of its socket. It opens no file of the plugin: the host sends the
very bytes whose hash was checked. It trusts the host and nothing else; the plugin runs in here too, so the host trusts
nothing that comes out. It imports as little as it can: asyncio comes only with a plugin that has coroutines.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from brownout.plugin import Context, Request
from brownout.pluginhost.confining import confine, die_with_the_host
from brownout.pluginhost.crew import Crew
from brownout.pluginhost.loading import FUNCTIONS, Plugin, brief, load
from brownout.pluginhost.own_files import spare_own_files
from brownout.pluginhost.protocol import Conversation, Kind, Message, Misuse, Role, Violation
from brownout.pluginhost.shapes import health_of, response_of

__all__ = ["main"]

_PIECE_BYTES: Final = 256 * 1024
#: The longest line that a plugin can write into the controller's log at once.
_LONGEST_NOTE: Final = 2000


class Host:
    """The other end, as the worker's threads see it: whole messages, one at a time."""

    def __init__(self, socket: int) -> None:
        from threading import Lock  # noqa: PLC0415 - see above: the fewer at the start, the sooner it is confined

        self._socket = socket
        self._lock = Lock()
        self._conversation = Conversation(Role.WORKER)

    def say(self, kind: Kind, **fields: Any) -> None:
        """Send a message. Raises Misuse for what JSON cannot hold; ends the process where nobody listens."""
        with self._lock:
            frame = memoryview(self._conversation.send(kind, **fields))
            while frame:
                try:
                    frame = frame[os.write(self._socket, frame) :]
                except OSError:
                    os._exit(0)

    def hear(self) -> list[Message]:
        """The next messages; none when the host has gone or speaks another language."""
        while data := _read(self._socket):
            with self._lock:
                heard = list(self._conversation.receive(data))
            if any(isinstance(one, Violation) for one in heard):
                return []
            if heard:
                return [one for one in heard if isinstance(one, Message)]
        return []


def _read(socket: int) -> bytes:
    try:
        return os.read(socket, _PIECE_BYTES)
    except OSError:
        return b""


class Worker:
    """One plugin, from the handshake to its end."""

    def __init__(self, socket: int) -> None:
        self._host = Host(socket)
        self._plugin: Plugin | None = None
        self._crew: Crew | None = None
        self._context = Context("", "")
        self._asked: dict[int, str] = {}

    def run(self) -> None:
        """Do what the host says until it says that it is over, or is gone."""
        self._host.say(Kind.HELLO, version=1)
        while messages := self._host.hear():
            for message in messages:
                if message.kind is Kind.END:
                    self._end()
                    return
                self._follow(message)

    def _follow(self, message: Message) -> None:
        match message.kind:
            case Kind.SETUP:
                self._host.say(Kind.CONFINED, report=confine(message.fields["confinement"]))
            case Kind.LOAD:
                self._load(message.fields["plugin"])
            case Kind.CALL:
                self._call(message.fields["id"], message.fields["function"], message.fields["argument"])
            case Kind.CANCEL if self._crew:
                self._crew.cancel(message.fields["id"])

    def _load(self, plugin: Mapping[str, Any]) -> None:
        self._context = Context(
            plugin["name"],
            os.getcwd(),  # noqa: PTH109 - pathlib takes 0.9 MB
            version=plugin["version"],
            level=plugin["level"],
            log=self._note,
            now=time.time,  # noqa: TID251 - the plugin's own clock, in its own process
            usage=lambda tokens, api_call: self._host.say(Kind.USAGE, tokens=int(tokens), api_call=bool(api_call)),
        )
        spare_own_files(os.path.realpath(self._context.data_folder))
        sys.path += plugin["paths"]
        loaded = load(plugin, self._context)
        error = "" if isinstance(loaded, Plugin) else loaded
        if isinstance(loaded, Plugin):
            self._plugin = loaded
            self._crew = Crew(self._reply, hands=plugin["concurrency"], network=plugin["network"])
        functions = [name for name in FUNCTIONS if self._plugin and name in self._plugin.functions]
        self._host.say(Kind.LOADED, error=error, functions=functions)

    def _call(self, call: int, name: str, argument: Any) -> None:
        function = self._plugin.functions.get(name) if self._plugin else None
        if function is None or self._crew is None:
            self._reply(call, None, f"it has no {name}")
            return
        if name == "set_level":
            self._context.level = str(argument)
        self._asked[call] = name
        arguments = _arguments(name, argument)
        self._crew.take(call, function, arguments, request=name == "handle_request")

    def _reply(self, call: int, value: object, error: BaseException | str | None) -> None:
        """Answer a call, with whatever the plugin gave."""
        name = self._asked.pop(call, "")
        if error is not None:
            self._host.say(Kind.FAILURE, id=call, error=error if isinstance(error, str) else brief(error))
            return
        try:
            self._host.say(Kind.ANSWER, id=call, value=_SHAPES.get(name, _as_it_is)(value))
        except Exception as raised:  # noqa: BLE001 - what it gave may be an object that raises when it is looked at
            why = str(raised) if isinstance(raised, Misuse) else brief(raised)
            self._host.say(Kind.FAILURE, id=call, error=f"its answer cannot be sent: {why}")

    def _note(self, severity: str, message: str) -> None:
        self._host.say(Kind.NOTE, severity=str(severity)[:16], message=str(message)[:_LONGEST_NOTE])

    def _end(self) -> None:
        """Let what is in hand finish, let the plugin say goodbye, and end."""
        if self._crew and self._plugin:
            self._crew.finish(self._plugin.functions.get("shutdown"))
        self._host.say(Kind.BYE)


def _arguments(name: str, argument: Any) -> tuple[Any, ...]:
    if name == "handle_request":
        return (Request(**argument),)
    return (argument,) if name in ("initialize", "import_state", "set_level") else ()


def _as_it_is(value: object) -> object:
    return value


def _nothing(_: object) -> object:
    return None


def _response(value: object) -> object:
    return response_of(value)._asdict()


def _health(value: object) -> object:
    return health_of(value)._asdict()


#: How what a function returns is written down.
_SHAPES: Final = {
    "handle_request": _response,
    "health_check": _health,
    "initialize": _nothing,
    "import_state": _nothing,
    "set_level": _nothing,
}


def main() -> None:
    """Run; never returns, and waits for no thread of the plugin. Ends with 1 where the worker itself is broken."""
    status = 1
    try:
        die_with_the_host()
        Worker(int(sys.argv[1])).run()
        status = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, its output is where somebody will look for it
        _write(f"brownout: the worker cannot go on: {brief(error)}\n")
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        os._exit(status)


def _write(line: str) -> None:
    try:
        os.write(2, line.encode(errors="replace"))
    except OSError:
        return

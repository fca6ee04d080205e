"""An HTTP API for an app on a phone, and the queues between the phone and the rest of the companion.

What is for a phone waits in a queue of the phone until the app has fetched it: it asks with the number of the last one
it has, which is then forgotten, and may wait for the next. Queues are short, and the oldest goes first: numbers tell
the app of a gap. Everything that must outlive a restart stands in one small file, replaced whole.
"""

import asyncio
import hmac
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import h11

from brownout.plugin import Context, Health, Request, Response

Body = dict[str, Any]

MOST_BODY_BYTES = 64 * 1024
MOST_QUEUED, MOST_MESSAGES, MOST_CONNECTIONS = 50, 200, 64
LONGEST_TEXT, DEEPEST = 1000, 8
PATIENCE_S, LONGEST_WAIT_S, SWAP_S = 30.0, 30.0, 5.0
DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TOO_LARGE = 413
QUEUES = ("notifications", "commands")


class Refused(Exception):
    """What an app asked for cannot be done: the status and the sentence it is told."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Book:
    """The devices, what waits for them, and what they said. All of it is what JSON holds."""

    def __init__(self, most_devices: int) -> None:
        self.devices: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.last = 0
        self._most = most_devices

    def as_json(self) -> dict[str, Any]:
        """For a file, or for the next version."""
        return {"devices": self.devices, "messages": self.messages, "last": self.last}

    def restore(self, kept: Any) -> None:
        """Take what `as_json` gave; anything else leaves the book empty."""
        if isinstance(kept, dict) and isinstance(kept.get("devices"), dict) and isinstance(kept.get("last"), int):
            self.devices, self.last = kept["devices"], kept["last"]
            self.messages = kept["messages"] if isinstance(kept.get("messages"), list) else []

    def device(self, name: str) -> dict[str, Any]:
        """A device that is known. Raises Refused."""
        if name not in self.devices:
            known = ", ".join(sorted(self.devices)) or "none"
            raise Refused(404, f"there is no such device; known are: {known}")
        found: dict[str, Any] = self.devices[name]
        return found

    def register(self, name: str, called: str, now: float) -> dict[str, Any]:
        """Take a device in, or say that it is there again."""
        if not DEVICE.fullmatch(name):
            raise Refused(400, "a device is named by letters, digits, '.', '_' and '-', at most 64")
        if name not in self.devices and len(self.devices) >= self._most:
            raise Refused(409, f"there are {self._most} devices already: remove one first")
        fresh: dict[str, Any] = {"results": {}, **{queue: [] for queue in QUEUES}}
        self.devices[name] = {**fresh, **self.devices.get(name, {}), "name": called or name, "seen": now}
        return self.shown(name)

    def shown(self, name: str) -> dict[str, Any]:
        """A device as it is told of."""
        device = self.devices[name]
        return {"id": name, "name": device["name"], "seen": device["seen"], **{q: len(device[q]) for q in QUEUES}}

    def put(self, name: str, queue: str, item: dict[str, Any]) -> int:
        """Queue something for a device; its number. The oldest makes room."""
        self.last += 1
        waiting = self.device(name)[queue]
        waiting.append({"number": self.last, **item})
        del waiting[:-MOST_QUEUED]
        return self.last

    def waiting(self, name: str, queue: str, after: int) -> list[dict[str, Any]]:
        """What a device has not had yet; what it has had is forgotten."""
        device = self.device(name)
        device[queue] = [item for item in device[queue] if item["number"] > after]
        return list(device[queue])

    def say(self, name: str, text: str, now: float) -> int:
        """Keep what a device said; its number."""
        self.device(name)
        self.last += 1
        self.messages.append({"number": self.last, "device": name, "text": text, "at": now})
        del self.messages[:-MOST_MESSAGES]
        return self.last

    def settle(self, name: str, number: int, result: dict[str, Any]) -> None:
        """Keep what became of a command, of the last so many."""
        results = self.device(name)["results"]
        results[str(number)] = result
        for old in sorted(results, key=int)[:-MOST_QUEUED]:
            del results[old]


class Android:
    """The plugin: the book, the server for the phones, and what the companion asks of it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._quiet_until = 0.0

    async def initialize(self, config: Mapping[str, Any], context: Context) -> None:
        """Read what was kept, and listen. Raises OSError where the port is somebody else's."""
        self._config, self._context = config, context
        self._news = asyncio.Condition()
        self._book = Book(config["devices"])
        self._file = Path(context.data_folder, "book.json")
        with suppress(OSError, ValueError):
            self._book.restore(json.loads(self._file.read_bytes()))
        self._token = config.get("token") or self._own_token(Path(context.data_folder, "token"))
        # reuse_port: while a new version takes over, it and the old one listen side by side.
        address, port = config["address"], config["port"]
        try:
            self._server = await asyncio.start_server(
                self._connected, address, port, reuse_port=True, limit=MOST_BODY_BYTES
            )
        except OSError as error:
            number = error.errno or 0  # below zero where the address is none
            why = os.strerror(number) if number > 0 else "that is no address"
            raise OSError(f"it cannot listen on {address}, port {port}: {why}") from None
        context.log(f"listening at http://{address}:{port}")

    async def health_check(self) -> Health:
        """Well while it listens."""
        listens = self._server is not None and self._server.is_serving()
        return Health(ok=listens, message="" if listens else "it does not listen")

    async def handle_request(self, request: Request) -> Response:
        """Do what the rest of the companion asks: see README.md for the operations."""
        body = request.body if isinstance(request.body, dict) else {}
        operation = getattr(self, f"_do_{body.get('operation')}", None)
        if operation is None:
            return Response(refused="operation must be one of devices, notify, command, result, messages")
        try:
            return Response(await operation(body))
        except Refused as refused:
            return Response(refused=str(refused))

    async def export_state(self) -> dict[str, Any]:
        """Give the book away. For as long as a swap takes, apps are told to come back, so that nothing is lost."""
        self._quiet_until = self._context.now() + SWAP_S
        return self._book.as_json()

    async def import_state(self, state: Any) -> None:
        """Take the book over."""
        self._book.restore(state)

    async def shutdown(self) -> None:
        """Stop listening, and end what is open."""
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    # --- what the companion asks ---------------------------------------------------------------------------------

    async def _do_devices(self, _: Body) -> Any:
        return {"devices": [self._book.shown(name) for name in sorted(self._book.devices)]}

    async def _do_notify(self, body: Body) -> Any:
        item = {"title": _text(body, "title", empty=True), "text": _text(body, "text"), "at": self._context.now()}
        names = [body["device"]] if body.get("device") else sorted(self._book.devices)
        for name in names:
            self._book.device(name)
        return await self._queued(names, "notifications", item)

    async def _do_command(self, body: Body) -> Any:
        if body.get("command") not in self._config["commands"]:
            raise Refused(400, f"command must be one of {', '.join(self._config['commands']) or 'none'}")
        arguments = _kept(body.get("arguments", {}), "arguments")
        if not isinstance(arguments, dict):
            raise Refused(400, "arguments must be an object")
        item = {"command": body["command"], "arguments": arguments, "at": self._context.now()}
        return await self._queued([_text(body, "device")], "commands", item)

    async def _do_result(self, body: Body) -> Any:
        result = self._book.device(_text(body, "device"))["results"].get(str(body.get("number")))
        return {"done": result is not None, **(result or {})}

    async def _do_messages(self, body: Body) -> Any:
        after = _whole(body.get("after", 0), "after")
        return {"messages": [message for message in self._book.messages if message["number"] > after]}

    async def _queued(self, names: list[str], queue: str, item: dict[str, Any]) -> Any:
        numbers = [{"device": name, "number": self._book.put(name, queue, item)} for name in names]
        await self._changed()
        return {"queued": numbers}

    async def _changed(self) -> None:
        """Keep the book, and wake whoever waits for news."""
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(self._book.as_json()))
        beside.replace(self._file)
        async with self._news:
            self._news.notify_all()

    # --- what the phones ask -------------------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None  # noqa: S101 - start_server runs this as a task
        self._talks.add(talk)
        try:
            if len(self._talks) <= MOST_CONNECTIONS:
                await self._talk(h11.Connection(h11.SERVER), reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError, h11.ProtocolError):
            pass  # the other end has gone, was silent too long, or speaks no HTTP; or we end
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _talk(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request after the other."""
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    request, body = await _next_request(connection, reader)
                    if request is None:
                        return
                status, document = await self._answer(request, body)
            except h11.RemoteProtocolError as error:
                what = "the body is too large" if error.error_status_hint == TOO_LARGE else "this is no HTTP request"
                status, document = error.error_status_hint, {"error": what}
            payload = json.dumps(document).encode()
            fields = [("content-type", "application/json"), ("content-length", str(len(payload)))]
            head = h11.Response(status_code=status, headers=[*fields, ("cache-control", "no-store")])
            for event in (head, h11.Data(data=payload), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            async with asyncio.timeout(PATIENCE_S):
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, request: h11.Request, body: bytes) -> tuple[int, Body]:
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        path, _, query = request.target.decode("latin-1").partition("?")
        try:
            self._admit(headers)
            asked = {name: values[-1] for name, values in parse_qs(query).items()}
            said = _document(body)
            return 200, await self._route(request.method.decode(), path.strip("/").split("/"), asked, said)
        except Refused as refused:
            return refused.status, {"error": str(refused)}

    def _admit(self, headers: Mapping[str, str]) -> None:
        """Let in who calls us by our name (a web page that was led here does not) and has the token."""
        name = re.sub(r":[0-9]+$", "", headers.get("host", "")).strip("[]")
        own = {self._config["address"], "localhost", "127.0.0.1", "::1", *self._config["hosts"]}
        everywhere = self._config["address"] in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        if name not in own and not (everywhere and re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]+:[0-9a-fA-F:.]*", name)):
            raise Refused(421, "this is not called so: add the name to hosts")
        given = headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise Refused(401, "the header Authorization must be Bearer and the token")
        if self._context.now() < self._quiet_until:
            raise Refused(503, "a new version takes over: ask again in a moment")

    async def _route(self, method: str, path: list[str], asked: Mapping[str, str], said: Body) -> Body:
        now = self._context.now()
        match method, path:
            case "GET", ["v1", "devices"]:
                return dict(await self._do_devices({}))
            case "PUT", ["v1", "devices", name]:
                answer = self._book.register(name, _text(said, "name", empty=True), now)
            case "DELETE", ["v1", "devices", name]:
                self._book.device(name)
                answer = {"removed": self._book.devices.pop(name)["name"]}
            case "GET", ["v1", "devices", name, ("notifications" | "commands") as queue]:
                return {queue: await self._fetched(name, queue, asked)}
            case "POST", ["v1", "devices", name, "commands", number]:
                answer = {"ok": bool(said.get("ok", True)), "result": _kept(said.get("result"), "result"), "at": now}
                self._book.settle(name, _whole(number, "the number"), answer)
            case "POST", ["v1", "devices", name, "messages"]:
                answer = {"number": self._book.say(name, _text(said, "text"), now)}
            case _:
                raise Refused(404, "there is nothing here: see README.md for what there is")
        await self._changed()
        return answer

    async def _fetched(self, name: str, queue: str, asked: Mapping[str, str]) -> list[Body]:
        """What waits for a device; where nothing does, what comes within the time that it is ready to wait."""
        after, wait_s = (
            _whole(asked.get("after", 0), "after"),
            min(_whole(asked.get("wait", 0), "wait"), LONGEST_WAIT_S),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s), self._news:
                await self._news.wait_for(lambda: self._book.waiting(name, queue, after))
        found = self._book.waiting(name, queue, after)
        self._book.device(name)["seen"] = self._context.now()
        return found

    def _own_token(self, file: Path) -> str:
        """The token that was made when it first ran; its owner alone can read it."""
        with suppress(FileNotFoundError):
            return file.read_text().strip()
        token = os.urandom(24).hex()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(token)
        self._context.log(f"a token for the app was made: it stands in {file}")
        return token


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes]:
    """The next request with its body; None where the other end has closed."""
    request, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(MOST_BODY_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BODY_BYTES:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=TOO_LARGE)
        elif isinstance(event, h11.EndOfMessage):
            return request, body
        else:
            return None, b""


def _document(body: bytes) -> Body:
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused(400, "the body must be a JSON object")
    return said


def _text(body: Body, name: str, *, empty: bool = False) -> str:
    text = body.get(name, "" if empty else None)
    if not isinstance(text, str) or len(text) > LONGEST_TEXT or not (text or empty):
        raise Refused(400, f"{name} must be a text of at most {LONGEST_TEXT} characters")
    return text


def _kept(value: Any, name: str) -> Any:
    """Anything that can be kept and handed on, to the companion and to the next version: small, shallow, and JSON."""
    try:
        fits = _depth(value) <= DEEPEST and len(json.dumps(value, allow_nan=False)) <= LONGEST_TEXT
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise Refused(400, f"{name} must be JSON of at most {LONGEST_TEXT} characters and {DEEPEST} levels")
    return value


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,15}", str(value)):
        raise Refused(400, f"{name} must be a whole number")
    return int(value)

"""A double of Discord: its REST API and its gateway, on loopback, as far as a bot with commands speaks with them.

It hears what the bot sends, says what a test wants said, and can break the connection.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from itertools import count
from threading import Thread
from typing import Any, Self

from aiohttp import WSMsgType, web

TOKEN = "the-token-of-a-bot"
BOT = {"id": "1000", "username": "companion", "discriminator": "0", "avatar": None, "bot": True}
PATIENCE_S = 20.0
HELLO, DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, ACK = 10, 0, 1, 2, 6, 7, 11


class DiscordDouble:
    """Discord, as a bot sees it. `sent` are the messages that the bot wrote, `hails` how it introduced itself."""

    def __init__(self) -> None:
        self.port = 0
        self.sent: list[tuple[str, str]] = []
        self.hails: list[str] = []
        self.mentions: list[Any] = []
        self._sockets: list[web.WebSocketResponse] = []
        self._numbers = count(2**40)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="discord", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._serve())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    @property
    def config(self) -> dict[str, Any]:
        """What makes the plugin speak with this double."""
        here = f"127.0.0.1:{self.port}"
        return {"api": f"http://{here}/api/v10", "gateway": f"ws://{here}/gateway", "ports": [self.port]}

    def says(self, text: str, *, author: str = "77", channel: str = "55", bot: bool = False) -> str:
        """Somebody writes a message; its id."""
        number = str(next(self._numbers))
        self._run(self._tell("MESSAGE_CREATE", _message(number, channel, text, author, bot=bot)))
        return number

    def repeats(self, number: str, text: str) -> None:
        """Discord delivers a message once more."""
        self._run(self._tell("MESSAGE_CREATE", _message(number, "55", text, "77")))

    def breaks(self) -> None:
        """The gateway asks the bot to connect again."""
        self._run(self._send({"op": RECONNECT, "d": None}))

    def _run(self, coroutine: Any) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return done.result(PATIENCE_S)

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/api/v10/users/@me", self._me)
        app.router.add_get("/api/v10/oauth2/applications/@me", self._application)
        app.router.add_post("/api/v10/channels/{channel}/messages", self._posted)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _me(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == f"Bot {TOKEN}"
        return _json(BOT if known else {"message": "401: Unauthorized", "code": 0}, status=200 if known else 401)

    async def _application(self, _: web.Request) -> web.Response:
        application = {"id": "1000", "name": "companion", "icon": None, "description": "", "bot_public": False}
        return _json({**application, "bot_require_code_grant": False, "owner": BOT, "flags": 0, "verify_key": ""})

    async def _posted(self, request: web.Request) -> web.Response:
        body, channel = await request.json(), request.match_info["channel"]
        if channel == "403":
            return _json({"message": "Missing Access", "code": 50001}, status=403)
        self.sent.append((channel, body["content"]))
        self.mentions.append(body.get("allowed_mentions"))
        return _json(_message(str(next(self._numbers)), channel, body["content"], "1000", bot=True))

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41250}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._heard(socket, json.loads(message.data))
        finally:
            self._sockets.remove(socket)
        return socket

    async def _heard(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message["op"] == HEARTBEAT:
            await socket.send_json({"op": ACK})
        elif message["op"] == IDENTIFY:
            self.hails.append("identify" if message["d"]["token"] == TOKEN else "stranger")
            ready = {"v": 10, "user": BOT, "guilds": [], "session_id": "s", "application": {"id": "1000", "flags": 0}}
            ready["resume_gateway_url"] = f"ws://127.0.0.1:{self.port}/gateway"
            await socket.send_json({"op": DISPATCH, "t": "READY", "s": 1, "d": ready})
        elif message["op"] == RESUME:
            self.hails.append("resume")
            await socket.send_json({"op": DISPATCH, "t": "RESUMED", "s": 2, "d": {}})

    async def _tell(self, event: str, data: dict[str, Any]) -> None:
        await self._send({"op": DISPATCH, "t": event, "s": 3, "d": data})

    async def _send(self, message: dict[str, Any]) -> None:
        for socket in tuple(self._sockets):
            await socket.send_json(message)


def _json(document: Any, status: int = 200) -> web.Response:
    # Without a charset, as Discord has it: discord.py compares the header to the letter.
    return web.Response(body=json.dumps(document).encode(), status=status, headers={"Content-Type": "application/json"})


def _message(number: str, channel: str, text: str, author: str, *, bot: bool = False) -> dict[str, Any]:
    """A message as Discord writes it down, in a channel between two."""
    who = {"id": author, "username": f"user{author}", "discriminator": "0", "avatar": None, "bot": bot}
    lists: dict[str, list[Any]] = {
        name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")
    }
    flags = {"tts": False, "pinned": False, "mention_everyone": False, "type": 0, "edited_timestamp": None}
    when = "2026-01-02T03:04:05.000000+00:00"
    return {"id": number, "channel_id": channel, "content": text, "author": who, "timestamp": when, **lists, **flags}

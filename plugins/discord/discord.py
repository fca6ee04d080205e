"""A bot on Discord, by discord.py: it answers the commands of its config, and keeps the rest for the companion.

It speaks with Discord by itself, whether or not the companion asks anything. Each message is answered once, also while
a new version of the plugin takes over and both are connected: the one that can make a file of the message's number
answers it. A mention in an answer never calls anybody.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from brownout.plugin import Context, Health, Request, Response

# Only for sound, which a bot that writes has no use for; Python 3.13 has it no more, and 3.12 warns of it.
sys.modules.setdefault("audioop", ModuleType("audioop"))

import discord  # noqa: E402 - see above
import yarl  # noqa: E402
from discord.ext import commands  # noqa: E402

LONGEST_TEXT = 2000  # Discord's own limit
MOST_KEPT, MOST_CLAIMS = 200, 500


class Bot(commands.Bot):
    """The bot: the commands of the config, and an ear for the rest."""

    def __init__(self, config: Mapping[str, Any], context: Context) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.messages = intents.message_content = True
        super().__init__(
            command_prefix=config["prefix"],
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=config["cache"] or None,
            guild_ready_timeout=0.1,  # it answers whoever writes, and waits for no list of servers first
        )
        self.heard: list[dict[str, Any]] = []
        self.last = 0
        self.turns: dict[str, int] = {}
        self._config, self._context = config, context
        self._claims = Path(context.data_folder, "answered")
        self._claims.mkdir(exist_ok=True)
        for name, answers in config["commands"].items():
            self.add_command(self._canned(name, answers))
        self.add_command(self._pinged())

    async def on_message(self, message: discord.Message, /) -> None:
        """Answer a command, keep anything else; nothing that a bot says, and nothing of a channel that is not meant."""
        channels = self._config["channels"]
        if message.author.bot or (channels and str(message.channel.id) not in channels) or not self._claimed(message):
            return
        context = await self.get_context(message)
        if context.command is not None:
            await self.invoke(context)
            return
        self.last += 1
        said = {"number": self.last, "channel": str(message.channel.id), "text": message.content}
        self.heard.append({**said, "author": message.author.display_name, "at": message.created_at.timestamp()})
        del self.heard[:-MOST_KEPT]

    async def on_command_error(self, context: Any, exception: Exception, /) -> None:
        """Tell who asks too often to wait; what else goes wrong is for the log, without what was said."""
        if isinstance(exception, commands.CommandOnCooldown):
            await context.send(f"Please wait {exception.retry_after:.0f} s.")
        else:
            self._context.log(f"the command {context.command} failed: {type(exception).__name__}", "warning")

    def _canned(self, name: str, answers: list[str]) -> Any:
        async def answer(context: Any) -> None:
            turn = self.turns.get(name, 0)
            self.turns[name] = turn + 1
            if answers:
                await context.send(answers[turn % len(answers)].replace("{name}", context.author.display_name))

        return self._limited(commands.Command(answer, name=name, help="Answers."))

    def _pinged(self) -> Any:
        async def ping(context: Any) -> None:
            await context.send(f"pong, in {1000 * self.latency:.0f} ms")

        return self._limited(commands.Command(ping, name="ping", help="Says how fast Discord is."))

    def _limited(self, command: Any) -> Any:
        return commands.cooldown(1, max(self._config["cooldown"], 0.001), commands.BucketType.user)(command)

    def _claimed(self, message: discord.Message) -> bool:
        """Whether this message is ours to answer, and not that of another version that runs beside."""
        try:
            os.close(os.open(self._claims / str(message.id), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        for old in sorted(self._claims.iterdir(), key=lambda file: int(file.name))[:-MOST_CLAIMS]:
            old.unlink(missing_ok=True)
        return True


class Discord:
    """The plugin around the bot."""

    async def initialize(self, config: Mapping[str, Any], context: Context) -> None:
        """Log in, and connect in the background. Raises where there is no token, or Discord does not take it."""
        token = config.get("token") or os.environ.get("DISCORD_TOKEN", "")
        if not token:
            raise ValueError("set DISCORD_TOKEN, or the token in the config: it has none")
        discord.http.Route.BASE = config["api"]
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config["gateway"])
        self._context = context
        self._bot = Bot(config, context)
        self._fault = ""
        try:
            await self._bot.login(token)
        except BaseException:
            await self._bot.close()
            raise
        self._connected = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        """Stay connected; discord.py comes back by itself after a break."""
        try:
            await self._bot.connect(reconnect=True)
        except (discord.DiscordException, OSError) as error:
            self._fault = f"Discord refuses us: {type(error).__name__}"
            self._context.log(self._fault, "error")

    async def health_check(self) -> Health:
        """Well while Discord is there."""
        if self._fault or self._bot.is_closed():
            return Health(ok=False, message=self._fault or "it has ended")
        return Health(ok=self._bot.is_ready(), message="" if self._bot.is_ready() else "it is not connected yet")

    async def handle_request(self, request: Request) -> Response:
        """Write into a channel (`send`), or tell what was heard (`messages`)."""
        body = request.body if isinstance(request.body, dict) else {}
        if body.get("operation") == "send":
            return await self._send(str(body.get("channel")), body.get("text"))
        if body.get("operation") == "messages":
            after = body.get("after", 0)
            known = [said for said in self._bot.heard if isinstance(after, int) and said["number"] > after]
            return Response({"messages": known})
        return Response(refused="operation must be send or messages")

    async def export_state(self) -> dict[str, Any]:
        """What was heard, and whose turn it is."""
        return {"heard": self._bot.heard, "last": self._bot.last, "turns": self._bot.turns}

    async def import_state(self, state: Any) -> None:
        """Go on with it."""
        if isinstance(state, dict) and isinstance(state.get("last"), int) and isinstance(state.get("heard"), list):
            self._bot.heard, self._bot.last = state["heard"], state["last"]
            self._bot.turns = dict(state.get("turns") or {})

    async def shutdown(self) -> None:
        """Say good-bye to Discord."""
        await self._bot.close()
        await asyncio.gather(self._connected, return_exceptions=True)

    async def _send(self, channel: str, text: Any) -> Response:
        if not channel.isdecimal() or not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT:
            return Response(refused=f"channel must be an id, and text have at most {LONGEST_TEXT} characters")
        self._context.record_usage(api_call=True)
        try:
            sent = await self._bot.get_partial_messageable(int(channel)).send(text)
        except discord.HTTPException as error:
            return Response(refused=f"Discord says {error.status}: {error.text}")
        return Response({"id": str(sent.id)})

"""What the bot promises, against a double of Discord's API and gateway on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brownout.pluginhost.trial import Trial
from plugins.discord.double import TOKEN, DiscordDouble
from tests.eventually import eventually

HERE = Path(__file__).parent


@pytest.fixture
def discord() -> Iterator[DiscordDouble]:
    """Discord."""
    with DiscordDouble() as double:
        yield double


@pytest.fixture
def plugin(discord: DiscordDouble, tmp_path: Path) -> Iterator[Trial]:
    """A bot that is connected."""
    with bot(discord, tmp_path) as trial:
        yield trial


def bot(discord: DiscordDouble, folder: Path, **config: Any) -> Trial:
    """A bot with a config, which is not waited for."""
    given = {"token": TOKEN, "cooldown": "0s", **discord.config, **config}
    return Trial(HERE, given, data_folder=folder)


def ready(plugin: Trial) -> None:
    """Wait until it is connected."""
    eventually(lambda: plugin.health().ok)


def messages(plugin: Trial, after: int = 0) -> list[Any]:
    """What the companion is told of."""
    return list(plugin.ask({"operation": "messages", "after": after}).body["messages"])


def test_a_command_is_answered_in_its_channel(discord: DiscordDouble, plugin: Trial) -> None:
    """Those of the config, by the name of who asks, and one of its own; a mention in an answer calls nobody."""
    ready(plugin)
    discord.says("!hello", channel="55")
    discord.says("!ping", channel="56")
    eventually(lambda: len(discord.sent) == 2)
    assert ("55", "Hello user77!") in discord.sent
    assert any(channel == "56" and text.startswith("pong, in ") for channel, text in discord.sent)
    assert discord.mentions == [{"parse": []}] * 2


def test_what_is_no_command_is_kept_for_the_companion(discord: DiscordDouble, plugin: Trial) -> None:
    """With who said it and where; what bots say, its own words among them, is not."""
    ready(plugin)
    discord.says("beep", bot=True)
    discord.says("what do you think?", author="78")
    discord.says("!nothing")
    eventually(lambda: len(messages(plugin)) == 2)
    first, second = messages(plugin)
    assert (first["text"], first["author"], first["channel"]) == ("what do you think?", "user78", "55")
    assert second["text"] == "!nothing"
    assert messages(plugin, after=first["number"]) == [second]


def test_the_companion_can_write(discord: DiscordDouble, plugin: Trial) -> None:
    """Into a channel, counted as a call of an API; what Discord refuses is told with its words."""
    ready(plugin)
    assert plugin.ask({"operation": "send", "channel": "55", "text": "Tea is ready."}).body["id"].isdecimal()
    assert discord.sent == [("55", "Tea is ready.")]
    assert plugin.usage == [(0, True)]
    assert (
        plugin.ask({"operation": "send", "channel": "403", "text": "x"}).refused == "Discord says 403: Missing Access"
    )
    for nonsense in ({}, {"channel": "../users", "text": "x"}, {"channel": "55", "text": "x" * 2001}):
        assert "must be an id" in plugin.ask({"operation": "send", **nonsense}).refused
    assert "operation must be" in plugin.ask({"operation": "ban"}).refused


def test_only_the_channels_that_are_meant(discord: DiscordDouble, tmp_path: Path) -> None:
    """With a list, the others are not heard."""
    with bot(discord, tmp_path, channels=["55"]) as plugin:
        ready(plugin)
        discord.says("not here", channel="56")
        discord.says("here", channel="55")
        eventually(lambda: messages(plugin))
        assert [said["text"] for said in messages(plugin)] == ["here"]


def test_who_asks_too_often_is_told_to_wait(discord: DiscordDouble, tmp_path: Path) -> None:
    """Each person by themselves."""
    with bot(discord, tmp_path, cooldown="1h") as plugin:
        ready(plugin)
        discord.says("!hello", author="77")
        discord.says("!hello", author="77")
        discord.says("!hello", author="78")
        eventually(lambda: len(discord.sent) == 3)
    texts = sorted(text for _, text in discord.sent)
    assert texts[:2] == ["Hello user77!", "Hello user78!"]
    assert texts[2].startswith("Please wait 3")


def test_a_break_is_mended_and_nothing_is_answered_twice(discord: DiscordDouble, plugin: Trial) -> None:
    """The bot resumes its session; a message that Discord delivers once more has been answered already."""
    ready(plugin)
    number = discord.says("!hello")
    eventually(lambda: len(discord.sent) == 1)
    discord.breaks()
    eventually(lambda: discord.hails == ["identify", "resume"])
    discord.repeats(number, "!hello")
    discord.says("after the break")
    eventually(lambda: messages(plugin))
    assert len(discord.sent) == 1


def test_while_a_new_version_takes_over_each_message_is_answered_once(
    discord: DiscordDouble, plugin: Trial, tmp_path: Path
) -> None:
    """Both are connected and hear everything; one of them answers. What was kept goes over."""
    ready(plugin)
    discord.says("before")
    eventually(lambda: messages(plugin))
    with bot(discord, tmp_path) as successor:
        ready(successor)
        for _ in range(5):
            discord.says("!hello")
        eventually(lambda: len(discord.sent) == 5)
        successor.import_state("nonsense")
        successor.import_state(plugin.export_state())
        assert [said["text"] for said in messages(successor)] == ["before"]
        plugin.call("shutdown")
        discord.says("!hello")
        eventually(lambda: len(discord.sent) == 6)
    assert len(discord.sent) == 6


def test_without_a_token_it_says_so(discord: DiscordDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None at all, and one that Discord does not take: both before it connects, and the token is in no sentence."""
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    with pytest.raises(ValueError, match="set DISCORD_TOKEN"), Trial(HERE, discord.config, data_folder=tmp_path):
        pass
    monkeypatch.setenv("DISCORD_TOKEN", "a-wrong-token")
    with (
        pytest.raises(Exception, match="Improper token") as refused,
        Trial(HERE, discord.config, data_folder=tmp_path),
    ):
        pass
    assert "a-wrong-token" not in str(refused.value)
    assert discord.hails == []


def test_the_lower_level_keeps_less(discord: DiscordDouble, tmp_path: Path) -> None:
    """At level lean no message is kept in memory; the commands are the same."""
    given = {"token": TOKEN, "cooldown": "0s", **discord.config}
    with Trial(HERE, given, level="lean", data_folder=tmp_path) as plugin:
        assert plugin.config["cache"] == 0
        ready(plugin)
        discord.says("!about")
        eventually(lambda: discord.sent)

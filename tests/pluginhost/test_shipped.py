"""The plugins of the repository as they run in earnest: in workers of their own, under their own manifests."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brownout.api.integration import Integration
from brownout.api.validation import validate_document
from brownout.disk.documents import read_documents
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.discovery import discover
from brownout.pluginhost.found import Found, digest
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.launch import launch_of
from brownout.pluginhost.setting import check_config
from plugins.android.test_android import TOKEN, free_port
from plugins.discord.double import TOKEN as BOT_TOKEN
from plugins.discord.double import DiscordDouble
from plugins.voice.test_voice import SPEAK, program
from tests.checkout import ROOT
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

MIB = 2**20
SHIPPED = discover([ROOT / "plugins"], packages=False)


def runs(
    stage: Stage, name: str, story: Callable[[PluginHost], Awaitable[Any]], level: str = "", **config: Any
) -> None:
    """Run one of them with this config, and tell a story with it."""
    found = SHIPPED.load(name)
    assert isinstance(found, Found), found
    levels = {each.name: each.config for each in found.manifest.levels}
    checked = check_config(found.manifest.config, {**config, **levels.get(level, {})})
    assert isinstance(checked, dict), checked
    launch = launch_of(name, found, stage.state / "plugins" / name, level=level, config=checked, base=checked)

    async def told(host: PluginHost) -> None:
        started = await host.start(launch)
        assert started.status is OutcomeStatus.DONE, started
        await eventually_async(lambda: _well(host, name))
        await story(host)

    stage.live(told)
    assert stage.processes() == ()
    assert stage.faults == []


async def _well(host: PluginHost, name: str) -> bool:
    health = await host.check(name, within_s=5.0)
    return health.ok and bool(health.body["ok"])


async def asked(host: PluginHost, name: str, body: Any) -> Any:
    """The body of its answer."""
    answer = await host.request(name, {"id": "1", "properties": {}, "body": body, "timeout_s": 5.0})
    assert answer.status is AnswerStatus.OK, answer
    return answer.body


def test_all_that_ship_are_in_order() -> None:
    """The example and the four: found without a problem, each with its README and its test."""
    assert SHIPPED.problems == ()
    assert sorted(SHIPPED.order) == ["android", "discord", "example", "stubs", "voice"]
    for name in SHIPPED.order:
        assert {"README.md", f"test_{name}.py", "plugin.yaml"} <= {
            file.name for file in (ROOT / "plugins" / name).iterdir()
        }


@pytest.mark.parametrize("name", sorted(SHIPPED.order))
def test_each_readme_tells_every_setting_and_level(name: str) -> None:
    """What its user may set stands in its README, with the names of its levels."""
    manifest, text = SHIPPED.candidates[name].manifest, (ROOT / "plugins" / name / "README.md").read_text()
    words = [*manifest.config, *(level.name for level in manifest.levels)]
    assert [word for word in words if f"`{word}`" not in text and f"name: {word}," not in text] == []


@pytest.mark.parametrize("name", sorted(SHIPPED.order))
def test_the_integration_of_each_readme_fits_its_plugin(name: str) -> None:
    """What its user copies is valid, names levels that the plugin knows, and is taken by the plugin at each of them."""
    readme = (ROOT / "plugins" / name / "README.md").read_text()
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert fits(text) == name


@pytest.mark.parametrize(
    "file", sorted((ROOT / "manifests/samples/plugins").glob("*.yaml")), ids=lambda file: file.stem
)
def test_the_samples_fit_the_plugins(file: Path) -> None:
    """So is what lies among the samples."""
    assert fits(file.read_text()) == file.stem


def fits(text: str) -> str:
    """The plugin that an Integration names, which takes its config at each of its levels."""
    (document,), problems = read_documents(text)
    assert problems == ()
    integration = validate_document(document.data)
    assert isinstance(integration, Integration), integration
    plugin = integration.spec.workload.plugin
    assert plugin is not None
    manifest = SHIPPED.candidates[plugin.name].manifest
    assert {level.name for level in integration.spec.levels} <= {level.name for level in manifest.levels}
    for level in integration.spec.levels or (None,):
        config = {**plugin.config, **(level.config if level else {})}
        assert isinstance(check_config(manifest.config, config), dict), (plugin.name, level)
    return plugin.name


def test_stubs_answer_in_a_few_megabytes(stage: Stage) -> None:
    """Under 15 MB of its own, which is what an idle worker may take."""

    async def story(host: PluginHost) -> None:
        assert await asked(host, "stubs", {"text": "!ping"}) == {"text": "pong"}
        held = await host.memory_bytes("stubs")
        assert held is not None
        assert held < 15 * MIB, held / MIB

    runs(stage, "stubs", story)


def test_the_example_greets_at_both_levels(stage: Stage) -> None:
    """The one that people copy runs in earnest."""

    async def full(host: PluginHost) -> None:
        assert await asked(host, "example", {"name": "Ada"}) == {"text": "Hello, Ada!", "times": 1}

    async def brief(host: PluginHost) -> None:
        assert await asked(host, "example", {"name": "Ada"}) == {"text": "Hello!"}

    runs(stage, "example", full, level="full")
    runs(stage, "example", brief, level="brief")


def test_android_serves_a_phone(stage: Stage) -> None:
    """Its port is open to the phone, though it is confined; what the companion says arrives there."""
    port = free_port()

    async def story(host: PluginHost) -> None:
        assert '"Ada"' in await _http(port, "PUT", "devices/pixel", '{"name": "Ada"}')
        await asked(host, "android", {"operation": "notify", "text": "tea"})
        assert '"tea"' in await _http(port, "GET", "devices/pixel/notifications", "")

    runs(stage, "android", story, port=port, token=TOKEN)


def test_android_is_replaced_while_a_phone_talks_with_it(stage: Stage) -> None:
    """A new version takes over port and book: what waited for the phone is there, and it is never refused for long."""
    port = free_port()
    old = SHIPPED.load("android")
    assert isinstance(old, Found)
    changed = old.module_bytes + b"# a new version\n"
    new = replace(old, module_bytes=changed, sha256=digest("android.py", b"", changed))
    config = check_config(old.manifest.config, {"port": port, "token": TOKEN})
    assert isinstance(config, dict)
    folder = stage.state / "plugins" / "android"

    async def story(host: PluginHost) -> None:
        for at, found in enumerate((old, new, old)):
            launch = launch_of("android", found, folder, level="", config=config, base=config)
            assert (await host.start(launch)).status is OutcomeStatus.DONE
            if not at:
                await _http(port, "PUT", "devices/pixel", "{}")
            await asked(host, "android", {"operation": "notify", "text": f"version {at}"})
        said = await _http(port, "GET", "devices/pixel/notifications", "")
        assert [text in said for text in ("version 0", "version 1", "version 2")] == [True] * 3
        assert len(stage.processes()) == 1

    stage.live(story)


async def _http(port: int, method: str, path: str, body: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 200 "), answer
    return answer


def test_voice_starts_its_program(stage: Stage, tmp_path: Path) -> None:
    """The program that the config names, and in text where the level says so."""
    speak = program(tmp_path, "speak", SPEAK)

    async def small(host: PluginHost) -> None:
        body = await asked(host, "voice", {"operation": "say", "text": "hello"})
        assert (body.get("missing"), body["seconds"]) == (None, 0.5)

    async def text(host: PluginHost) -> None:
        assert (await asked(host, "voice", {"operation": "say", "text": "hello"}))["spoken"] is False

    # The double is a Python script: it reads itself, and Python's own library.
    reads = sorted({str(tmp_path), str(Path(shutil.__file__).parents[2])})
    runs(stage, "voice", small, level="small", smallProgram=speak, smallArguments=[], models=reads)
    runs(stage, "voice", text, level="text")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (CI installs it)")
def test_voice_speaks_with_the_real_engine(stage: Stage) -> None:
    """espeak-ng runs within what the manifest gives it."""

    async def story(host: PluginHost) -> None:
        body = await asked(host, "voice", {"operation": "say", "text": "The lamps are dimmed."})
        assert (body.get("missing"), body["seconds"] > 0.5) == (None, True)

    runs(stage, "voice", story, level="small")


def test_discord_answers_its_commands(stage: Stage) -> None:
    """With nothing but the ports of Discord's double."""
    with DiscordDouble() as discord:

        async def story(host: PluginHost) -> None:
            await asyncio.to_thread(discord.says, "!hello")
            await eventually_async(lambda: _sent(discord))
            assert discord.sent == [("55", "Hello user77!")]

        runs(stage, "discord", story, level="lean", token=BOT_TOKEN, **discord.config)


async def _sent(discord: DiscordDouble) -> bool:
    return bool(discord.sent)

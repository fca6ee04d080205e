"""Laws of the driver: what is declared is what runs, at the level that was asked for, and nothing untrusted does."""

import asyncio
import os
from dataclasses import replace

import pytest

from brownout.api.integration import Level
from brownout.api.metadata import ObjectMeta
from brownout.core.ladder import with_levels
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import Answer
from brownout.pluginhost.configuring import config_problems, levels_of
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.found import Found
from brownout.pluginhost.trust import TRUST_FILE, write_trust
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage, found

SAYING = """
config = {}
def initialize(given): config.update(given)
def health_check(): pass
def handle_request(request): return config
def shutdown(): pass
"""
SETTINGS = "config:\n  model: {type: string, default: medium}\n  words: {type: integer, default: 7}\n"
LARGE, SMALL = (Level(name=name, config={"model": name}) for name in ("large", "small"))


def test_a_level_is_its_config_over_the_plugins(stage: Stage) -> None:
    """Manifest, integration, level: the later wins; another level of a plugin without set_level is another process."""
    stage.put("voice", SAYING, SETTINGS)
    voice = stage.integration("voice", config={"words": 3}, levels=[{"name": "large"}, {"name": "small"}])

    async def story(driver: PluginDriver) -> None:
        identities = set()
        for level in (LARGE, SMALL):
            assert (await driver.start(voice, level)).status is OutcomeStatus.DONE
            assert (await stage.ask(driver._host, "voice")).body == {"model": level.name, "words": 3}
            identities.add((await driver.observe(voice)).identity)
        assert len(identities) == 2

    stage.drive(story)


def test_what_an_integration_says_of_a_level_goes_before_what_the_plugin_says_of_it(stage: Stage) -> None:
    """And that before what the integration says of all levels."""
    stage.put("voice", SAYING, SETTINGS + "levels: [{name: large, config: {model: plugins, words: 5}}]\n")
    level = Level(name="large", config={"model": "ours"})
    voice = stage.integration("voice", config={"words": 3}, levels=[level])

    async def story(driver: PluginDriver) -> None:
        await driver.start(voice, level)
        assert (await stage.ask(driver._host, "voice")).body == {"model": "ours", "words": 5}

    stage.drive(story)


def test_what_failed_as_it_was_before_is_to_be_started_as_it_is_now(stage: Stage) -> None:
    """It is down, so it is a start like any other: as far as it fits, and not a change of something that runs."""
    stage.put("voice", "raise RuntimeError('half')\n" + SAYING, SETTINGS)
    voice = stage.integration("voice")

    async def story(driver: PluginDriver) -> None:
        assert (await driver.start(voice, None)).status is OutcomeStatus.FAILED
        stage.put("voice", SAYING, SETTINGS)

        async def stopped() -> bool:
            seen = await driver.observe(voice)
            return seen.presence is Presence.STOPPED and not seen.outdated

        assert await eventually_async(stopped)
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE

    stage.drive(story)


def test_at_the_end_of_the_controller_each_has_the_grace_that_is_declared_now(stage: Stage) -> None:
    """Also one whose grace was edited since it was started, which is no reason to start it anew."""
    slow = "import time\ndef handle_request(request): time.sleep(1.0)\n"
    stage.put("voice", SAYING.replace("def handle_request(request): return config\n", slow))

    async def story(driver: PluginDriver) -> "asyncio.Future[Answer]":
        await driver.start(stage.integration("voice", stop={"grace": "0s"}), None)
        assert not (await driver.observe(stage.integration("voice", stop={"grace": "10s"}))).outdated
        asking = asyncio.ensure_future(stage.ask(driver._host, "voice"))
        await asyncio.sleep(0)
        return asking

    assert stage.drive(story).result().ok


def test_a_level_that_the_plugin_does_not_know_is_told(stage: Stage) -> None:
    """A slip in its name would leave the plugin as it was, at a level that saves nothing. Who lists none takes any."""
    stage.put("voice", SAYING, SETTINGS + "levels: [{name: large}, {name: text}]\n")
    stage.put("plain", SAYING, SETTINGS)
    levels = (Level(name="large"), Level(name="txt"))

    async def story(driver: PluginDriver) -> None:
        refused = await driver.start(stage.integration("voice", levels=levels), levels[1])
        assert refused.status is OutcomeStatus.FAILED
        assert refused.detail == (
            'spec.levels[1].name: Invalid value: "txt": must be a level of the plugin: large, text'
        )
        assert (await driver.start(stage.integration("plain", levels=levels), levels[1])).status is OutcomeStatus.DONE

    stage.drive(story)


def test_a_level_that_was_left_to_the_plugin_has_the_plugins_config(stage: Stage) -> None:
    """Also in a cluster, where nobody else may say it; the owner's own config goes before the plugin's default."""
    levels = "levels:\n  - {name: large, config: {model: large}}\n  - {name: small, config: {model: small}}\n"
    stage.put("voice", SAYING, SETTINGS + levels + "needs: {files: {read: [$model]}}\n")
    plugin = stage.catalog.plugin("voice")
    assert isinstance(plugin, Found)
    declared = stage.integration("voice", config={"words": 3})
    voice = with_levels(declared, levels_of(plugin.manifest))
    assert [level.config for level in voice.spec.levels] == [{}, {}]
    assert config_problems(plugin.manifest, declared) == ()

    async def story(driver: PluginDriver) -> None:
        for level in voice.spec.levels:
            assert (await driver.start(voice, level)).status is OutcomeStatus.DONE
            assert (await stage.ask(driver._host, "voice")).body == {"model": level.name, "words": 3}
            assert not (await driver.observe(voice)).outdated

    stage.drive(story, grants=False)


def test_a_wrong_config_is_told_with_all_its_problems(stage: Stage) -> None:
    """And nothing is started."""
    stage.put("voice", SAYING, SETTINGS)
    wrong = stage.integration("voice", config={"words": "many", "wrods": 3})

    async def story(driver: PluginDriver) -> None:
        outcome = await driver.start(wrong, None)
        assert outcome.status is OutcomeStatus.FAILED
        assert "config.words" in outcome.detail
        assert "config.wrods" in outcome.detail
        assert stage.processes() == ()

    stage.drive(story)


def test_a_changed_file_makes_it_outdated_and_a_start_exchanges_it(stage: Stage) -> None:
    """The planner sees that what runs is not what lies there."""
    stage.put("voice", SAYING)
    voice = stage.integration("voice")

    async def story(driver: PluginDriver) -> None:
        await driver.start(voice, None)
        first = await driver.observe(voice)
        assert (first.presence, first.outdated) == (Presence.RUNNING, False)
        stage.put("voice", SAYING + "\ndef handle_request(request): return 'new'\n")
        assert (await driver.observe(voice)).outdated
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        second = await driver.observe(voice)
        assert (second.outdated, second.identity != first.identity) == (False, True)
        assert (await stage.ask(driver._host, "voice")).body == "new"

    stage.drive(story)


def test_its_memory_is_that_of_all_its_processes(stage: Stage) -> None:
    """What it allocates is seen, and so is what its children do."""
    holding = "import subprocess, sys\nheld = bytearray(40 * 2**20)\n"
    stage.put("voice", SAYING + holding)
    stage.put("small", SAYING)
    voice, small = stage.integration("voice"), stage.integration("small")

    async def story(driver: PluginDriver) -> None:
        for each in (voice, small):
            await driver.start(each, None)
        large_bytes, small_bytes = [(await driver.observe(each)).memory_bytes or 0 for each in (voice, small)]
        assert large_bytes - small_bytes > 35 * 2**20
        assert 0 < small_bytes < 15 * 2**20

    stage.drive(story)


def test_nothing_runs_that_is_not_on_the_list(stage: Stage) -> None:
    """Once there is a list: a plugin that is not on it, and one that was changed since; the old one stays."""
    stage.put("voice", SAYING)
    stage.put("other", SAYING)
    stage.state.mkdir()
    voice, other = stage.integration("voice"), stage.integration("other")

    async def story(driver: PluginDriver) -> None:
        trusted = driver._find("voice")
        assert not isinstance(trusted, str)
        write_trust(stage.state, [trusted])
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        refused = await driver.start(other, None)
        assert refused.status is OutcomeStatus.FAILED
        assert "is not trusted" in refused.detail
        stage.put("voice", SAYING + "\nimport os\n")
        seen = await driver.observe(voice)
        assert (seen.presence, seen.outdated) == (Presence.RUNNING, False)
        assert "is not the one that was trusted" in seen.kept
        assert (await driver.start(voice, None)).status is OutcomeStatus.FAILED
        assert (await stage.ask(driver._host, "voice")).ok

    stage.drive(story)


@pytest.mark.parametrize("load", ["Lazy", "Eager"])
def test_what_is_taken_off_the_list_is_not_started_again(stage: Stage, load: str) -> None:
    """One that sleeps and one that has ended are held to the list as it is now, and not as it was."""
    for name in ("voice", "other"):
        stage.put(name, SAYING)
    manifest = stage.root / "plugins/voice/plugin.yaml"
    manifest.write_text(manifest.read_text().replace("Eager", load))
    voice = stage.integration("voice")

    async def story(driver: PluginDriver) -> None:
        both = [each for name in ("voice", "other") if not isinstance(each := driver._find(name), str)]
        write_trust(stage.state, both)
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        (stage.state / TRUST_FILE).unlink()
        write_trust(stage.state, both[1:])
        for process in stage.processes():
            os.kill(process.pid, 9)

        async def refused() -> bool:
            return "is not trusted" in (await stage.ask(driver._host, "voice")).detail

        assert await eventually_async(refused)
        assert stage.processes() == ()

    stage.drive(story)


def test_what_cannot_take_over_is_told_and_the_old_one_stays(stage: Stage) -> None:
    """A manifest that is broken, a folder that is gone, a config that does not fit: said once, until it is mended."""
    stage.put("voice", SAYING)
    voice, folder = stage.integration("voice"), stage.root / "plugins" / "voice"

    async def story(driver: PluginDriver) -> None:
        await driver.start(voice, None)

        async def told(why: str) -> None:
            stage.faults.clear()
            for _ in range(2):
                seen = await driver.observe(voice)
                assert (seen.presence, seen.outdated) == (Presence.RUNNING, False)
                assert why in seen.kept
            (fault,) = stage.faults
            assert fault.startswith("voice: it runs as before, since what is there now cannot take its place: ")
            assert why in fault

        manifest = (folder / "plugin.yaml").read_text()
        (folder / "plugin.yaml").write_text("name: voice\n")
        await told("version: Required value")
        (folder / "plugin.yaml").write_text(manifest)
        assert (await driver.observe(voice)).kept == ""
        folder.rename(folder.with_name("gone"))
        await told("there is no such plugin")
        folder.with_name("gone").rename(folder)
        odd = stage.integration("voice", config={"volume": 11})
        seen = await driver.observe(odd)
        assert "spec.workload.plugin.config.volume" in seen.kept
        assert (await stage.ask(driver._host, "voice")).ok

    stage.drive(story)


def test_the_bytes_that_were_checked_are_the_bytes_that_run(stage: Stage) -> None:
    """What is exchanged between the check and the run, and what lies beside it, is not even read."""
    stage.put("voice", SAYING)
    folder = stage.root / "plugins" / "voice"
    (folder / "sitecustomize.py").write_text("raise SystemExit(9)")
    (folder / "json.py").write_text("raise SystemExit(9)")

    async def story(driver: PluginDriver) -> None:
        launch = driver._launch(stage.integration("voice"), found("voice", SAYING), None)
        assert not isinstance(launch, str)
        (folder / "voice.py").write_text("raise SystemExit(9)")
        launch = replace(launch, found=replace(launch.found, folder=str(folder)))
        assert (await driver._host.start(launch)).status is OutcomeStatus.DONE

    stage.drive(story)


def test_a_lazy_plugin_starts_with_its_first_request(stage: Stage) -> None:
    """Until then it is there, holds nothing, and is well."""
    stage.put("voice", SAYING, SETTINGS)
    manifest = stage.root / "plugins" / "voice" / "plugin.yaml"
    manifest.write_text(manifest.read_text().replace("Eager", "Lazy"))
    voice = stage.integration("voice")

    async def story(driver: PluginDriver) -> None:
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        seen = await driver.observe(voice)
        assert (seen.presence, seen.memory_bytes) == (Presence.RUNNING, 0)
        assert stage.processes() == ()
        assert (await driver._host.check("voice", within_s=1.0)).ok
        assert (await stage.ask(driver._host, "voice")).ok
        assert len(stage.processes()) == 1
        assert (await driver.stop(voice, grace_s=5.0)).status is OutcomeStatus.DONE
        assert (await driver.observe(voice)).presence is Presence.STOPPED

    stage.drive(story)


@pytest.mark.parametrize(("plugin", "owner"), [("Lazy", "Eager"), ("Eager", "Lazy")])
def test_the_owner_says_whether_a_plugin_is_loaded_at_once(stage: Stage, plugin: str, owner: str) -> None:
    """What the Integration says goes before what the plugin says of itself."""
    stage.put("voice", SAYING, SETTINGS)
    manifest = stage.root / "plugins" / "voice" / "plugin.yaml"
    manifest.write_text(manifest.read_text().replace("Eager", plugin))
    voice = stage.integration("voice", workload={"plugin": {"name": "voice", "load": owner}})

    async def story(driver: PluginDriver) -> None:
        assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
        assert len(stage.processes()) == (1 if owner == "Eager" else 0)

    stage.drive(story)


def test_a_worker_dies_with_its_host(stage: Stage) -> None:
    """And gets nothing of its environment but what it declares."""
    os.environ["BROWNOUT_TEST_SECRET"] = "hidden"
    stage.put("voice", SAYING + "\nimport os\ndef handle_request(request): return dict(os.environ)\n")

    async def story(driver: PluginDriver) -> None:
        await driver.start(stage.integration("voice"), None)
        environment = (await stage.ask(driver._host, "voice")).body
        assert set(environment) <= {
            "PATH", "LANG", "TZ", "HOME", "TMPDIR", "MALLOC_ARENA_MAX", "LC_CTYPE",
            "BROWNOUT_PLUGIN_HOST", "BROWNOUT_PLUGIN_RUN",
        }  # fmt: skip
        driver._host._spawner._thread.shutdown()  # the thread that started it ends, as it does with the host

        async def gone() -> bool:
            return stage.processes() == ()

        assert await eventually_async(gone)

    stage.drive(story)


def test_a_plugin_says_how_it_is(stage: Stage) -> None:
    """Its own health_check is its health: well, not well with its reason, raising, hanging, and off."""
    for name, body in {
        "well": "return None",
        "ill": "from brownout.plugin import Health; return Health(False, 'the model is not loaded')",
        "mute": "return False",
        "raising": "raise ValueError('no such file')",
        "hanging": "import threading; threading.Event().wait()",
    }.items():
        stage.put(name, SAYING + f"\ndef health_check(): {body}\n")
    said: dict[str, tuple[str, str]] = {}

    async def story(driver: PluginDriver) -> None:
        for name in ("well", "ill", "mute", "raising", "hanging"):
            one = stage.integration(name, health={"timeout": "500ms"})
            await driver.start(one, None)
            await stage.ask(driver._host, name)  # it sleeps until it is asked for the first time
            checked = await driver.check(one)
            said[name] = (checked.answer.value, checked.why)
        stopped = stage.integration("well")
        await driver.stop(stopped, grace_s=1.0)
        said["off"] = ((await driver.check(stopped)).answer.value, "")

    stage.drive(story)
    assert said["well"] == ("ok", "")
    assert said["ill"] == ("failed", "the model is not loaded")
    assert said["mute"] == ("failed", "it says that it is not well")
    assert said["raising"][0] == "failed"
    assert "no such file" in said["raising"][1]
    assert said["hanging"] == ("failed", "its health_check does not answer in time")
    assert said["off"][0] == "failed"


def test_in_a_cluster_no_integration_gives_a_plugin_more_of_the_node(stage: Stage) -> None:
    """A path that its manifest leaves to the config may be set where it is trusted, and not by who writes an object."""
    settings = "config:\n  folder: {type: string, default: /none}\n  words: {type: integer, default: 7}\n"
    stage.put("voice", SAYING, settings + "needs:\n  files: {read: [$folder]}\n")
    asking, plain = (stage.integration("voice", config=config) for config in ({"folder": "/etc"}, {"words": 3}))

    async def story(driver: PluginDriver) -> None:
        refused = await driver.start(asking, None)
        assert refused.status is OutcomeStatus.FAILED
        assert "spec.workload.plugin.config.folder: must not be set in a cluster" in refused.detail
        assert (await driver.start(plain, None)).status is OutcomeStatus.DONE

    stage.drive(story, grants=False)


def test_two_of_one_name_in_two_namespaces_are_two(stage: Stage) -> None:
    """Each has a process and a data folder of its own, under the key by which its home calls it."""
    stage.put("voice", SAYING, SETTINGS)
    one, two = (
        stage.integration("voice", config={"words": words}).model_copy(
            update={"metadata": ObjectMeta(name="voice", namespace=namespace)}
        )
        for words, namespace in ((1, "home"), (2, "work"))
    )

    async def story(driver: PluginDriver) -> None:
        for integration, key, words in ((one, "home/voice", 1), (two, "work/voice", 2)):
            assert (await driver.start(integration, None)).status is OutcomeStatus.DONE
            assert (await stage.ask(driver._host, key)).body == {"model": "medium", "words": words}
        assert (await driver.observe(one)).identity != (await driver.observe(two)).identity
        folders = {path.name for path in (stage.state / "plugins").iterdir() if path.is_dir()}
        assert {"home.voice", "work.voice"} <= folders

    stage.drive(story, key_of=lambda integration: f"{integration.metadata.namespace}/{integration.metadata.name}")

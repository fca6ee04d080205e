"""Laws of a plugin's secrets: what its manifest calls secret, by whatever name, is shown by nobody."""

from __future__ import annotations

from brownout.engine.secrecy import COVER
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.manifest import Manifest, read_manifest
from brownout.pluginhost.setting import Setting, check_config, secret_texts
from tests.pluginhost.stage import Stage

CANARY = "hunter2hunter2"
SETTINGS = """
config:
  pin: {type: string, secret: true}
  phrases: {type: list, items: {type: string, secret: true}}
  channel: {type: string, default: music}
"""
PLAIN = "def health_check(): pass\ndef handle_request(request): pass\ndef shutdown(): pass\n"
TELLS = """
    said = {}
    def initialize(config, context):
        said.update(config)
        context.log(f"logged in with {said['pin']}")
    def health_check():
        from brownout.plugin import Health
        return Health(False, f"{said['pin']} is refused in {said['channel']}")
    def handle_request(request): raise ValueError(f"wrong pin {said['pin']}, not {said['phrases'][0]}")
    def shutdown(): pass
"""


def shown(stage: Stage, driver: PluginDriver, config: dict[str, object]) -> object:
    """What whoever asks is shown of an integration's config."""
    covered = driver._host._place.secrecy.covered("voice", stage.integration("voice", config=config))
    assert covered.spec.workload.plugin is not None
    return covered.spec.workload.plugin.config


def test_what_is_shown_follows_the_manifest(stage: Stage) -> None:
    """Nothing before it was read and may run; of one that is broken later what the last one said."""
    config: dict[str, object] = {"pin": CANARY, "phrases": [CANARY], "channel": "news", "typo": CANARY}
    voice = stage.integration("voice", config=config)
    opened = {"pin": COVER, "phrases": COVER, "channel": "news", "typo": COVER}

    async def story(driver: PluginDriver) -> None:
        await driver.observe(voice)
        assert shown(stage, driver, config) == dict.fromkeys(config, COVER)
        stage.put("voice", TELLS, SETTINGS)
        await driver.observe(voice)
        assert shown(stage, driver, config) == opened
        stage.put("voice", TELLS, "config: [")
        await driver.observe(voice)
        assert shown(stage, driver, config) == opened
        stage.put("voice", TELLS, "config:\n  channel: {type: string, secret: true}\n")
        await driver.observe(voice)
        assert shown(stage, driver, config) == dict.fromkeys(config, COVER)
        await driver.forget("voice")
        assert shown(stage, driver, config) == dict.fromkeys(config, COVER)

    stage.drive(story)


def test_what_a_plugin_says_of_itself_holds_no_secret_of_its_config(stage: Stage) -> None:
    """Lines for the log, the message of its health, an exception: each goes on to status, history and log."""
    stage.put("voice", TELLS, SETTINGS)
    voice = stage.integration("voice", config={"pin": CANARY, "phrases": ["a phrase of hers"]})

    async def story(driver: PluginDriver) -> None:
        await driver.start(voice, None)
        assert (await driver.check(voice)).why == f"{COVER} is refused in music"
        answer = await stage.ask(driver._host, "voice")
        assert "wrong pin ***, not ***" in answer.detail
        assert [text for _, _, text in stage.notes] == [f"logged in with {COVER}"]

    stage.drive(story)


def test_one_that_does_not_come_up_holds_none_either(stage: Stage) -> None:
    """The reason stands in the status until it comes up."""
    stage.put("voice", "def initialize(config): raise ValueError(config['pin'])\n" + PLAIN, SETTINGS)
    voice = stage.integration("voice", config={"pin": CANARY})

    async def story(driver: PluginDriver) -> None:
        outcome = await driver.start(voice, None)
        assert f"ValueError: {COVER}" in outcome.detail
        assert CANARY not in str([await driver.observe(voice), stage.faults])

    stage.drive(story)


def test_a_wrong_value_is_not_told_where_any_part_is_secret() -> None:
    """Also of the items of a list, and where the whole has the wrong shape."""
    settings = _settings("config:\n  phrases: {type: list, items: {type: string, secret: true, pattern: '[0-9]+'}}\n")
    for given in ([CANARY], CANARY, {CANARY: 1}):
        problems = check_config(settings, {"phrases": given})
        assert isinstance(problems, tuple)
        assert CANARY not in str(problems[0])


def test_secrets_are_found_in_texts_longest_first() -> None:
    """One that is part of another leaves no rest; what is too short would be found everywhere, and is left out."""
    kind = "{type: map, secret: true}"
    settings = _settings(f"config:\n  all: {kind}\n  open: {{type: string}}\n")
    config = {"all": {"a": "abcd", "b": "abcdef", "c": "abc", "d": [12345, True]}, "open": "shown"}
    assert secret_texts(settings, config) == ("abcdef", "12345", "abcd")


def _settings(text: str) -> dict[str, Setting]:
    found = read_manifest(f"name: voice\nversion: 1.0.0\nentry: voice.py\n{text}")
    assert isinstance(found, Manifest)
    return found.config

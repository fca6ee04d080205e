"""`brownout validate`: every problem of every file at once, each with file, line, field, value and what is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from brownout.api.metadata import NAME
from tests.builders import integration_document, policy_document
from tests.checkout import ROOT
from tests.cli.typed import typed
from tests.pluginhost.folders import Plugins

BROKEN = """\
apiVersion: brownout.dev/v1alpha1
kind: Integration
metadata:
  name: Voice
spec:
  priorty: 10
  memory: 4 gigs
  stop: {grace: 30}
  workload:
    command: {argv: []}
"""


@pytest.mark.parametrize("folder", ["local", "cluster"])
def test_the_samples_are_in_order(folder: str, home: Path) -> None:
    """What a reader copies is valid."""
    files = [
        file
        for file in sorted((ROOT / "manifests" / "samples" / folder).glob("*.yaml"))
        if "brownout.dev/v1alpha1" in file.read_text() and "kind: Kustomization" not in file.read_text()
    ]
    answer = typed("validate", *files, home=home)
    assert answer.code == 0, answer
    assert answer.out.startswith("ok: 4 integrations and 1 policy in ")


def test_all_problems_come_at_once_with_their_lines(tmp_path: Path, home: Path) -> None:
    """A person mends a file in one go; a program gets one line each and exit code 1."""
    file = tmp_path / "voice.yaml"
    file.write_text(BROKEN)
    answer = typed("validate", file, home=home)
    assert answer.code == 1
    assert answer.err == "5 problems\n"
    assert [line.removeprefix(f"{file}:") for line in answer.out.splitlines()] == [
        f'4: metadata.name: Invalid value: "Voice": {NAME.allowed}',
        '6: unknown field "spec.priorty": did you mean "priority"?',
        '7: spec.memory: Invalid value: "4 gigs": must be a memory quantity such as 512Mi, 4Gi or 4000000000',
        "8: spec.stop.grace: Invalid value: 30: must be a duration such as 500ms, 30s, 5m or 1h30m",
        '10: spec.workload.command.argv: Invalid value: "array": must hold at least 1 items',
    ]


@pytest.mark.parametrize(
    ("integrations", "policies", "said"),
    [
        (3, 1, "3 integrations and 1 policy in 4 files"),
        (1, 0, "1 integration in 1 file"),
        (0, 1, "1 policy in 1 file"),
    ],
)
def test_what_is_in_order_is_counted_by_kind(
    integrations: int, policies: int, said: str, tmp_path: Path, home: Path
) -> None:
    """A policy is no integration, and is told beside them; of what is not there nothing is said."""
    documents = [integration_document(f"voice-{number}") for number in range(integrations)]
    documents += [policy_document() for _ in range(policies)]
    for number, document in enumerate(documents):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document))
    answer = typed("validate", tmp_path, home=home)
    assert (answer.code, answer.out) == (0, f"ok: {said}\n")


def test_files_are_judged_together(tmp_path: Path, home: Path) -> None:
    """A name that two files take, a circle of dependencies: no file is wrong by itself."""
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(integration_document("voice", dependsOn=["stubs"])))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(integration_document("stubs", dependsOn=["voice"])))
    (tmp_path / "c.yml").write_text(yaml.safe_dump(integration_document("voice")))
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy_document()))
    answer = typed("validate", tmp_path, home=home)
    assert answer.code == 1
    assert f'{tmp_path}/c.yml:4: metadata.name: Duplicate value: "voice"' in answer.out
    assert "circle" in answer.out or "cycle" in answer.out, answer.out


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "holds no file that ends in .yaml or .yml"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), ""),
        (lambda path: path.write_text("- 1\n"), "must be an object with apiVersion, kind, metadata and spec"),
    ],
    ids=["missing", "empty folder", "pipe", "binary", "list"],
)
def test_what_is_no_file_of_ours_is_a_problem(make: object, said: str, tmp_path: Path, home: Path) -> None:
    """It is told like any other, and waited for by nobody."""
    path = tmp_path / "x.yaml"
    assert callable(make)
    make(path)
    answer = typed("validate", path, home=home)
    assert (answer.code, answer.err) == (1, "1 problem\n")
    assert answer.out.startswith(str(path))
    assert said in answer.out


MANIFEST = """\
config:
  model: {type: string, enum: [small, large], required: true}
  words: {type: integer, minimum: 1, maximum: 9}
  token: {type: string, secret: true, pattern: "[a-z]{8}"}
  tags: {type: list, items: {type: boolean}}
"""
SPEAKING = """\
apiVersion: brownout.dev/v1alpha1
kind: Integration
metadata: {name: speaking}
spec:
  levels:
    - name: best
      config: {model: large}
    - name: less
      config:
        model: tiny
  workload:
    plugin:
      name: voice
      config:
        wrods: 3
        words: 0
        token: not-one
        tags: [true, two]
"""


@pytest.fixture
def companion(tmp_path: Path) -> Path:
    """A folder of integrations with a plugin beside them."""
    folder = tmp_path / "companion"
    (folder / "plugins").mkdir(parents=True)
    Plugins(folder / "plugins").put("voice", more=MANIFEST)
    return folder


def test_the_config_of_a_plugin_is_checked_against_its_manifest(companion: Path, home: Path) -> None:
    """At every level, each problem once, with its line, its path, what was written and what is allowed; secrets not."""
    file = companion / "speaking.yaml"
    file.write_text(SPEAKING)
    for arguments in ((companion,), (file,), (file, "--plugins", companion / "plugins")):
        answer = typed("validate", *arguments, home=home)
        assert (answer.code, answer.err) == (1, "5 problems\n")
        assert sorted(line.removeprefix(f"{file}:") for line in answer.out.splitlines()) == [
            '10: spec.levels[1].config.model: Unsupported value: "tiny": supported values: "small", "large"',
            '15: unknown field "spec.workload.plugin.config.wrods": known are: model, tags, token, words',
            "16: spec.workload.plugin.config.words: Invalid value: 0: must be a whole number from 1 to 9",
            '17: spec.workload.plugin.config.token: Invalid value: "******": must match [a-z]{8}',
            '18: spec.workload.plugin.config.tags[1]: Invalid value: "two": must be true or false',
        ]


def test_what_a_level_gives_the_base_need_not(companion: Path, home: Path) -> None:
    """A setting that must be given is given where each level gives it; without levels it is missed."""
    file, levels = companion / "speaking.yaml", [{"name": "best", "config": {"model": "large"}}]
    plugin = {"plugin": {"name": "voice", "config": {"words": 2}}}
    file.write_text(yaml.safe_dump(integration_document("voice", workload=plugin, levels=levels)))
    assert typed("validate", file, home=home).out == "ok: 1 integration in 1 file\n"
    file.write_text(yaml.safe_dump(integration_document("voice", workload=plugin)))
    answer = typed("validate", file, home=home)
    assert answer.code == 1
    assert "spec.workload.plugin.config.model: Required value" in answer.out


def test_levels_that_are_left_to_a_plugin_are_named_and_checked(companion: Path, home: Path) -> None:
    """Whoever leaves them out is told which there are; the config has to fit at each of them."""
    more = "levels: [{name: large, config: {model: large}}, {name: small}]\n"
    settings = "config: {model: {type: string, required: true}, words: {type: integer, default: 3}}\n"
    Plugins(companion / "plugins").put("voice", more=more + settings)
    file = companion / "speaking.yaml"
    for config, spec, said in (
        ({"model": "own"}, {}, "ok: 1 integration in 1 file\nvoice has the levels of its plugin: large, small\n"),
        ({"model": "own"}, {"levels": []}, "ok: 1 integration in 1 file\n"),
        ({"model": "own"}, {"levels": [{"name": "small"}]}, "ok: 1 integration in 1 file\n"),
        ({}, {}, f"{file}:8: spec.workload.plugin.config.model: Required value\n"),
    ):
        workload = {"plugin": {"name": "voice", "config": config}}
        file.write_text(yaml.safe_dump(integration_document("voice", workload=workload, **spec)))
        assert typed("validate", file, home=home).out == said


def test_problems_of_files_and_of_plugins_come_together(companion: Path, home: Path) -> None:
    """A broken file, a plugin that is not there and one that is not in order: none hides another."""
    (companion / "a.yaml").write_text(BROKEN)
    for name in ("vioce", "broken", "lonely"):
        document = integration_document(name, workload={"plugin": {"name": name}})
        (companion / f"{name}.yaml").write_text(yaml.safe_dump(document))
    plugins = Plugins(companion / "plugins")
    plugins.put("broken", more="entyr: x\n")
    plugins.put("lonely", requires=["absent"])
    answer = typed("validate", companion, home=home)
    assert (answer.code, answer.err) == (1, "8 problems\n")
    assert f'{companion}/vioce.yaml:8: spec.workload.plugin.name: Invalid value: "vioce": there is no' in answer.out
    assert 'unknown field "entyr"' in answer.out
    assert 'requires[0]: Invalid value: "absent"' in answer.out


def test_where_no_plugins_are_in_sight_it_says_what_was_not_checked(tmp_path: Path, home: Path) -> None:
    """A manifest for another machine is not wrong because its plugins are not here; a folder that is none is."""
    file = tmp_path / "speaking.yaml"
    file.write_text(SPEAKING)
    answer = typed("validate", file, home=home)
    assert answer.code == 0
    assert answer.out == (
        "ok: 1 integration in 1 file\n"
        'not checked: the config of plugin "voice", which was not found (--plugins says where)\n'
    )
    assert typed("validate", file, "--plugins", file, home=home).refusal.startswith(f"{file} is not a folder")


def test_the_samples_fit_the_plugins_that_ship(home: Path) -> None:
    """What a reader copies is accepted by the plugins that it is for."""
    answer = typed("validate", ROOT / "manifests" / "samples" / "plugins", "--plugins", ROOT / "plugins", home=home)
    assert (answer.code, answer.out) == (0, "ok: 4 integrations in 4 files\n")

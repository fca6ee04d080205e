"""The sentences that a person reads when something is wrong."""

from typing import Any

import pytest

from brownout.api.problems import Fault, Problem, path_text, shown
from brownout.api.validation import validate_document
from tests.builders import integration_document, policy_document


def sentences(document: object) -> list[str]:
    """Give the sentences of all problems of a document."""
    verdict = validate_document(document)
    return [str(problem) for problem in verdict] if isinstance(verdict, tuple) else []


def test_a_problem_says_where_and_what_and_what_else() -> None:
    """File, line, field, value and what is allowed, in one line."""
    problem = Problem("voice.yaml", 12, "spec.stop.grace", shown("30"), "must be a duration such as 500ms")
    assert str(problem) == 'voice.yaml:12: spec.stop.grace: Invalid value: "30": must be a duration such as 500ms'


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"stop": {"grace": "30"}}, ('spec.stop.grace: Invalid value: "30": '
         "must be a duration such as 500ms, 30s, 5m or 1h30m")),
        ({"stop": {"grace": "25h"}}, 'spec.stop.grace: Invalid value: "25h": must be a duration from 0s to 24h'),
        ({"enabled": "false"}, 'spec.enabled: Invalid value: "false": must be true or false'),
        ({"priority": 1.5}, ("spec.priority: Invalid value: 1.5: "
         "must be a whole number from -1000000000 to 1000000000")),
        ({"memory": "4GB"}, ('spec.memory: Invalid value: "4GB": '
         "must be a memory quantity such as 512Mi, 4Gi or 4000000000")),
        ({"levls": []}, 'unknown field "spec.levls": did you mean "levels"?'),
        ({"zzz": []}, 'unknown field "spec.zzz"'),
        ({"workload": {}}, ('spec.workload: Invalid value: "object": '
         "exactly one of command, plugin, scale and systemd must be set")),
        ({"workload": {"command": {}}}, "spec.workload.command.argv: Required value"),
        ({"workload": {"command": {"argv": []}}}, ('spec.workload.command.argv: Invalid value: "array": '
         "must hold at least 1 items")),
        ({"workload": {"systemd": {"unit": "../x"}}}, ('spec.workload.systemd.unit: Invalid value: "../x": '
         "must be the name of a systemd unit such as voice.service (.service, .socket, .timer, .slice or .target)")),
        ({"workload": {"systemd": {"unit": "dbus.service"}}}, ('spec.workload.systemd.unit: Invalid value: '
         '"dbus.service": must not be a unit that the machine or the controller itself rests on')),
        ({"levels": [{"name": "a"}, {"name": "a"}]}, ('spec.levels[1].name: Duplicate value: "a": '
         "level names must be unique")),
        ({"dependsOn": ["a", "a"]}, 'spec.dependsOn[1]: Duplicate value: "a"'),
        ({"dependsOn": ["voice"]}, 'spec.dependsOn[0]: Invalid value: "voice": must not be the integration itself'),
        ({"health": {"tcp": {"port": 1}, "http": {"port": 1}}}, ('spec.health: Invalid value: "object": '
         "at most one of http, tcp and exec may be set")),
        ({"levels": {}}, 'spec.levels: Invalid value: "object": must be a list'),
        ({"health": []}, 'spec.health: Invalid value: "array": must be an object'),
    ],
)  # fmt: skip
def test_an_integration_is_refused_in_these_words(spec: dict[str, Any], sentence: str) -> None:
    """One fault, one problem, in the API server's own words where it has some."""
    assert sentences(integration_document(**spec)) == [sentence]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"mode": "enforce"}, 'spec.mode: Unsupported value: "enforce": supported values: "Enforce", "DryRun"'),
        ({"thresholds": {"enable": 80}}, ('spec.thresholds: Invalid value: "object": '
         "must be in order: enable below disable, disable below emergency (enable 80, disable 80, emergency 95)")),
        ({"thresholds": {"disable": 60, "enable": 70.5, "emergency": 50.0}}, (
         'spec.thresholds: Invalid value: "object": must be in order: enable below disable, disable below emergency '
         "(enable 70.5, disable 60, emergency 50)")),
        ({"thresholds": {"disable": "80%"}}, ('spec.thresholds.disable: Invalid value: "80%": '
         "must be a number above 0 and at most 100")),
        ({"forecast": {"confidence": 100}}, ("spec.forecast.confidence: Invalid value: 100: "
         "must be a number from 50 to 99.9")),
        ({"forecast": {"minSamples": 60}}, ("spec.forecast.minSamples: Invalid value: 60: "
         "minSamples must be at most trainOn (minSamples 60, trainOn 50)")),
        ({"interval": "10m"}, 'spec.interval: Invalid value: "10m": interval must be at most forecast.horizon'),
        ({"interval": "50ms"}, 'spec.interval: Invalid value: "50ms": must be a duration from 100ms to 1h'),
        ({"window": "10h", "interval": "1s"}, ('spec.window: Invalid value: "10h": '
         "window must be at most 20000 intervals (interval 1s, window 10h)")),
        ({"tiers": [{"name": "small", "match": {}}]}, ('spec.tiers[0].match: Invalid value: "object": at least one of '
         "memoryBelow, memoryAtLeast, coresBelow, coresAtLeast, gpu and gpuMemoryBelow must be set")),
        ({"tiers": [{"name": "small", "match": {"gpu": "yes"}}]}, ('spec.tiers[0].match.gpu: Invalid value: "yes": '
         "must be true or false")),
        ({"tiers": [{"name": "small", "match": {"coresBelow": 0}}]}, ("spec.tiers[0].match.coresBelow: "
         "Invalid value: 0: must be a number above 0 and at most 65536")),
        ({"tiers": [{"name": name, "match": {"gpu": True}} for name in ("a", "a")]}, (
         'spec.tiers[1].name: Duplicate value: "a": tier names must be unique')),
        ({"tier": "large", "tiers": [{"name": "small", "match": {"gpu": True}}]}, (
         'spec.tier: Invalid value: "large": tier must be the name of one of tiers')),
        ({"tier": "large"}, 'spec.tier: Invalid value: "large": tier must be the name of one of tiers'),
    ],
)  # fmt: skip
def test_a_policy_is_refused_in_these_words(spec: dict[str, Any], sentence: str) -> None:
    """One fault, one problem, in the API server's own words where it has some."""
    assert sentences(policy_document(**spec)) == [sentence]


def test_all_problems_are_told_at_once() -> None:
    """A fault in one field hides none in another, also between fields and in other branches."""
    document = integration_document(
        enabled="no",
        workload={"command": {"argv": ["-x"], "env": {"1X": "a"}}, "plugin": {"name": "../x"}},
        levels=[{"name": "a", "memory": "x"}, {"name": "a", "config": {"A": 1}}],
        dependsOn=["voice"],
        nonsense=1,
    )
    paths = {problem.path for problem in validate_document(document)}  # type: ignore[union-attr]
    assert paths == {
        "spec.enabled", "spec.workload.command.argv[0]", "spec.workload.command.env[1X]", "spec.workload.plugin.name",
        "spec.workload", "spec.levels[0].memory", "spec.levels[1].name", "spec.levels[1].config.A",
        "spec.dependsOn[0]", "spec.nonsense",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], ['Invalid value: "array": must be an object with apiVersion, kind, metadata and spec']),
        ("word", ['Invalid value: "word": must be an object with apiVersion, kind, metadata and spec']),
        ({}, ['apiVersion: Required value: must be "brownout.dev/v1alpha1"',
              'kind: Required value: must be "Integration", "BrownoutPolicy"']),
        ({"apiVersion": "v1", "kind": "List"},
         ['apiVersion: Unsupported value: "v1": supported values: "brownout.dev/v1alpha1"',
          'kind: Unsupported value: "List": supported values: "Integration", "BrownoutPolicy"']),
        ({"apiVersion": "brownout.dev/v1alpha1", "kind": "Integration"},
         ["metadata: Required value", "spec: Required value"]),
        ({**integration_document(), "apiVersion": "brownout.dev/v1"},
         ['apiVersion: Unsupported value: "brownout.dev/v1": supported values: "brownout.dev/v1alpha1"']),
        ({**policy_document(mode="enforce"), "apiVersion": "brownout.dev/v1"},
         ['apiVersion: Unsupported value: "brownout.dev/v1": supported values: "brownout.dev/v1alpha1"',
          'spec.mode: Unsupported value: "enforce": supported values: "Enforce", "DryRun"']),
        ({**policy_document(mode="enforce"), "apiVersion": "brownout.dev/v1", "kind": "brownoutpolicy"},
         ['apiVersion: Unsupported value: "brownout.dev/v1": supported values: "brownout.dev/v1alpha1"',
          'kind: Unsupported value: "brownoutpolicy": supported values: "Integration", "BrownoutPolicy"',
          'spec.mode: Unsupported value: "enforce": supported values: "Enforce", "DryRun"']),
        (integration_document("Voice"),
         [('metadata.name: Invalid value: "Voice": '
          "must be a lowercase name of letters, digits, '-' and '.', such as voice or voice-2")]),
    ],
)  # fmt: skip
def test_what_is_not_ours_is_told(document: object, expected: list[str]) -> None:
    """A document of another shape, kind or version says which would have been accepted."""
    assert sentences(document) == expected


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ("x" * 500, (), '"' + "x" * 77 + '..."'),
        ("a\nb\x1b[31m\u202e", (), '"a\\nb\\u001b[31m\\u202e"'),
        ("hunter2", ("spec", "workload", "command", "env", "DB_PASSWORD"), '"******"'),
        ("hunter2", ("spec", "workload", "plugin", "config", "api", "token"), '"******"'),
        (7, ("spec", "levels", 0, "config", "secretNumber"), '"******"'),
        ("--token=hunter2", ("spec", "workload", "command", "argv", 3), '"******"'),
        ("https://me:hunter2@host/", (), '"******"'),
        ("value", ("spec", "workload", "command", "env", "NAME"), '"value"'),
        ({"password": "x"}, (), '"object"'),
        (None, (), "null"),
        (True, (), "true"),
        (10**400, (), "a huge number"),
    ],
)
def test_a_value_is_safe_to_show(value: object, path: tuple[str | int, ...], text: str) -> None:
    """Short, on one line, without what moves a cursor or turns text around, and without secrets."""
    assert shown(value, path) == text


def test_a_path_reads_as_in_kubernetes() -> None:
    """Fields with points, items with numbers, odd keys in brackets."""
    assert path_text(("spec", "levels", 1, "name")) == "spec.levels[1].name"
    assert path_text(("spec", "env", "ODD KEY\n")) == "spec.env[ODD KEY\\u000a]"


def test_a_problem_without_a_place_says_only_what_is_wrong() -> None:
    """What a condition of an object says names no file."""
    assert str(Problem(path="spec", fault=Fault.REQUIRED)) == "spec: Required value"
    assert str(Problem(line=3, path="spec", fault=Fault.REQUIRED)) == "line 3: spec: Required value"

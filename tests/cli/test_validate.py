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
    assert answer.out.startswith("ok: 4 integrations in ")


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

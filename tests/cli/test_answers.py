"""What the commands answer: tables for people, JSON and YAML for programs, the same from every source."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.box.stage import Stage
from tests.checkout import ROOT
from tests.cli.conftest import Seen
from tests.cli.typed import Answer, typed

COLUMNS = ["NAME", "STATE", "LEVEL", "PRIORITY", "HEALTH", "MEMORY", "REASON", "SINCE"]
Ask = Callable[..., Answer]


@pytest.fixture(params=["state", "server"])
def ask(request: pytest.FixtureRequest, running: Seen, home: Path) -> Ask:
    """Asks the controller that runs, by its state folder and by its gateway."""
    place = running.stage.state if request.param == "state" else running.url

    def asked(*words: str) -> Answer:
        answer = typed(*words, f"--{request.param}", place, home=home)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer

    return asked


def test_the_table_has_the_columns_of_kubectl(ask: Ask) -> None:
    """Who goes first stands first; wide adds three columns."""
    header, *rows = ask("get", "integrations").out.splitlines()
    assert header.split() == COLUMNS
    assert [row.split()[:2] for row in rows] == [["voice", "Enabled"], ["android", "Disabled"]]
    wide, *_ = ask("get", "intg", "-o", "wide").out.splitlines()
    assert wide.split() == [*COLUMNS, "CIRCUIT", "NODE", "RETURNS-WHEN"]


def test_objects_come_as_kubectl_gives_them(ask: Ask) -> None:
    """A list of all, one by its name, as JSON and as YAML; names for scripts."""
    every = json.loads(ask("get", "integrations", "-o", "json").out)
    assert (every["kind"], len(every["items"])) == ("IntegrationList", 2)
    voice = yaml.safe_load(ask("get", "integration", "voice", "-o", "yaml").out)
    assert voice["status"]["state"] == "Enabled"
    assert voice["spec"]["priority"] == 10
    names = ask("get", "integrations", "-o", "name").out.split()
    assert names == ["integration.brownout.dev/android", "integration.brownout.dev/voice"]


def test_the_policy_is_shown_with_what_it_measures(ask: Ask) -> None:
    """A table, and the object with its conditions."""
    header, row = ask("get", "policy").out.splitlines()
    assert header.split() == ["NAME", "MODE", "MEMORY", "FORECAST", "MODEL", "TIME-TO-DISABLE"]
    assert row.startswith("default   Enforce")
    policy = json.loads(ask("get", "bpol", "default", "-o", "json").out)
    assert {condition["type"] for condition in policy["status"]["conditions"]} == {"Ready", "Accepted"}
    assert ask("get", "policy", "-o", "name").out == "brownoutpolicy.brownout.dev/default\n"
    assert yaml.safe_load(ask("get", "policy", "-o", "yaml").out)["kind"] == "BrownoutPolicy"


def test_the_wide_policy_shows_the_tier_and_its_thresholds(ask: Ask) -> None:
    """Those in force: without tiers the policy's own."""
    header, row = ask("get", "policy", "-o", "wide").out.splitlines()
    assert header.split()[6:] == ["NODE", "TIER", "DISABLE", "ENABLE", "EMERGENCY"]
    assert row.split()[-3:] == ["80", "65", "95"]


def test_explain_says_why_with_numbers(ask: Ask) -> None:
    """The state, the reason, the footprint, what was considered, the order of going, the last decisions."""
    said = ask("explain", "voice").out
    for pattern in (
        r"^voice is Enabled since 20\S+Z \(\d+",
        r"\nWhy: runs as its owner wants\.\n",
        r"\nIts memory: .*MiB",
        r"\nConsidered: RAM \d+\.\d %, .*decided by the rule first_start\.\n",
        r"\nOrder of going: voice \(Enabled\), android \(Disabled\)\.\n",
        r"\nAT +ACTION +REASON +OUTCOME +MESSAGE\n",
        r" Start +WithinLimits +Done +its owner wants it on: started voice\n",
    ):
        assert re.search(pattern, said), (pattern, said)
    document = json.loads(ask("explain", "voice", "-o", "json").out)
    assert document["integration"]["metadata"]["name"] == "voice"
    assert document["decisions"][0]["numbers"]["memory_percent"] > 0


def test_history_has_decisions_and_a_summary_of_samples(ask: Ask) -> None:
    """Newest first, of one integration or of all, bounded in time and number; and the same as JSON."""
    said = ask("history", "voice", "--since", "1h").out
    assert re.match(r"AT +INTEGRATION +ACTION +OUTCOME +REASON +MESSAGE\n", said)
    assert re.search(r"\n\d+ samples? from \S+ to \S+\nRESOURCE +AVERAGE % ", said)
    assert re.search(r"AVERAGE % +MINIMUM % +MAXIMUM % +PER MINUTE +ANOMALIES\n", said)
    assert ask("history", "android").out.startswith("No decisions in this time.")
    document = json.loads(ask("history", "--limit", "1", "-o", "json").out)
    assert [row["integration"] for row in document["decisions"]] == ["voice"]
    assert document["samples"]
    assert {"average", "minimum", "maximum", "slopePerMinute"} <= document["summary"]["memory"].keys()


def test_without_a_controller_the_state_folder_answers_and_says_so(left: Stage, home: Path) -> None:
    """What the last controller left is shown, with a note on standard error."""
    for words in (("get", "integrations"), ("get", "policy"), ("explain", "voice"), ("history",)):
        answer = typed(*words, "--state", left.state, home=home)
        assert answer.code == 0
        assert answer.err == f"note: no controller runs with {left.state}; this is what the last one left\n"
        assert "voice" in answer.out or "default" in answer.out


def test_the_state_folder_of_the_user_is_found_by_itself(left: Stage, home: Path) -> None:
    """Without --state it is the one that `run` takes without it."""
    state = home / ".local" / "state"
    state.mkdir(parents=True)
    (state / "brownout").symlink_to(left.state)
    assert typed("get", "integrations", home=home).out.startswith("NAME ")


def test_a_history_that_cannot_be_read_leaves_the_status(left: Stage, home: Path, tmp_path: Path) -> None:
    """`explain` answers from the status and notes what is missing; `history` says why it cannot."""
    state = tmp_path / "state"
    (state / "status").mkdir(parents=True)
    (state / "status" / "voice.yaml").write_bytes((left.state / "status" / "voice.yaml").read_bytes())
    (state / "history.db").write_bytes(b"this is no database" * 100)
    answer = typed("explain", "voice", "--state", state, home=home)
    assert answer.code == 0
    assert answer.out.startswith("voice is ")
    assert f"note: {state}/history.db" in answer.err
    refusal = typed("history", "--state", state, home=home)
    assert refusal.code == 1
    assert refusal.err.splitlines()[-1].startswith(f"brownout: {state}/history.db is damaged: ")


def test_the_crds_are_those_of_the_checkout(home: Path, tmp_path: Path) -> None:
    """Printed for `kubectl apply -f -`, or written as files."""
    printed = list(yaml.safe_load_all(typed("crds", home=home).out))
    assert typed("crds", "--dir", tmp_path, home=home).code == 0
    files = sorted((ROOT / "crds").glob("brownout.dev_*.yaml"))
    assert len(printed) == len(files) == 2
    assert all(yaml.safe_load(file.read_text()) in printed for file in files)
    assert all((tmp_path / file.name).read_bytes() == file.read_bytes() for file in files)


def test_a_gateway_on_another_interface_is_asked_with_its_token(tmp_path: Path) -> None:
    """It lets nobody look without; who names the file of the token is answered by every command that asks."""
    stage = Stage(tmp_path / "box")
    stage.policy()
    stage.integrate("voice")
    token = stage.file("token")
    token.write_text("a-token-of-forty-three-letters-and-no-less-x\n")
    token.chmod(0o600)
    url = stage.run("--listen", "0.0.0.0:0", "--token-file", token).url().replace("0.0.0.0", "127.0.0.1")
    stage.until(voice="Enabled")
    asked = (("get", "integrations"), ("explain", "voice"), ("history",), ("budget", "list"))
    for words in asked:
        refused = typed(*words, "--server", url, home=tmp_path)
        assert (refused.code, refused.out) == (1, "")
        assert "this needs the token" in refused.err
        assert typed(*words, "--server", url, "--token-file", token, home=tmp_path).code == 0
    assert "--token-file" in typed(*asked[0], "--server", url, home=tmp_path).refusal
    assert "--server" in typed(*asked[0], "--token-file", token, home=tmp_path).misuse
    assert stage.end() == ()


def test_watching_says_nothing_while_only_time_goes_by(
    left: Stage, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is printed anew when something in it has changed, and not because SINCE counts on."""
    state = shutil.copytree(left.state, tmp_path / "state", ignore=shutil.ignore_patterns("logs"))
    voice, seconds, began = state / "status" / "voice.yaml", count(1), time.time()

    voice.write_text(re.sub(r"\bstate: \w+", "state: Enabled", voice.read_text()))  # it may have been seen on its way

    def slept(_seconds: float) -> None:
        second = next(seconds)
        if second == 3:
            voice.write_text(re.sub(r"\bstate: \w+", "state: Lowered", voice.read_text()))
        if second == 6:
            sys.exit(130)

    hours = count()
    monkeypatch.setattr("brownout.cli.get.now", lambda: began + 3600.0 * next(hours))
    monkeypatch.setattr("brownout.cli.get.time.sleep", slept)
    answer = typed("get", "integrations", "--watch", "--state", state, home=home)
    assert answer.code == 130
    assert [line.split()[:2] for line in answer.out.splitlines() if line.startswith("voice")] == [
        ["voice", "Enabled"],
        ["voice", "Lowered"],
    ]

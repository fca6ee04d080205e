"""`brownout budget` as it is typed: a run, what is asked of it afterwards, and every mistake on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brownout.cli.budget import budget
from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Ending
from brownout.core.budget.usage import Usage
from brownout.history.budgets import SqliteBudgets
from tests.box.stage import brownout_argv
from tests.checkout import ROOT
from tests.cli.conftest import Seen
from tests.cli.typed import typed

RAISED = (
    "duration has no limit, so there is nothing to raise; tokens: 900 is not above the 1,000 it has; "
    "apiCalls: 10 is not above the 10 it has"
)
AWAY = (
    "http://127.0.0.1:1 cannot be asked: Connection refused: "
    "start the controller there (brownout run --listen), or give the address that it listens on"
)
COMMANDS = ("run", "list", "show", "raise", "stop")


@pytest.fixture
def kept(home: Path) -> Path:
    """A state folder with a run that ended, and one that was interrupted."""
    state = home / "state"
    store = SqliteBudgets(state, on_fault=print)
    done = store.open("nightly", Limits(tokens=1000, api_calls=10), now=1000.0)
    store.record(done.run.id, Usage(tokens=850, api_calls=3), now=1060.0, session=done.session)
    store.leave(done.run.id, done.session, now=1060.0, ending=Ending.COMPLETED)
    cut = store.open("agent", Limits(duration="1h", tokens=100), now=2000.0)
    store.leave(cut.run.id, cut.session, now=2010.0, ending=None)
    store.close()
    return state


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(command: str, home: Path) -> None:
    """And is free of noise."""
    answer = typed("budget", command, "--help", home=home)
    assert (answer.code, answer.err) == (0, "")
    assert f"Example: brownout budget {command}" in answer.out
    assert {each.name for each in budget.registered_commands} == set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("budget frob", "No such command 'frob'."),
        ("budget run", "Missing argument 'CMD'."),
        ("budget run --duration 5x -- true", '"5x" is not a duration: write it like 30s, 10m or 1h30m'),
        ("budget run --grace soon -- true", '"soon" is not a duration: write it like 30s, 10m or 1h30m'),
        ("budget run --tokens many -- true", "'--tokens': \"many\" is not a whole number"),
        ("budget run --tokens -1 -- true", "'--tokens': \"-1\" is too small: use at least 0"),
        ("budget run --warn-at 0 -- true", "Invalid value for warnAt: 0"),
        ("budget run --warn-at often -- true", '"often" is not a percentage: write 80, or tokens=90'),
        ("budget run --warn-at words=90 -- true", '"words" is not a limit: use one of duration, tokens, api-calls'),
        ("budget run --finish-at 101 -- true", "Invalid value for finishAt: 101"),
        ("budget run --name -x -- true", "Invalid value for name: "),
        ("budget run --name a --resume b -- true", "--resume names the run already: give no --name with it"),
        ("budget run --proxy localhost -- true", 'the upstream "localhost" is not the base URL of an API'),
        ("budget run --signal KILL -- true", '"KILL" is not a signal to tell by: use one of USR1, USR2, HUP, INT'),
        ("budget run -o yaml -- true", '"yaml" is not an output: use one of json'),
        ("budget run --state {file} -- true", "{file} is not a folder: name one for the state, or none to use the"),
        ("budget list --server here", '"here" is not a server: write a URL such as http://127.0.0.1:8321'),
        ("budget list -o yaml", '"yaml" is not an output: use one of json'),
        ("budget show", "Missing argument 'NAME'."),
        ("budget raise nightly", "nothing to raise is given: use --duration, --tokens or --api-calls"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(words: str, said: str, home: Path) -> None:
    """Before anything is started."""
    file = home / "file"
    file.write_text("")
    assert said.format(file=file) in typed(*words.format(file=file).split(), home=home).misuse


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("show nihgtly", 'there is no run "nihgtly": known are: agent, nightly'),
        ("raise nightly --tokens 900 --api-calls 10 --duration 1h", RAISED),
        ("list --server http://127.0.0.1:1", AWAY),
        ("stop nightly", 'the run "nightly" is over: completed'),
    ],
)  # fmt: skip
def test_what_cannot_be_done_ends_with_1(words: str, said: str, kept: Path, home: Path) -> None:
    """With what would be right."""
    assert typed("budget", *words.split(), "--state", kept, home=home).refusal == said


def test_a_folder_without_runs_is_told(home: Path) -> None:
    """And nothing is made there by looking."""
    answer = typed("budget", "list", "--state", home / "nowhere", home=home)
    assert answer.refusal.startswith(f"no run was ever kept in the state folder {home}/nowhere: begin one with")
    assert not (home / "nowhere").exists()


def test_runs_are_listed_shown_raised_and_stopped_without_a_controller(kept: Path, home: Path) -> None:
    """All from the file; JSON says the same as the text."""
    listed = typed("budget", "list", "--state", kept, home=home).out.splitlines()
    assert listed[0].split()[:3] == ["NAME", "STATUS", "STATE"]
    assert [line.split()[:3] for line in listed[1:]] == [
        ["agent", "Interrupted", "OK"],
        ["nightly", "Completed", "Approaching"],
    ]
    assert typed("budget", "show", "nightly", "--state", kept, home=home).out.splitlines()[:3] == [
        "Run nightly: completed",
        "  time      1m, no limit",
        "  tokens    850 of 1,000 (85.0 %), 150 remaining",
    ]
    raised = typed("budget", "raise", "agent", "--tokens", 200, "--duration", "2h", "--state", kept, home=home)
    assert "0 of 200" in raised.out
    stopped = typed("budget", "stop", "agent", "--state", kept, "-o", "json", home=home)
    document = json.loads(stopped.out)
    assert (document["stoppedBy"], document["limits"]["duration"]) == ("StoppedOnRequest", 7200.0)
    found = json.loads(typed("budget", "list", "-o", "json", "--state", kept, home=home).out)["items"]
    assert [each["name"] for each in found] == ["agent", "nightly"]
    assert found[0] == document | {"seenAt": found[0]["seenAt"]}


def test_where_no_controller_runs_it_says_so(kept: Path, running: Seen, home: Path) -> None:
    """As every command that asks does, on standard error; beside a controller there is nothing to say."""
    said = f"note: no controller runs with {kept}; this is what its budgets.db holds\n"
    assert typed("budget", "list", "--state", kept, home=home).err == said
    assert typed("budget", "show", "nightly", "-o", "json", "--state", kept, home=home).err == said
    SqliteBudgets(running.stage.state, on_fault=print).close()
    assert typed("budget", "list", "--state", running.stage.state, home=home).err == ""


def test_runs_behind_a_gateway_are_found_and_changed_there(running: Seen, home: Path) -> None:
    """With the token of the controller's own state folder, or one from a file; to look needs none."""
    state, at = running.stage.state, ("--server", running.url)
    store = SqliteBudgets(state, on_fault=print)
    store.open("remote", Limits(tokens=100), now=time.time())
    try:
        assert "remote" in typed("budget", "list", *at, "--state", home, home=home).out
        refused = typed("budget", "raise", "remote", "--tokens", 200, *at, "--state", home, home=home)
        assert "token" in refused.refusal
        raised = typed("budget", "raise", "remote", "--tokens", 200, *at, "--state", state, home=home)
        assert "0 of 200" in raised.out, raised.err
        token = ("--token-file", state / "token")
        asked = typed("budget", "stop", "remote", *at, *token, "-o", "json", home=home)
        assert json.loads(asked.out)["stopAskedAt"], asked.err
    finally:
        store.close()


def test_a_program_is_run_as_it_is_typed(home: Path) -> None:
    """With or without `--`; its options are its own; without a limit there are the three of the documentation."""
    program = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "--tokens", "5"]
    state = ("--state", home / "state")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run(
        brownout_argv("budget", "run", *state, "--name", "typed", "-o", "json", *program), env=env,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "['--tokens', '5']\n"), done.stderr
    limits = json.loads(done.stderr)["limits"]
    assert (limits["duration"], limits["tokens"], limits["apiCalls"]) == (3600.0, 1_000_000, 1000)

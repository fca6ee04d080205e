"""Commands that are imported only when they are typed: nobody who reads a list, or completes a word, can tell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from brownout.cli.app import app
from brownout.cli.lazy import COMMANDS
from tests.box.stage import brownout_argv

COMMON = {"brownout.cli.app", "brownout.cli.helptext", "brownout.cli.lazy", "brownout.cli.streams"}
OPERATOR = Path(__file__).resolve().parents[2] / "operator"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    """The line that stands in the list is where the command's own help begins, and it answers to that name."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    listed, (_, itself, rest) = group.commands[name], group.resolve_command(typer.Context(group), [name, "more"])
    assert itself is not None
    assert (itself.name, rest) == (name, ["more"])
    assert (itself.help or "").split("\n\n")[0] == listed.help
    assert (itself.hidden, itself.deprecated, itself.short_help) == (False, False, None)


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_no_command_answers_imports_none(word: str) -> None:
    """Neither a command nor the models of the wire are loaded to say the version, or what there is."""
    program = (
        "import sys; from brownout.cli.app import main; import atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['brownout', '{word}']\n"
        "main()"
    )
    done = _answered([sys.executable, "-c", program])
    loaded = set(done.stderr.split())
    assert done.returncode == 0
    assert {name for name in loaded if name.startswith("brownout.cli.")} == COMMON
    assert not loaded & {"pydantic", "rich", "yaml", "aiohttp", "sqlite3"}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("brownout g", ["get"]),
        ("brownout run --dry", ["--dry-run"]),
        ("brownout plugins ", ["list", "check", "trust", "new"]),
        ("brownout budget ra", ["raise"]),
        ("brownout budget run --max-", []),
    ],
)
def test_what_is_completed_is_what_the_command_knows(typed: str, completed: list[str]) -> None:
    """Names from the list, and options and commands below them from the command itself."""
    count = len(typed.split()) - (not typed.endswith(" "))
    ask = {"_BROWNOUT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(count)}
    done = _answered([*brownout_argv()[:1], "-c", "from brownout.cli.app import main; main()"], **ask)
    assert done.stdout.split() == completed


def _answered(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(OPERATOR), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)

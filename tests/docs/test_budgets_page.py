"""Every program of docs/budgets.md is run as it stands there, and prints what is said of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brownout.bootstrap import wrap_channels
from brownout.budget import Limits, Run
from brownout.core.budget.lines import LineReader, Report
from brownout.core.budget.wrapping import EXIT_CODES
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "budgets.md").read_text(encoding="utf-8")
#: A program, and the text that stands right below it, where one does.
PROGRAMS = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", PAGE, re.MULTILINE | re.DOTALL)
#: What a reader brings along: work to do, and somebody to ask.
PRELUDE = """
from types import SimpleNamespace
pages = [f"page {number}" for number in range(40)]
def ask(page):
    return SimpleNamespace(tokens=1200, text=page.upper())
"""
NAMES = ["nightly", "question", "crawl", "team", "chat", "estimate"]


def run_program(program: str, folder: Path) -> str:
    """Run it in that folder, to its end; what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    script = folder / "program.py"
    script.write_text(PRELUDE + program, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_these_programs() -> None:
    """None is passed over: each is named by its run."""
    assert [name for (program, _), name in zip(PROGRAMS, NAMES, strict=True) if f'"{name}"' not in program] == []


@pytest.mark.parametrize("name", ["question", "estimate"])
def test_a_program_prints_what_stands_below_it(name: str, tmp_path: Path) -> None:
    """To the letter."""
    program, text = PROGRAMS[NAMES.index(name)]
    assert text
    assert run_program(program, tmp_path) == text


def test_the_first_program_ends_with_the_summary(tmp_path: Path) -> None:
    """Line by line the words of the page; its figures are examples."""
    program, _ = PROGRAMS[NAMES.index("nightly")]
    shown = re.search(r"^```text\n(Run nightly.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown
    printed = run_program(program, tmp_path)
    assert _words(printed) == _words(shown[1])
    assert "API calls 40 of 1,000 (4.0 %), 960 remaining" in printed


def test_the_program_with_checkpoints_continues_where_it_was(tmp_path: Path) -> None:
    """It dies in the middle; the second time it does the rest, with the usage of both."""
    program, _ = PROGRAMS[NAMES.index("crawl")]
    dying = program.replace(
        "        results.append", "        if page == 'page 25': os._exit(1)\n        results.append"
    )
    dying = "import os\n" + dying.replace('checkpoint_every="5m"', "checkpoint_every=1e-6")
    with pytest.raises(AssertionError):
        run_program(dying, tmp_path)
    interrupted = Run.resume("crawl", store=tmp_path / "budgets.db")
    saved = interrupted.last_checkpoint
    assert saved is not None
    assert len(saved.state["results"]) == 25
    interrupted.leave()
    run_program(program, tmp_path)
    again = Run.open("crawl", Limits(), store=tmp_path / "budgets.db")
    (_, before) = again._store.runs(now=again._opened_at)
    again.end()
    assert (before.usage.api_calls, before.stopped_by) == (41, "Completed")  # page 25 was asked twice


@pytest.mark.parametrize(("name", "printed"), [("team", "Approaching True\n"), ("chat", "Exceeded\n")])
def test_the_other_programs_end_at_their_limit(name: str, printed: str, tmp_path: Path) -> None:
    """Eight processes, and a task."""
    assert run_program(PROGRAMS[NAMES.index(name)][0], tmp_path) == printed


def _words(text: str) -> list[str]:
    """The text without its figures: `2m4.1s` and `1,000` are one figure each."""
    return re.sub(r"(\d[\d.,]*(ms|h|m|s)?)+", "#", text).split()


def test_the_lines_of_the_page_are_understood() -> None:
    """Both say the same, the second with a checkpoint."""
    block = next(
        text for text in re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if '{"tokens"' in text
    )
    words, document = LineReader().feed(block.encode())
    assert words == Report(tokens=120, api_calls=1, progress=0.4)
    assert document == Report(tokens=120, api_calls=1, progress=0.4, checkpoint='{"page":7}')


def test_the_page_names_every_variable_and_exit_code_of_a_wrapped_program() -> None:
    """Those that the code sets, and none besides."""
    source = Path(wrap_channels.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"BROWNOUT_BUDGET_[A-Z]+", PAGE)) == set(re.findall(r"BROWNOUT_BUDGET_[A-Z]+", source))
    assert {f"| `{code}` |" for code in EXIT_CODES.values()} <= set(re.findall(r"^\| `\d+` \|", PAGE, re.MULTILINE))

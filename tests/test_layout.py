"""Laws about the files of the checkout: how they lie, what they may import, how long they are, what they never say."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.checkout import PACKAGE, ROOT, checkout_files, python_files

LONGEST_FILE, LONGEST_FUNCTION = 300, 45
#: A plugin is one file, for its bytes are what is trusted.
LONGEST_PLUGIN = 400
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def test_operator_holds_one_package_and_no_python_file() -> None:
    """`operator/` is a source root like src/: a Python file in it could take the place of the standard library's."""
    folder = ROOT / "operator"
    assert not list(folder.glob("*.py*"))
    assert [path.parent.name for path in folder.glob("*/__init__.py")] == [PACKAGE.name]


def test_import_contracts_hold() -> None:
    """Dependencies point down only, and each vendor is known in one place: [tool.importlinter] in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_and_functions_are_short() -> None:
    """A file has at most 300 lines (a plugin 400) and a function at most 45: beyond that a second idea wants out."""
    assert [finding for file in python_files("operator", "plugins") for finding in _too_long(file)] == []


def test_tests_do_not_sleep() -> None:
    """A test waits for a condition (tests/eventually.py) or in virtual time: a sleep is too short on a busy machine."""
    assert [finding for file in python_files("tests", "plugins") for finding in _sleeps(file)] == []


def test_every_suppression_names_what_it_suppresses() -> None:
    """A bare `noqa` or `type: ignore` hides what nobody has looked at yet."""
    bare = re.compile(r"#\s*noqa(?!: ?[A-Z]+[0-9])|#\s*type:\s*ignore(?!\[[a-z])")
    files = python_files("operator", "tests", "plugins", "manifests")
    assert [f"{file}: {found[0]}" for file in files for found in bare.finditer(file.read_text())] == []


def test_no_file_names_an_index_or_a_place_on_this_machine() -> None:
    """Where packages come from and where a checkout lies is the machine's own setting."""
    words = re.compile("|".join(map(re.escape, (*_index_hosts(), *_own_places()))))
    pages = ((file, file.read_bytes().decode(errors="ignore")) for file in checkout_files())
    assert [f"{file}: {found[0]}" for file, text in pages for found in words.finditer(text)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_is_complete_and_names_no_host(lock: Path) -> None:
    """Each release is pinned with its hashes, and nothing says where to get it."""
    text = lock.read_text()
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"^--?(index|extra-index|find-links|trusted|i |f )", text, re.MULTILINE)


def test_what_is_tested_is_what_runs() -> None:
    """The tests run with exactly the releases that the image gets, with training and without."""
    names = ("run.txt", "training.txt", "dev.txt")
    run, training, dev = (dict(PIN.findall((ROOT / "requirements" / name).read_text())) for name in names)
    assert run
    assert "scikit-learn" in training
    assert (run | training).items() <= dev.items()


def test_the_lock_is_made_from_what_the_project_declares() -> None:
    """requirements/run.in and training.in ask for what the metadata of the project asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {"run.in": project["dependencies"], "training.in": project["optional-dependencies"]["training"]}
    for name, declared in asked.items():
        locked = (ROOT / "requirements" / name).read_text().splitlines()
        assert sorted(line for line in locked if line and not line.startswith(("#", "-c"))) == sorted(declared)


def _too_long(file: Path) -> Iterator[str]:
    text = file.read_text()
    longest = LONGEST_PLUGIN if ROOT / "plugins" in file.parents else LONGEST_FILE
    if (count := len(text.splitlines())) > longest:
        yield f"{file}: {count} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > LONGEST_FUNCTION:
                yield f"{file}:{node.lineno}: {node.name} has {count} lines"


def _sleeps(file: Path) -> Iterator[str]:
    """The calls that sleep; `asyncio.sleep(0)` lets the others have a turn and waits for nothing."""
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    sleeps = (call for call in calls if ast.unparse(call.func) in {"time.sleep", "asyncio.sleep", "sleep"})
    yield from (f"{file}:{call.lineno}" for call in sleeps if ast.unparse(call) != "asyncio.sleep(0)")


def _index_hosts() -> Iterator[str]:
    """The hosts that pip and apt are set up to ask here; pip's own two, where nothing is set up."""
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    apt = (*Path("/etc/apt").glob("*.list"), *Path("/etc/apt/sources.list.d").glob("*"))
    texts = [asked.stdout, *(file.read_text() for file in apt if os.access(file, os.R_OK))]
    own = importlib.import_module("pip._internal.models.index").PyPI
    addresses = {own.url, f"https://{own.file_storage_domain}", *re.findall(r"https?://[^\s'\"]+", "\n".join(texts))}
    yield from sorted({host for host in (urlsplit(address).hostname for address in addresses) if host and "." in host})


def _own_places() -> Iterator[str]:
    """The folder of this checkout and the user's home, where they are more than one name long (/src says nothing)."""
    yield from (f"{place}/" for place in (ROOT, Path.home()) if len(place.parts) > 2)

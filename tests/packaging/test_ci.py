"""Laws about what CI makes of a test that did not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

SKIPS = {
    "a test": "import pytest\ndef test_it():\n    pytest.skip('no luck')\n",
    "a file": "import pytest\npytest.skip('no luck', allow_module_level=True)\n",
}


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_in_ci(source: str, tmp_path: Path) -> None:
    """Where CI=true nothing may be skipped, and the reason is shown."""
    done = _pytest(source, tmp_path, ci="true")
    assert done.returncode != 0
    assert "no luck" in done.stdout
    assert "skipped, which fails where CI=true" in done.stdout


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_is_a_skip_elsewhere(source: str, tmp_path: Path) -> None:
    """A machine that lacks something may still run the rest."""
    done = _pytest(source, tmp_path, ci="")
    assert "1 skipped" in done.stdout
    assert "failed" not in done.stdout


def _pytest(source: str, folder: Path, *, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

"""The README as a reader follows it: its blocks, and the commands in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.checkout import ROOT

README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    """The text of every block in this language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every line that a reader is asked to type."""
    return [line for block in blocks("sh") for line in block.splitlines()]


def on_the_path(folder: Path) -> Path:
    """A folder that has `brownout` in it, as .venv/bin has after `make setup`: the one under test."""
    folder.mkdir()
    program = folder / "brownout"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m brownout "$@"\n')
    program.chmod(0o755)
    return folder

"""A folder in which programs are wrapped; nothing that was started there outlives its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_budget.wrapped import Wrapped
from tests.eventually import eventually


@pytest.fixture
def wrapped(tmp_path: Path) -> Iterator[Wrapped]:
    """One of its own for each test."""
    found = Wrapped(tmp_path)
    yield found
    eventually(lambda: not found.processes())

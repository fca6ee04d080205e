"""A box of its own for each test, which fails if it leaves a process behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.box import Box
from tests.local.house import House


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """An empty box."""
    box = Box(tmp_path)
    box.directory.mkdir()
    yield box
    assert box.clear() == ()


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty directory to be watched."""
    house = House(tmp_path / "integrations", tmp_path / "state")
    house.directory.mkdir()
    return house

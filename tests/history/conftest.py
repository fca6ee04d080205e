"""A state folder of its own for each test."""

from pathlib import Path

import pytest

from tests.history.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty state folder."""
    return World(tmp_path / "state" / "history.db")

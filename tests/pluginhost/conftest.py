"""What the tests of plugins stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pluginhost.folders import Plugins
from tests.pluginhost.stage import Stage


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    """An empty folder for plugins."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    return Plugins(folder)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An empty stage for running plugins, on which nothing may be left."""
    stage = Stage(tmp_path)
    yield stage
    assert stage.clear() == ()

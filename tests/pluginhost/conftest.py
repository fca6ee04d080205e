"""What the tests of plugins stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pluginhost.folders import Plugins


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    """An empty folder for plugins."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    return Plugins(folder)

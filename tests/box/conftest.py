"""A stage of its own for each test, which fails if it leaves a process behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.box.rooms import a_room
from tests.box.stage import Stage

ROOM_MIB = 800


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A box whose memory does not matter."""
    stage = Stage(tmp_path / "box")
    yield stage
    assert stage.end() == ()


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Stage]:
    """A box with real memory of its own."""
    with a_room(ROOM_MIB) as room:
        stage = Stage(tmp_path / "box", room)
        yield stage
        assert stage.end() == ()

"""A box with a controller that runs, and one where the last controller has ended, for all tests of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.box.stage import Stage
from tests.eventually import eventually


@dataclass(frozen=True)
class Seen:
    """A box that is asked: its state folder, and the URL of its controller's gateway."""

    stage: Stage
    url: str


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A controller with two integrations: voice is on, android is off by its owner's wish."""
    stage = _a_stage(tmp_path_factory.mktemp("running"))
    controller = stage.run("--listen", "127.0.0.1:0")
    url = controller.url()
    _settled(stage)
    yield Seen(stage, url)
    assert stage.end() == ()


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """What a controller has left that ran on the same."""
    stage = _a_stage(tmp_path_factory.mktemp("left"))
    stage.run()
    _settled(stage)
    assert stage.end() == ()
    return stage


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The empty home of a new user."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def _a_stage(root: Path) -> Stage:
    stage = Stage(root / "box")
    stage.policy()
    stage.integrate("voice", "hold", 5, priority=10, memory="12Mi")
    stage.integrate("android", priority=20, enabled=False)
    return stage


def _settled(stage: Stage) -> None:
    stage.until(voice="Enabled", android="Disabled")
    eventually(lambda: stage.policy_status()["memoryPercent"])

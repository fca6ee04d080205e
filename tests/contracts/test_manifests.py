"""What every Manifests promises, on the plugins of a folder and on the fake."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

import pytest
from typing_extensions import override

from brownout.api.integration import Level
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.plugins import Heard, Plugins
from brownout.engine.manifests import Manifests
from tests.fakes import FakeManifests
from tests.local.loops import run


class Shelf(ABC):
    """Where a test puts manifests, and who reads them."""

    manifests: Manifests

    @abstractmethod
    def put(self, name: str, *levels: str) -> None:
        """A plugin with these levels, which may run."""

    @abstractmethod
    def spoil(self, name: str) -> None:
        """From now on it cannot be read."""

    def levels_after_reading(self, *names: str) -> list[tuple[str, ...] | None]:
        """The names of the levels of these, after one reading of all of them."""

        async def story() -> None:
            await self.manifests.read(names)

        run(story())
        found = [self.manifests.levels(name) for name in names]
        return [None if each is None else tuple(level.name for level in each) for each in found]


class Folder(Shelf):
    """Real plugins in a real folder."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "plugins"
        clock = SteadyClock()
        self.manifests = Plugins(
            state=root / "state", folders=(self._folder,), clock=clock, faults=FaultLine(), heard=Heard()
        )

    @override
    def put(self, name: str, *levels: str) -> None:
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        listed = "".join(f"  - {{name: {level}, memory: 1Gi, config: {{size: 3}}}}\n" for level in levels)
        text = f"name: {name}\nversion: 1.0.0\nentry: {name}.py\nconfig: {{size: {{type: integer}}}}\n"
        (self._folder / name / f"{name}.py").write_text("")
        (self._folder / name / "plugin.yaml").write_text(text + (f"levels:\n{listed}" if levels else ""))

    @override
    def spoil(self, name: str) -> None:
        (self._folder / name / "plugin.yaml").write_text("levels: [")


class Faked(Shelf):
    """The fake."""

    def __init__(self, _: Path) -> None:
        self.manifests = self._fake = FakeManifests()

    @override
    def put(self, name: str, *levels: str) -> None:
        self._fake.said[name] = tuple(Level(name=level, memory=2**30) for level in levels)
        self._fake.hidden.discard(name)

    @override
    def spoil(self, name: str) -> None:
        self._fake.hidden.add(name)


@pytest.fixture(params=[Folder, Faked])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Each kind, empty."""
    kind: type[Folder | Faked] = request.param
    return kind(tmp_path)


def test_what_was_never_read_is_not_known(shelf: Shelf) -> None:
    """Neither before a reading nor after one that did not find it; none is something else than not known."""
    shelf.put("voice", "large", "small")
    assert shelf.manifests.levels("voice") is None
    shelf.put("stubs")
    assert shelf.levels_after_reading("voice", "nobody", "stubs") == [("large", "small"), None, ()]


def test_a_level_comes_without_its_config(shelf: Shelf) -> None:
    """That is the plugin's own; what it is guessed to take is the planner's."""
    shelf.put("voice", "large", "small")
    shelf.levels_after_reading("voice")
    assert [(level.memory, level.config) for level in shelf.manifests.levels("voice") or ()] == [(2**30, {})] * 2


def test_a_reading_takes_in_what_changed_and_keeps_what_it_cannot_read(shelf: Shelf) -> None:
    """While its author edits it the ladder stays as it was."""
    shelf.put("voice", "large", "small")
    assert shelf.levels_after_reading("voice") == [("large", "small")]
    shelf.spoil("voice")
    assert shelf.levels_after_reading("voice") == [("large", "small")]
    shelf.put("voice", "large", "small", "text")
    assert shelf.levels_after_reading("voice") == [("large", "small", "text")]


def test_who_asks_twice_at_once_is_answered_twice(shelf: Shelf) -> None:
    """Two readings beside each other are one, or two: both return."""
    shelf.put("voice", "large")
    names: Collection[str] = ("voice",)

    async def story() -> None:
        await asyncio.gather(shelf.manifests.read(names), shelf.manifests.read(names))

    run(story())
    assert shelf.manifests.levels("voice") is not None

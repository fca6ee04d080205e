"""A local home for tests: a directory that a test writes to, and a home that follows it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from brownout.api.integration import Integration
from brownout.disk.documents import dump_yaml
from brownout.engine.ports import Inventory
from brownout.local.files import LocalHome
from tests.builders import integration_document, policy_document
from tests.eventually import eventually_async
from tests.local.loops import run

T = TypeVar("T")


def text_of(*names: str, **spec: Any) -> str:
    """The text of a file that declares these integrations."""
    return dump_yaml(*(integration_document(name, **spec) for name in names))


def policy_text(name: str = "default", **spec: Any) -> str:
    """The text of a file that declares a policy."""
    return dump_yaml(policy_document(name, **spec))


@dataclass
class House:
    """A directory, a state folder, and what was reported."""

    directory: Path
    state: Path
    node: str = "box"
    sources: Path | None = None
    faults: list[str] = field(default_factory=list)

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the directory, at once and in place."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def home(self) -> LocalHome:
        """A home on it."""
        return LocalHome(
            self.directory,
            self.state,
            on_fault=lambda _, message: self.faults.append(message),
            node=self.node,
            sources=self.sources,
        )

    def load(self) -> Inventory:
        """What a controller that starts now would know."""
        return self.home().load()

    def live(self, story: Callable[[LocalHome], Awaitable[T]]) -> T:
        """Tell a story with a home that follows its directory."""

        async def told() -> T:
            home = self.home()
            home.load()
            following = asyncio.create_task(home.run())
            try:
                return await story(home)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                await home.close()

        return run(told())


async def until(home: LocalHome, check: Callable[[Inventory], object], *, within_s: float = 10.0) -> Inventory:
    """The inventory once it is so."""

    async def look() -> Inventory | None:
        return home.inventory() if check(home.inventory()) else None

    found = await eventually_async(look, within_s=within_s)
    assert found is not None
    return found


def names(inventory: Inventory) -> set[str]:
    """What is declared."""
    return set(inventory.integrations)


def priority(inventory: Inventory, name: str = "voice") -> int:
    """How important it is."""
    return inventory.integrations[name].spec.priority


def said(inventory: Inventory, file: str) -> str:
    """All problems of a file."""
    return "\n".join(str(problem) for problem in inventory.problems.get(file, ()))


def one(inventory: Inventory, name: str = "voice") -> Integration:
    """An integration."""
    return inventory.integrations[name]

"""What every Home promises: on a directory, and in memory as the engine's tests have it.

A home joins by a class like the two below: it can declare, withdraw and spoil an integration.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.holding import held, hold_from, return_from
from brownout.engine.ports import Home
from tests.builders import make_integration
from tests.engine.home import Home as HomeInMemory
from tests.engine.log import Log
from tests.eventually import eventually_async
from tests.local.house import House, text_of
from tests.local.loops import run
from tests.worlds import NOW, make_hold, make_member

Story = Callable[["Place", Home], Awaitable[None]]


class Place(Protocol):
    """Where integrations are declared."""

    def declare(self, name: str, **spec: Any) -> None:
        """Declare an integration, or edit its spec."""
        ...

    def withdraw(self, name: str) -> None:
        """It is no longer declared."""
        ...

    def live(self, story: Story) -> None:
        """Tell a story with a home that has been read once and follows what is declared."""
        ...


class Directory:
    """A directory of files, one for each integration."""

    def __init__(self, folder: Path) -> None:
        self._house = House(folder / "integrations", folder / "state")
        self._house.directory.mkdir()

    def declare(self, name: str, **spec: Any) -> None:
        """Write its file."""
        self._house.write(f"{name}.yaml", text_of(name, **spec))

    def withdraw(self, name: str) -> None:
        """Delete its file."""
        (self._house.directory / f"{name}.yaml").unlink()

    def live(self, story: Story) -> None:
        """Follow the directory."""
        self._house.live(lambda home: story(self, home))


class Memory:
    """The home of the engine's tests."""

    def __init__(self) -> None:
        self._home: HomeInMemory | None = None
        self._before: dict[str, dict[str, Any]] = {}

    def declare(self, name: str, **spec: Any) -> None:
        """Put it."""
        if self._home is None:
            self._before[name] = spec
        elif name in self._home.known.integrations:
            self._home.edit(name, **spec)
        else:
            self._home.put(make_integration(name, **spec))

    def withdraw(self, name: str) -> None:
        """Remove it."""
        assert self._home is not None
        self._home.remove(name)

    def live(self, story: Story) -> None:
        """It lives by itself."""

        async def told() -> None:
            declared = (make_integration(name, **spec) for name, spec in self._before.items())
            self._home = HomeInMemory(Log(), *declared)
            await story(self, self._home)

        run(told())


@pytest.fixture(params=["directory", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place of each kind."""
    return Directory(tmp_path) if request.param == "directory" else Memory()


def test_it_knows_what_is_declared_once_it_was_read(place: Place) -> None:
    """Complete, with the policy's defaults where none is declared, and at once."""
    place.declare("voice", priority=7)

    async def story(_: Place, home: Home) -> None:
        inventory = home.inventory()
        assert (inventory.complete, set(inventory.integrations)) == (True, {"voice"})
        assert inventory.integrations["voice"].spec.priority == 7
        assert inventory.policy.spec.interval == 30.0
        assert (home.faults(), home.may_act("voice")) == ((), True)

    place.live(story)


def test_a_change_is_told_and_seen(place: Place) -> None:
    """`changed` returns after a change and waits without one; the inventory has it, with another generation."""
    place.declare("voice", priority=1)

    async def story(place: Place, home: Home) -> None:
        before = home.inventory().integrations["voice"]
        told = asyncio.ensure_future(home.changed())
        await asyncio.wait((told,), timeout=0.3)
        assert not told.done()
        place.declare("voice", priority=2)
        await asyncio.wait_for(told, 10)
        after = home.inventory().integrations["voice"]
        assert (after.spec.priority, after.metadata.generation > before.metadata.generation) == (2, True)
        assert after.metadata.uid == before.metadata.uid

    place.live(story)


def test_what_is_withdrawn_is_gone(place: Place) -> None:
    """From the inventory, and for the re-reading just before acting; writing its status is no fault."""
    place.declare("voice")
    place.declare("android")

    async def story(place: Place, home: Home) -> None:
        place.withdraw("voice")
        await eventually_async(lambda: _holds(home, {"android"}))
        assert await home.current("voice") is None
        assert await home.current("android") is not None

    place.live(story)


def test_the_newest_spec_just_before_acting(place: Place) -> None:
    """`current` does not wait for an event."""
    place.declare("voice", priority=1)

    async def story(place: Place, home: Home) -> None:
        place.declare("voice", priority=2)
        current = await home.current("voice")
        assert current is not None
        assert current.spec.priority == 2

    place.live(story)


def test_a_status_is_part_of_the_object_and_no_change(place: Place) -> None:
    """What we write comes back with the inventory, and does not wake us."""
    place.declare("voice")

    async def story(_: Place, home: Home) -> None:
        told = asyncio.ensure_future(home.changed())
        status = IntegrationStatus(message="well", observed_generation=1)
        assert await home.write_status("voice", status)
        assert home.inventory().integrations["voice"].status == status
        assert await home.write_policy_status(PolicyStatus(memory_percent=50.0))
        await asyncio.wait((told,), timeout=0.5)
        assert not told.done()
        told.cancel()

    place.live(story)


@pytest.mark.parametrize("back", [None, (NOW, 2)])
def test_what_a_status_no_longer_says_is_gone(place: Place, back: tuple[float, int] | None) -> None:
    """A hold that has ended leaves nothing of itself; a return on trial is all that stands there in its place."""
    place.declare("voice")

    async def story(_: Place, home: Home) -> None:
        member = make_member("voice", hold=make_hold())
        assert await home.write_status("voice", IntegrationStatus(hold=held(member.hold, member)))
        assert await home.write_status("voice", IntegrationStatus(hold=held(None, member, back=back)))
        current = await home.current("voice")
        assert current is not None
        assert hold_from(current.status, member) is None
        assert return_from(current.status) == back

    place.live(story)


def test_announcing_never_raises(place: Place) -> None:
    """Also for what nobody knows."""
    place.declare("voice")

    async def story(_: Place, home: Home) -> None:
        await home.announce("voice", "Restored", "it is back", warning=False)
        await home.announce("nobody", "Emergency", "it is off", warning=True)

    place.live(story)


async def _holds(home: Home, names: set[str]) -> bool:
    return set(home.inventory().integrations) == names

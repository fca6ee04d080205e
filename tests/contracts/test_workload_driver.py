"""What every WorkloadDriver promises: on real programs, on systemd's stand-in, and on the engine tests' machine.

A driver joins by a class like those below: it can make integrations that it drives and tell what runs of them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from brownout.api.integration import Integration
from brownout.core.member import Observation, Presence
from brownout.engine.ports import OutcomeStatus, WorkloadDriver
from brownout.local.systemd import SystemdDriver
from brownout.pluginhost.driver import PluginDriver
from tests.builders import make_integration
from tests.engine.log import Log
from tests.engine.machine import Machine
from tests.eventually import eventually_async
from tests.local.box import Box, program
from tests.local.loops import run
from tests.pluginhost.stage import Stage

STANDIN = Path(__file__).parent.parent / "programs" / "systemctl.py"
Story = Callable[["Place", WorkloadDriver], Awaitable[None]]


class Place(Protocol):
    """Where workloads run."""

    owns: bool
    """Whether the driver ends what it started when the controller ends."""

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """One that this driver can switch; `deaf` does not stop when it is asked to."""
        ...

    def live(self, story: Story) -> None:
        """Tell a story with a driver, which is closed at the end."""
        ...


class RealPlace(Place, Protocol):
    """One that is not made up: there something can be missing."""

    def stranger(self) -> Integration:
        """One that names a workload which does not exist, or is none of this driver's."""
        ...


class Programs:
    """Real programs of a box."""

    owns = True

    def __init__(self, box: Box) -> None:
        self._box = box

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """A program that waits."""
        return program(name, *(["ignore"] if deaf else []), "say", self._box.file(f"{name} is ready"))

    def stranger(self) -> Integration:
        """A systemd unit."""
        return make_integration("stranger", workload={"systemd": {"unit": "stranger.service"}})

    def live(self, story: Story) -> None:
        """On a box."""
        self._box.live(lambda driver: story(self, driver))


class Units:
    """systemd units, through the stand-in."""

    owns = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """A unit."""
        (self._folder / f"{name}.service.json").write_text(json.dumps({"deaf": deaf}))
        return make_integration(name, workload={"systemd": {"unit": f"{name}.service"}})

    def stranger(self) -> Integration:
        """A unit that does not exist."""
        return make_integration("stranger", workload={"systemd": {"unit": "stranger.service"}})

    def live(self, story: Story) -> None:
        """With its driver."""

        async def told() -> None:
            driver = SystemdDriver(lambda *_: None, str(STANDIN))
            await story(self, driver)
            await driver.close()

        run(told())


class Workers:
    """Plugins, each in a process of its own."""

    owns = True

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """A plugin; a deaf one never comes back from its shutdown."""
        source = "def handle_request(request): pass\ndef initialize(config): pass\ndef health_check(): pass\n"
        source += "import time\n" if deaf else ""
        source += f"def shutdown(): {'time.sleep(3600)' if deaf else 'pass'}\n"
        self._stage.put(name, source)
        return self._stage.integration(name)

    def stranger(self) -> Integration:
        """A plugin that nobody has."""
        return make_integration("stranger", workload={"plugin": {"name": "stranger"}})

    def live(self, story: Story) -> None:
        """With its driver."""

        async def told(driver: PluginDriver) -> None:
            await story(self, driver)

        self._stage.drive(told)


class MadeUp:
    """The machine of the engine's tests."""

    owns = True

    def __init__(self) -> None:
        self._deaf: set[str] = set()

    def integration(self, name: str, *, deaf: bool = False) -> Integration:
        """An entry."""
        self._deaf |= {name} if deaf else set()
        return make_integration(name)

    def live(self, story: Story) -> None:
        """With its driver."""

        async def told() -> None:
            machine = Machine(Log())
            for name in self._deaf:
                machine[name].obeys_in_s = 3600.0
            await story(self, machine)
            await machine.close()

        run(told())


@pytest.fixture(params=["programs", "units", "workers", "made up"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place of each kind; a box is empty at the end."""
    if request.param == "units":
        monkeypatch.setenv("STANDIN", str(tmp_path))
        yield Units(tmp_path)
    elif request.param == "made up":
        yield MadeUp()
    elif request.param == "workers":
        stage = Stage(tmp_path)
        yield Workers(stage)
        assert stage.clear() == ()
    else:
        box = Box(tmp_path)
        box.directory.mkdir()
        yield Programs(box)
        assert box.clear() == ()


def test_up_and_down_each_again_without_harm(place: Place) -> None:
    """Start and stop do what they say and are idempotent; a run has an identity, the next one another."""
    voice = place.integration("voice")

    async def story(place: Place, driver: WorkloadDriver) -> None:
        assert (await driver.observe(voice)).presence is Presence.STOPPED
        identities = set()
        for _again in range(2):
            assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
            first = await _seen(driver, voice, Presence.RUNNING)
            assert (await driver.start(voice, None)).status is OutcomeStatus.DONE
            second = await _seen(driver, voice, Presence.RUNNING)
            assert (first.identity, bool(first.identity)) == (second.identity, True)
            identities.add(first.identity)
            for _and_again in range(2):
                assert (await driver.stop(voice, grace_s=5.0)).status is OutcomeStatus.DONE
                assert (await driver.observe(voice)).presence is Presence.STOPPED
        assert len(identities) == 2

    place.live(story)


def test_what_does_not_listen_is_ended_after_its_grace(place: Place) -> None:
    """And a second, more impatient stop shortens the first: both return when it is gone."""
    deaf = place.integration("deaf", deaf=True)

    async def story(_: Place, driver: WorkloadDriver) -> None:
        await driver.start(deaf, None)
        await _seen(driver, deaf, Presence.RUNNING)
        slow = asyncio.ensure_future(driver.stop(deaf, grace_s=3600.0))
        await asyncio.wait((slow,), timeout=0.2)
        assert (await driver.stop(deaf, grace_s=0.1)).status is OutcomeStatus.DONE
        assert (await asyncio.wait_for(slow, 10)).status is OutcomeStatus.DONE
        assert (await driver.observe(deaf)).presence in (Presence.STOPPED, Presence.FAILED)

    place.live(story)


def test_one_does_not_wait_for_another(place: Place) -> None:
    """Calls for different integrations run side by side."""
    deaf, voice = place.integration("deaf", deaf=True), place.integration("voice")

    async def story(_: Place, driver: WorkloadDriver) -> None:
        await driver.start(deaf, None)
        slow = asyncio.ensure_future(driver.stop(deaf, grace_s=3600.0))
        assert (await asyncio.wait_for(driver.start(voice, None), 10)).status is OutcomeStatus.DONE
        assert (await asyncio.wait_for(driver.stop(voice, grace_s=5.0), 10)).status is OutcomeStatus.DONE
        await driver.stop(deaf, grace_s=0.0)
        await slow

    place.live(story)


@pytest.mark.parametrize("place", ["programs", "units", "workers"], indirect=True)
def test_what_does_not_exist_is_an_observation(place: RealPlace) -> None:
    """Missing, with a reason; starting it has failed, with a reason; nothing is raised."""
    stranger = place.stranger()

    async def story(_: Place, driver: WorkloadDriver) -> None:
        seen = await driver.observe(stranger)
        assert (seen.presence, bool(seen.detail)) == (Presence.MISSING, True)
        outcome = await driver.start(stranger, None)
        assert (outcome.status, bool(outcome.detail)) == (OutcomeStatus.FAILED, True)

    place.live(story)


def test_forgetting_ends_what_the_driver_owns(place: Place) -> None:
    """And leaves alone what is somebody else's; forgetting what nobody knows is no fault."""
    voice = place.integration("voice")

    async def story(place: Place, driver: WorkloadDriver) -> None:
        await driver.start(voice, None)
        await _seen(driver, voice, Presence.RUNNING)
        await driver.forget("voice")
        await driver.forget("nobody")
        expected = Presence.STOPPED if place.owns else Presence.RUNNING
        assert (await driver.observe(voice)).presence is expected

    place.live(story)


async def _seen(driver: WorkloadDriver, integration: Integration, presence: Presence) -> Observation:
    async def look() -> Observation | None:
        seen = await driver.observe(integration)
        return seen if seen.presence is presence else None

    seen = await eventually_async(look)
    assert seen is not None
    return seen

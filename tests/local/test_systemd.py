"""systemd units, through a stand-in for systemctl: real calls of a real program, its answers as systemd gives them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from brownout.api.integration import Integration
from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.local import systemctl
from brownout.local.systemd import SystemdDriver
from brownout.local.unit import unit_state
from brownout.processes import backoff
from tests.builders import make_integration
from tests.eventually import eventually_async
from tests.local.loops import run

T = TypeVar("T")
STANDIN = Path(__file__).parent.parent / "programs" / "systemctl.py"
VOICE = make_integration("voice", workload={"systemd": {"unit": "voice.service"}})


class Units:
    """The units of a machine, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []

    def put(self, **state: Any) -> None:
        """There is a voice.service that behaves so."""
        (self.folder / "voice.service.json").write_text(json.dumps(state))

    def get(self) -> dict[str, Any]:
        """How it stands."""
        found: dict[str, Any] = json.loads((self.folder / "voice.service.json").read_text())
        return found

    def calls(self) -> list[list[str]]:
        """What systemctl was called with."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def live(self, story: Callable[[SystemdDriver], Awaitable[T]], program: str = str(STANDIN)) -> T:
        """Tell a story with a driver."""

        async def told() -> T:
            driver = SystemdDriver(lambda _, message: self.faults.append(message), program)
            try:
                return await story(driver)
            finally:
                await driver.close()

        return run(told())


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Units:
    """A machine with one unit, which does not run."""
    monkeypatch.setenv("STANDIN", str(tmp_path))
    units = Units(tmp_path)
    units.put(memory=100)
    return units


def test_a_unit_is_started_and_stopped(units: Units) -> None:
    """Up and down, each again without harm; its run is told from the next by systemd's own id."""

    async def story(driver: SystemdDriver) -> None:
        assert (await driver.observe(VOICE)).presence is Presence.STOPPED
        assert (await driver.start(VOICE, None)).status is OutcomeStatus.DONE
        assert (await driver.start(VOICE, None)).detail == "it runs already"
        seen = await driver.observe(VOICE)
        assert (seen.presence, seen.memory_bytes, seen.identity) == (Presence.RUNNING, 100, units.get()["invocation"])
        assert (await driver.stop(VOICE, grace_s=5.0)).detail == "stopped"
        assert (await driver.stop(VOICE, grace_s=5.0)).status is OutcomeStatus.DONE
        assert (await driver.observe(VOICE)).presence is Presence.STOPPED

    units.live(story)


def test_names_come_after_two_dashes(units: Units) -> None:
    """S-11: what a unit is called can never be an option."""

    async def story(driver: SystemdDriver) -> None:
        await driver.start(VOICE, None)
        await driver.stop(VOICE, grace_s=1.0)

    units.live(story)
    assert all(call[-2:] == ["--", "voice.service"] for call in units.calls())


def test_a_unit_that_does_not_stop_is_killed(units: Units) -> None:
    """After the grace, all of it; and a second stop shortens the grace of the first."""
    units.put(deaf=True)

    async def story(driver: SystemdDriver) -> None:
        await driver.start(VOICE, None)
        outcome = await driver.stop(VOICE, grace_s=0.2)
        assert outcome.detail == "did not stop within 0.2 s and was killed"
        await driver.start(VOICE, None)
        slow = asyncio.ensure_future(driver.stop(VOICE, grace_s=3600.0))
        await eventually_async(lambda: _active(units, "deactivating"))
        assert (await driver.stop(VOICE, grace_s=0.1)).status is OutcomeStatus.DONE
        assert (await slow).status is OutcomeStatus.DONE

    units.live(story)
    assert units.get()["active"] == "failed"


@pytest.mark.parametrize(
    ("load", "why"), [("masked", "unmask"), ("not-found", "no such unit"), ("bad-setting", "wrong")]
)
def test_a_unit_that_is_not_to_be_had_is_missing(units: Units, load: str, why: str) -> None:
    """P-13: the reason in a sentence; starting it fails with it, stopping it is done."""
    units.put(load=load)

    async def story(driver: SystemdDriver) -> None:
        seen = await driver.observe(VOICE)
        assert (seen.presence, why in seen.detail) == (Presence.MISSING, True)
        assert (await driver.start(VOICE, None)).status is OutcomeStatus.FAILED
        assert (await driver.stop(VOICE, grace_s=1.0)).status is OutcomeStatus.DONE

    units.live(story)


def test_a_unit_that_fails_says_why_and_rests(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-13: a start limit that was hit: failed, resting, then stopped so that it is started again, reset before."""
    units.put(fails="start-limit-hit")
    monkeypatch.setattr(backoff, "delay_s", lambda failures: 0.3 * failures)

    async def story(driver: SystemdDriver) -> None:
        outcome = await driver.start(VOICE, None)
        assert (outcome.status, outcome.detail) == (OutcomeStatus.FAILED, "the unit failed: start-limit-hit")
        seen = await driver.observe(VOICE)
        assert seen.presence is Presence.FAILED
        assert seen.detail.startswith("the unit failed: start-limit-hit; next try in ")
        await eventually_async(lambda: _seen(driver, Presence.STOPPED))
        units.put(active="failed")
        assert (await driver.start(VOICE, None)).status is OutcomeStatus.DONE

    units.live(story)
    assert any("reset-failed" in call for call in units.calls())


def test_a_unit_that_restarts_by_itself_is_stopped_and_not_only_killed(units: Units) -> None:
    """P-13: `Restart=always` fights a kill; a stop comes first, so it stays down."""
    units.put(deaf=True, restart=True)

    async def story(driver: SystemdDriver) -> None:
        await driver.start(VOICE, None)
        await driver.stop(VOICE, grace_s=0.1)
        assert units.get()["active"] == "failed"

    units.live(story)


@pytest.mark.parametrize("verb", ["show", "start", "stop"])
def test_a_systemctl_that_hangs_hangs_nothing(units: Units, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """P-13: D-Bus does not answer: unknown or failed in bounded time, and no systemctl is left behind."""
    monkeypatch.setattr(systemctl, "_ASK_S", 2.0)
    units.put(active="active" if verb == "stop" else "inactive", hang=verb)

    async def story(driver: SystemdDriver) -> None:
        seen = await driver.observe(VOICE)
        assert (seen.presence is Presence.UNKNOWN) == (verb == "show")
        if verb == "stop":
            assert (await driver.stop(VOICE, grace_s=0.1)).status is OutcomeStatus.DONE  # the kill got through
        else:
            outcome = await driver.start(VOICE, None)
            assert (outcome.status is OutcomeStatus.FAILED) == (verb == "start")
            assert verb == "show" or "systemctl.py start has not answered for 2 s" in outcome.detail

    units.live(story)


def test_without_systemd_everything_is_unknown(units: Units) -> None:
    """The words of systemctl itself; reported once, and again after it worked in between."""
    (units.folder / "bus-is-down").touch()

    async def story(driver: SystemdDriver) -> None:
        seen = [await driver.observe(VOICE) for _ in range(3)][-1]
        assert (seen.presence, seen.detail) == (Presence.UNKNOWN, "Failed to connect to bus: Host is down")
        assert units.faults == ["Failed to connect to bus: Host is down"]

    units.live(story)


def test_without_systemctl_everything_is_unknown(units: Units) -> None:
    """Not installed."""

    async def story(driver: SystemdDriver) -> None:
        assert "cannot be run: No such file" in (await driver.observe(VOICE)).detail

    units.live(story, "/no/such/systemctl")


def test_forgetting_and_closing_leave_the_unit_alone(units: Units) -> None:
    """It is its owner's; systemd goes on looking after it."""

    async def story(driver: SystemdDriver) -> None:
        await driver.start(VOICE, None)
        await driver.forget("voice")

    units.live(story)
    assert units.get()["active"] == "active"


def test_page_cache_of_a_unit_is_not_its_memory(tmp_path: Path) -> None:
    """What the kernel can take back at once is no pressure."""
    (tmp_path / "system.slice").mkdir()
    (tmp_path / "system.slice" / "memory.stat").write_text("anon 5\ninactive_file 60\n")
    properties = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "MemoryCurrent": "100",
        "ControlGroup": "/system.slice",
    }
    assert unit_state(properties, cgroups=tmp_path).memory_bytes == 40
    assert unit_state({**properties, "MemoryCurrent": str(2**64 - 1)}, cgroups=tmp_path).memory_bytes is None


def test_another_kind_of_workload_is_missing(units: Units) -> None:
    """Asked by mistake, it says so."""
    other = make_integration("other")

    async def story(driver: SystemdDriver) -> None:
        assert (await driver.observe(other)).presence is Presence.MISSING
        assert (await driver.start(other, None)).status is OutcomeStatus.FAILED
        assert (await driver.stop(other, grace_s=1.0)).status is OutcomeStatus.FAILED

    units.live(story)


async def _seen(driver: SystemdDriver, presence: Presence, integration: Integration = VOICE) -> bool:
    return (await driver.observe(integration)).presence is presence


async def _active(units: Units, active: str) -> bool:
    return bool(units.get()["active"] == active)

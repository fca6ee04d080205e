"""Levels that an owner leaves to a plugin: its ladder is the integration's, from the first tick on."""

from typing import Any

import pytest

from brownout.api.integration import Integration, Level
from brownout.api.reasons import State
from brownout.api.workload import WorkloadKind
from brownout.core.ladder import ladder_of
from brownout.engine.manifests import PATIENCE_S, Ladders
from brownout.engine.ports import Inventory
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, passing, until
from tests.fakes import FakeManifests

THREE = tuple(Level(name=name) for name in ("large", "medium", "small"))
SIZES = {"large": 10.0, "medium": 6.0, "small": 2.0}
pytestmark = IN_VIRTUAL_TIME

PLUGIN = {"plugin": {"name": "voice"}}


def names(integration: Integration) -> list[str]:
    """The rungs of its ladder."""
    return [level.name for level in ladder_of(integration).levels]


async def test_what_is_declared_is_filled_in_once_and_anew_when_something_changes() -> None:
    """Asked ten times a tick it costs next to nothing; whose manifest nobody knows has what its status remembers."""
    manifests = FakeManifests(voice=THREE)
    ladders = Ladders(manifests)
    lowered = {"state": "Lowered", "level": "small", "levels": [{"name": "large"}, {"name": "small"}]}
    voice, plain = make_integration("voice", workload=PLUGIN, status=lowered), make_integration("plain")
    declared = Inventory(integrations={"voice": voice, "plain": plain}, complete=True)
    filled = ladders.filled(declared)
    assert ladders.filled(declared) is filled
    assert names(filled.integrations["voice"]) == ["large", "small"]
    assert filled.integrations["plain"] is plain
    manifests._known = {"voice": THREE}
    assert names(ladders.filled(declared).integrations["voice"]) == ["large", "medium", "small"]
    manifests._known = {"voice": ()}
    assert names(ladders.filled(declared).integrations["voice"]) == []
    foreign = Inventory(integrations={"voice": voice}, foreign=frozenset({"voice"}))
    assert ladders.filled(foreign) is foreign


def a_box(**voice: Any) -> Box:
    """A box on which the plugin voice runs at its best level beside stubs; its size follows its level."""
    box = Box(
        make_integration("voice", uid="uid-voice", priority=10, workload=PLUGIN, **voice),
        make_integration("stubs", uid="uid-stubs", priority=1000, essential=True),
        base=40.0,
        interval="5s",
    )
    box.sized(voice=10.0, stubs=2.0)
    box.machine["voice"].sizes = dict(SIZES)
    return box


def parts(box: Box, manifests: FakeManifests) -> dict[str, Any]:
    """What a controller of such a box has beside the usual."""
    drivers = dict.fromkeys((WorkloadKind.COMMAND, WorkloadKind.PLUGIN), box.machine)
    return {"drivers": drivers, "ladders": Ladders(manifests)}


@pytest.mark.parametrize("levels", [None, []])
async def test_pressure_lowers_it_before_it_disables(levels: list[Any] | None) -> None:
    """By the plugin's own levels, without a word in the spec; where the owner wants none it goes whole."""
    box = a_box(**({} if levels is None else {"levels": levels}))
    async with box.controlled(**parts(box, FakeManifests(voice=THREE))):
        await until(lambda: box.machine["voice"].running, within_s=30.0)
        assert box.machine["voice"].level == ("large" if levels is None else "")
        await passing(10.0)
        box.machine.base = 69.0  # 81 in all
        await passing(40.0)
        status = box.status("voice")
        wanted = (State.LOWERED, "medium") if levels is None else (State.DISABLED, "")
        assert (status.state, status.level or "") == wanted
        declared = box.home.known.integrations["voice"].spec
        assert declared.levels == ()


async def test_what_was_lowered_stays_so_through_a_restart_without_the_manifest() -> None:
    """The plugin's folder cannot be read as the controller comes back: the ladder is remembered, and nothing moves."""
    box = a_box()
    async with box.controlled(**parts(box, FakeManifests(voice=THREE))):
        await until(lambda: box.machine["voice"].running, within_s=30.0)
        await passing(10.0)
        box.machine.base = 69.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=40.0)
        await passing(15.0)
    switches = len(box.log.texts("start voice"))
    async with box.controlled(**parts(box, FakeManifests())):
        await passing(30.0)
        assert (box.status("voice").state, box.status("voice").level) == (State.LOWERED, "medium")
    assert len(box.log.texts("start voice")) == switches


async def test_manifests_that_hang_hold_up_one_tick_and_no_more_than_their_patience() -> None:
    """A disk that does not answer costs what it would have told; without plugins nothing is ever read."""
    box, manifests = a_box(), FakeManifests(voice=THREE)
    manifests.hangs = True
    async with box.controlled(**parts(box, manifests)):
        assert await until(lambda: box.machine["voice"].running, within_s=30.0) >= PATIENCE_S
    plain, unread = Box(make_integration("voice", uid="uid-voice")), FakeManifests()
    async with plain.controlled(ladders=Ladders(unread)):
        await passing(20.0)
    assert unread.reads == 0

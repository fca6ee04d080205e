"""Shadows beside a running controller: fed the same samples, touching nothing, and beginning anew when others race."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from brownout.api.policy import BrownoutPolicy
from brownout.core.tiers import Hardware
from brownout.engine.admission import Admission
from tests.builders import make_policy
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing
from tests.fakes import FakeHardware

pytestmark = IN_VIRTUAL_TIME

EARLY = {"thresholds": {"disable": 55, "enable": 45, "emergency": 95}}


def shadows(**policies: Mapping[str, Any]) -> dict[str, BrownoutPolicy]:
    """Policies beside the one that rules, by name."""
    return {name: make_policy(name, **spec) for name, spec in policies.items()}


def make_shadowed(**policies: Mapping[str, Any]) -> Box:
    """Make a box at 60 % with these policies in shadow; voice takes 10 %, android 8 %, stubs 2 %."""
    box = make_box(base=40.0)
    box.home.change(shadows=shadows(**policies))
    return box


async def test_a_shadow_is_fed_the_same_samples_and_touches_nothing() -> None:
    """An hour at 60 %: one that gives up at 55 % would have lost voice; the live one and the box lose nothing."""
    box = make_shadowed(early=EARLY)
    async with box.controlled() as controller:
        await passing(3600.0)
        report = controller.reconciler.shadows.report()
    assert report is not None
    assert (report.live, report.gaps, report.why) == ("default", 0, "")
    live, early = report.runs
    assert (live.policy, early.policy) == ("default", "early")
    assert live.whole.ticks == early.whole.ticks == pytest.approx(119, abs=2)
    assert early.whole.cost > live.whole.cost
    assert report.present["early"].rungs["voice"] == 1
    assert report.present["default"].rungs["voice"] == 0
    assert box.running == {"voice", "android", "stubs"}
    assert box.watcher.outcomes == []


async def test_what_sleeps_takes_nothing_in_a_shadow_either() -> None:
    """Voice is loaded lazily: a policy that would give it up at 55 % has no reason to, until somebody asks."""
    box, admission = make_shadowed(early=EARLY), Admission()
    box.machine["voice"].lazy, box.machine["voice"].running = True, False
    box.home.edit("voice", priority=10, memory=10 * 2**30)
    async with box.controlled(admission=admission) as controller:
        await passing(3600.0)
        report = controller.reconciler.shadows.report()
        assert report is not None
        assert {name: each.rungs["voice"] for name, each in report.present.items()} == {"default": 0, "early": 0}
        assert report.present["default"].memory_percent == pytest.approx(50.0, abs=2.0)
        assert box.machine.ask("voice", admission) == ""
        await passing(600.0)
        awake = controller.reconciler.shadows.report()
    assert awake is not None
    assert {name: each.rungs["voice"] for name, each in awake.present.items()} == {"default": 0, "early": 1}
    assert awake.present["default"].memory_percent == pytest.approx(60.0, abs=2.0)


async def test_what_slept_when_it_was_switched_off_sleeps_on_where_it_is_on() -> None:
    """The live policy gives voice and android up at 80 %; a shadow that does not goes on without voice's memory."""
    box = make_shadowed(late={"thresholds": {"disable": 90, "enable": 80, "emergency": 97}})
    box.machine["voice"].lazy, box.machine["voice"].running = True, False
    box.home.edit("voice", priority=10, memory=10 * 2**30)
    async with box.controlled() as controller:
        await passing(600.0)
        box.machine.base = 76.0
        await passing(600.0)
        report = controller.reconciler.shadows.report()
    assert box.running == {"stubs"}
    assert report is not None
    assert report.present["late"].rungs["voice"] == 0
    assert report.present["late"].memory_percent == pytest.approx(86.0, abs=3.0)


async def test_without_shadows_there_is_no_report_and_no_race() -> None:
    """Nobody pays for what is not declared; one that is withdrawn is forgotten."""
    box = make_shadowed(early=EARLY)
    async with box.controlled() as controller:
        await passing(120.0)
        assert controller.reconciler.shadows.report() is not None
        box.home.change(shadows={})
        await passing(60.0)
        assert controller.reconciler.shadows.report() is None


async def test_another_policy_begins_anew_and_a_status_does_not() -> None:
    """What was measured under another policy says nothing of this one; a tick writes statuses, and goes on."""
    box = make_shadowed(early=EARLY)
    async with box.controlled() as controller:
        await passing(1800.0)
        before = controller.reconciler.shadows.report()
        box.home.change(shadows=shadows(early={"thresholds": {"disable": 70, "enable": 45, "emergency": 95}}))
        await passing(300.0)
        after = controller.reconciler.shadows.report()
    assert before is not None
    assert after is not None
    assert before.runs[0].whole.ticks > 50
    assert after.runs[0].whole.ticks < 12
    assert after.since > before.since


async def test_while_nothing_is_measured_it_says_so() -> None:
    """A sensor that fails feeds no shadow, and a silence is counted as a gap, not made up."""
    box = make_shadowed(early=EARLY)
    async with box.controlled() as controller:
        await passing(300.0)
        box.sensor.error = OSError("no such file")
        await passing(600.0)
        box.sensor.error = None
        await passing(300.0)
        report = controller.reconciler.shadows.report()
    assert report is not None
    assert report.gaps == 1
    assert report.runs[0].whole.ticks < 25


async def test_a_shadow_has_the_thresholds_of_its_tier() -> None:
    """As it would have if it ruled."""
    tier = {"name": "this", "match": {"memoryBelow": "8Gi"}, **EARLY}
    box = make_shadowed(tiered={"tiers": [tier]})
    async with box.controlled(hardware=FakeHardware(Hardware(memory_bytes=4 * 2**30))) as controller:
        await passing(600.0)
        report = controller.reconciler.shadows.report()
    assert report is not None
    assert report.policies["tiered"].thresholds.disable == 55
    assert report.present["tiered"].rungs["voice"] == 1


async def test_a_policy_that_looks_seldom_feeds_the_ticks_in_between() -> None:
    """A look every two minutes is four ticks of the plant."""
    box = make_box(base=40.0, interval="2m", window="60m")
    box.home.change(shadows=shadows(early=EARLY))
    async with box.controlled() as controller:
        await passing(3600.0)
        report = controller.reconciler.shadows.report()
    assert report is not None
    assert report.runs[0].whole.ticks == pytest.approx(116, abs=5)


async def test_a_controller_without_shadows_imports_no_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is our subject: the plant and its noise are for those who asked."""
    for name in [name for name in sys.modules if name.startswith("brownout.simulate")]:
        monkeypatch.delitem(sys.modules, name)
    box = make_box(base=40.0)
    async with box.controlled():
        await passing(120.0)
    assert not any(name.startswith("brownout.simulate") for name in sys.modules)

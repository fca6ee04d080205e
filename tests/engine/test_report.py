"""Reporting: the newest status gets there, an older one never overtakes it, and nothing waits for it."""

import asyncio
from dataclasses import replace
from types import MappingProxyType

import pytest

from brownout.api.problems import Problem
from brownout.api.reasons import Reason, State
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.decide import decide
from brownout.core.tiers import Hardware
from brownout.engine.ports import Inventory
from brownout.engine.report import Machine, Reporter, policy_status_of
from tests.builders import make_integration, make_policy
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing
from tests.worlds import NOW, make_forecast, make_snapshot

pytestmark = IN_VIRTUAL_TIME


def said(message: str) -> IntegrationStatus:
    """A status that can be told from another."""
    return IntegrationStatus(state=State.ENABLED, message=message)


async def test_a_refused_status_is_offered_again_and_it_is_the_newest() -> None:
    """The home could not take it for three ticks: then it gets what is so now, not what was so then."""
    box = make_box(base=65.0)
    async with box.controlled():
        box.home.refuses = True
        await passing(60.0)
        box.home.refuses = False
        box.log.clear()
        await passing(30.0)
    assert box.log.texts("status voice") == ["status voice Disabled hold=AboveThreshold off=True"]


async def test_a_home_that_hangs_delays_no_tick_and_no_decision() -> None:
    """Statuses wait, the shed does not wait longer than 2 s for them."""
    box = make_box(base=40.0, interval="10s")
    async with box.controlled():
        await passing(1.0)
        box.home.hangs = True
        box.machine.base = 65.0
        await passing(35.0)
        assert len(box.watcher.ticks) >= 4
        assert box.log.at("stop voice") <= 5.0
        box.home.hangs = False
        await passing(25.0)
    assert box.status("voice").state is State.DISABLED
    assert any(where == "status" for where, _ in box.watcher.faults)


async def test_while_it_is_being_switched_off_its_status_says_who_does_it() -> None:
    """What was written ahead is not taken back by the reports of the ticks that pass meanwhile (C-03)."""
    box = make_box(base=65.0, interval="5s", voice={"stop": {"grace": "2m"}})
    box.machine["voice"].obeys_in_s = 60.0
    async with box.controlled():
        await passing(2.0)
        for _ in range(10):
            await passing(5.0)
            hold = box.status("voice").hold
            assert hold is not None
            assert (hold.by_controller, hold.off, hold.reason) == (True, True, Reason.ABOVE_THRESHOLD)
            assert box.status("voice").replicas_before == 2
    assert len(box.log.texts("status voice")) <= 4


async def test_a_shed_that_failed_leaves_no_trace_of_a_hold() -> None:
    """It was written ahead, it did not happen: the next report takes it back."""
    box = make_box(base=65.0)
    box.machine["voice"].failing = "it does not want to"
    async with box.controlled():
        await passing(5.0)
    assert box.status("voice").hold is None
    assert box.status("voice").reason is Reason.ACTUATION_FAILED


async def test_an_older_status_never_overtakes_a_newer_one() -> None:
    """While one write hangs, the newest waits for its turn; in the end it stands."""
    box = make_box()
    reporter, taken = Reporter(box.world()), asyncio.Event()
    slow = box.home.write_status

    async def write(key: str, status: IntegrationStatus) -> bool:
        if status.message == "old":
            await taken.wait()
        return await slow(key, status)

    box.home.write_status = write  # type: ignore[method-assign]
    reporter.offer({"voice": said("old")}, PolicyStatus())
    await passing(0.1)
    ahead = reporter.write_ahead("voice", said("new"))
    reporter.offer({"voice": said("newest")}, PolicyStatus())
    taken.set()
    assert await ahead
    await passing(0.1)
    assert box.status("voice").message == "newest"


async def test_what_is_written_ahead_passes_the_queue() -> None:
    """A thousand statuses are being written, eight at a time: a step does not wait for them."""
    box = make_box()
    reporter, order = Reporter(box.world()), list[str]()

    async def write(key: str, status: IntegrationStatus) -> bool:
        await passing(1.0)
        order.append(key)
        return True

    box.home.write_status = write  # type: ignore[method-assign]
    others = {f"other-{number}": said("x") for number in range(40)}
    reporter.offer({**others, "voice": said("as it was")}, PolicyStatus())
    await passing(0.5)
    assert await reporter.write_ahead("voice", said("ahead"))
    assert order.index("voice") <= 8
    await reporter.finish(patience_s=30.0)
    assert (len(order), order.count("voice")) == (41, 1)  # its turn in the queue found nothing left to write


async def test_what_is_not_offered_any_more_is_not_written_and_not_believed() -> None:
    """Who is in charge of it now may have written anything: when it is ours again it is written anew."""
    box = make_box()
    reporter = Reporter(box.world())
    for offered in ({"voice": said("x")}, {}, {"voice": said("x")}):
        reporter.offer(offered, PolicyStatus())
        await passing(0.1)
    assert box.log.texts("status") == ["status voice Enabled"] * 2


async def test_what_is_forgotten_is_not_written_afterwards() -> None:
    """A write that waited its turn finds nothing to write."""
    box = make_box()
    reporter = Reporter(box.world())
    reporter.offer({"voice": said("x")}, PolicyStatus())
    reporter.forget(frozenset({"voice"}))
    await passing(0.1)
    assert box.log.texts("status") == []


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OSError("read-only")])
async def test_a_home_that_raises_costs_a_status(error: Exception) -> None:
    """Never the loop; and it is tried again."""
    box = make_box(base=40.0)
    good = box.home.write_status

    async def write(key: str, status: IntegrationStatus) -> bool:
        raise error

    box.home.write_status = write  # type: ignore[method-assign]
    async with box.controlled() as controller:
        await passing(35.0)
        assert controller.alive()
        assert box.home.statuses == {}
        box.home.write_status = good  # type: ignore[method-assign]
        await passing(30.0)
    assert set(box.home.statuses) == {"voice", "android", "stubs"}


async def test_the_policys_status_says_what_is_measured() -> None:
    """Memory now, the node, and Ready; figures in one decimal."""
    box: Box = make_box(base=40.04)
    async with box.controlled(node="edge-1"):
        await passing(1.0)
    status = box.home.policy_status
    assert (status.memory_percent, status.node, status.observed_generation) == (60.0, "edge-1", 1)
    assert {one.type: one.status for one in status.conditions} == {"Ready": "True", "Accepted": "True"}
    assert {one.reason for one in status.conditions} <= {*Reason}


@pytest.mark.parametrize("detail", ["x" * 100_000, "\udc80 \x00 broken"])
async def test_what_a_workload_says_of_itself_cannot_silence_the_others(detail: str) -> None:
    """A sentence that is too long, or no text at all, is cut to what a status can hold; every status is written."""
    box = make_box(base=40.0)
    box.machine["voice"].detail = detail
    box.machine["android"].failing = detail
    async with box.controlled() as controller:
        await passing(5.0)
        box.home.edit("android", priority=20, enabled=False)
        await passing(5.0)
        assert controller.faults() == ()
        assert box.status("stubs").state is State.ENABLED
        assert box.status("android").reason is Reason.ACTUATION_FAILED
    assert [fault for fault in box.watcher.faults if fault[0] == "tick"] == []


async def test_a_plan_of_hundreds_fits_into_the_status_of_the_policy() -> None:
    """A mass shed is told in a sentence of bounded length; the tick does not fail over its own words."""
    many = [make_integration(f"integration-with-a-long-name-{number:03}", priority=number) for number in range(80)]
    box = Box(*many, base=70.0)
    box.sized(**{one.name: 0.25 for one in many}).up()
    async with box.controlled():
        await passing(2.0)
        box.machine.base = 92.0
        await passing(35.0)
    assert len(box.log.texts("stop ")) > 40
    assert box.watcher.faults == []


async def test_a_rejected_object_gets_its_status_until_it_is_gone() -> None:
    """An object that was never valid is told all that is wrong with it; deleted, nothing is written any more."""
    box = make_box(base=40.0)
    problem = Problem(path="spec.priority", value="many", allowed="must be a number")
    box.home.change(problems=MappingProxyType({"broken": (problem,)}), rejected=frozenset({"broken"}))
    async with box.controlled() as controller:
        await passing(5.0)
        assert box.status("broken").reason is Reason.INVALID_SPEC
        box.home.refuses = True
        box.home.change(problems=MappingProxyType({}), rejected=frozenset())
        await passing(35.0)
        assert "broken" not in controller.reconciler.statuses


async def test_the_time_left_is_told_to_both_thresholds() -> None:
    """At 60 %, rising by a point a minute with a vote: 20 minutes to 80 %, 35 to 95 %."""
    rising = replace(make_forecast(65.0), slope_per_s=1.0 / 60.0)
    snapshot = make_snapshot(60.0, forecast=rising)
    decision, inventory = decide(snapshot, now=NOW), Inventory(policy=make_policy())
    machine = Machine(node="", hardware=Hardware())
    status = policy_status_of(snapshot, decision, inventory, PolicyStatus(), now=NOW, machine=machine)
    assert (status.time_to_disable, status.time_to_emergency) == (1200.0, 2100.0)
    calm = make_snapshot(60.0)
    told = policy_status_of(calm, decision, inventory, PolicyStatus(), now=NOW, machine=machine)
    assert (told.time_to_disable, told.time_to_emergency) == (None, None)

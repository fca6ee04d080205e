"""Validating: a step is carried out only where all that it rests on is still so."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from brownout.api.integration import Integration
from brownout.api.reasons import Reason
from brownout.core.plan import Action, Step
from brownout.engine.ports import Inventory
from brownout.engine.validate import stale
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until

pytestmark = IN_VIRTUAL_TIME

Changed = Callable[[Box, Integration], Integration | None]


def another(**metadata: Any) -> Changed:
    """Somebody has touched the object."""
    return lambda _, found: found.model_copy(update={"metadata": found.metadata.model_copy(update=metadata)})


def gone(_: Box, found: Integration) -> Integration | None:
    """Somebody has deleted the object."""
    return None


def another_run(box: Box, found: Integration) -> Integration | None:
    """Its workload is a successor now."""
    box.machine[found.name].run += 1
    return found


def another_controller(box: Box, found: Integration) -> Integration | None:
    """The lease is lost."""
    box.home.not_ours.add(found.name)
    return found


def deaf(box: Box, found: Integration) -> Integration | None:
    """Its workload does not answer any more."""
    box.machine[found.name].deaf = True
    return found


def broken(box: Box, found: Integration) -> Integration | None:
    """Its driver has a bug."""
    box.machine[found.name].unseen = KeyError("status")
    return found


STALE = {
    "it is no longer declared": gone,
    "its spec has changed meanwhile": another(generation=99),
    "its spec has changed": another(uid="another"),
    "its workload is another one than the plan was made for": another_run,
    "another controller is in charge of it now": another_controller,
    "it could not be checked: TimeoutError": deaf,
    "it could not be checked": broken,
}


def spoiled(box: Box, changed: Changed, *, for_s: float) -> None:
    """Make something change just before the first step is checked, and be as it was some time after that."""
    known, since = box.home.current, list[float]()

    async def current(key: str) -> Integration | None:
        found = await known(key)
        since.append(box.clock.now())
        return changed(box, found) if found is not None and box.clock.now() - since[0] < for_s else found

    box.home.current = current  # type: ignore[method-assign]


@pytest.mark.parametrize(("why", "changed"), STALE.items(), ids=[what.replace(" ", "-") for what in STALE])
async def test_a_stale_step_is_skipped_and_says_why(why: str, changed: Changed) -> None:
    """Whatever has changed since the plan was made: it is counted as Skipped, and nothing is touched."""
    box = make_box(base=65.0)
    spoiled(box, changed, for_s=1e9)
    async with box.controlled():
        await until(lambda: box.watcher.steps)
    assert box.log.texts("stop") == []
    assert box.watcher.outcomes[0] == ("voice", "Disable", "Skipped")
    assert box.journal.records[1].detail.startswith(why)


async def test_what_is_stale_every_time_is_not_tried_in_a_hurry() -> None:
    """It is tried after 0.1, 0.2, 0.4 ... s, and the next one in order goes meanwhile."""
    box = make_box(base=72.0, interval="1s", stabilization={"settle": "1s"})
    spoiled(box, lambda _, found: another(generation=99)(_, found) if found.name == "voice" else found, for_s=1e9)
    async with box.controlled():
        await passing(60.0)
        assert box.running == {"voice", "stubs"}
    tries = box.log.times("intend Disable voice")
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert 6 <= len(tries) <= 12
    assert gaps == sorted(gaps)


async def test_what_was_stale_for_once_has_its_turn_again_before_anybody_else() -> None:
    """An edit at the wrong moment does not send the next one in order away in its place (I5)."""
    box = make_box(base=65.0)
    spoiled(box, another(generation=99), for_s=0.1)
    async with box.controlled():
        await passing(35.0)
    assert box.running == {"android", "stubs"}
    assert box.watcher.outcomes == [("voice", "Disable", "Skipped"), ("voice", "Disable", "Done")]


async def test_what_was_stale_long_ago_is_past() -> None:
    """Ten plans in a row that memory overtook, each ten minutes apart, do not make it rest for minutes."""
    box = make_box(base=40.0, sentinel={"interval": "10s"})
    async with box.controlled() as controller:
        for _ in range(10):
            spoiled(box, another(generation=99), for_s=0.1)
            box.machine.base = 65.0
            await passing(10.5)
            box.machine.base = 40.0
            await passing(600.0)
        failures = controller.reconciler.board.ledger.failures
    assert all(past.count <= 3 for past in failures.values())


# --- memory, on the function itself ----------------------------------------------------------------------------------


def step_of(action: Action, *, reason: Reason = Reason.WITHIN_LIMITS, key: str = "voice") -> Step:
    """A step as the core plans it."""
    up = action in (Action.ENABLE, Action.RAISE, Action.START)
    return Step(
        key=key,
        name=key,
        action=action,
        from_rung=1 if up else 0,
        to_rung=0 if up else 1,
        level="",
        reason=reason,
        message="",
        delta_bytes=None,
    )


UP, DOWN = Action.ENABLE, Action.DISABLE
MEMORY: list[tuple[Action, Reason, float | None, str]] = [
    (DOWN, Reason.ABOVE_THRESHOLD, 80.0, ""),
    (DOWN, Reason.ABOVE_THRESHOLD, 79.9, "RAM is down to 79.9 %"),
    (DOWN, Reason.ABOVE_THRESHOLD, None, ""),
    (DOWN, Reason.FORECAST_ABOVE_THRESHOLD, 70.0, ""),
    (DOWN, Reason.DISABLED_BY_OWNER, 10.0, ""),
    (UP, Reason.RESTORED, 64.9, ""),
    (UP, Reason.RESTORED, 65.0, "RAM is up to 65.0 %"),
    (UP, Reason.RESTORED, None, "RAM cannot be read"),
    (Action.RAISE, Reason.RESTORED, 65.0, "RAM is up to 65.0 %"),
    (Action.START, Reason.WITHIN_LIMITS, 79.9, ""),
    (Action.START, Reason.WITHIN_LIMITS, 80.0, "RAM is up to 80.0 %"),
    (Action.START, Reason.WITHIN_LIMITS, None, "RAM cannot be read"),
]


def asked(box: Box, step: Step) -> Awaitable[str]:
    """What validation says of a step."""
    inventory: Inventory = box.home.inventory()
    return stale(box.world(), step, inventory)


@pytest.mark.parametrize(("action", "reason", "percent", "why"), MEMORY)
async def test_memory_must_still_ask_for_it(action: Action, reason: Reason, percent: float | None, why: str) -> None:
    """What memory called for is not done when memory has changed its mind; what rests on other reasons is."""
    box = make_box()
    box.gauge.measure = lambda: percent
    assert await asked(box, step_of(action, reason=reason)) == why


async def test_without_the_wait_for_calm_what_fits_returns_below_disable() -> None:
    """With WhenItFits the ceiling of a return is the disable threshold."""
    box = make_box(restore={"strategy": "WhenItFits"})
    box.gauge.measure = lambda: 79.0
    assert await asked(box, step_of(UP, reason=Reason.RESTORED)) == ""
    box.gauge.measure = lambda: 80.0
    assert await asked(box, step_of(UP, reason=Reason.RESTORED)) == "RAM is up to 80.0 %"


@pytest.mark.parametrize("percent", [97.0, None])
async def test_what_must_serve_starts_whatever_the_load(percent: float | None) -> None:
    """The essential, and what it needs, are started on a full box and on an unknown one."""
    needed = make_integration("queue")
    box = Box(needed, make_integration("stubs", essential=True, depends_on=["queue"]), make_integration("voice"))
    box.gauge.measure = lambda: percent
    assert await asked(box, step_of(Action.START, key="stubs")) == ""
    assert await asked(box, step_of(Action.START, key="queue")) == ""
    assert await asked(box, step_of(Action.START, key="voice")) != ""


async def test_a_gauge_that_raises_is_one_that_cannot_read() -> None:
    """A shed goes on, a return does not."""
    box = make_box()
    box.gauge.error = ValueError("garbage")
    assert await asked(box, step_of(DOWN, reason=Reason.ABOVE_THRESHOLD)) == ""
    assert await asked(box, step_of(UP, reason=Reason.RESTORED)) == "RAM cannot be read"

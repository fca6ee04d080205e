"""Actuating: one step carried out, from the written intent to the recorded outcome.

The order is fixed: the intent is durable, then what it rests on is read again, then the workload is switched, then
the outcome is written. In an emergency nothing is waited for but the workload itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from brownout.core.errors import describe
from brownout.core.plan import Action, Decision, Step
from brownout.core.wording import sentence
from brownout.engine.observe import MOST_DETAIL, PATIENCE_S
from brownout.engine.observers import StepDetails
from brownout.engine.ports import Inventory, Outcome, OutcomeStatus, WorkloadDriver
from brownout.engine.proving import PROVE_S, START_DEADLINE_S, Switch, is_switch, proven, well
from brownout.engine.validate import stale
from brownout.engine.world import World, faulty

# In an emergency a workload is asked to stop and ended a second later: at 95 % of 12 GB 600 MB are left, which a
# loading model takes in a few seconds.
EMERGENCY_GRACE_S = 1.0
# Beyond its own grace a switch takes what a service manager takes to give up (systemd: 90 s). One that takes longer
# has failed: the planner waits for the end of each step, and must not wait for ever.
STUCK_S = 120.0


def _never() -> str:
    """Nobody overtakes an emergency."""
    return ""


def _nobody() -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a step goes with the others. `overtaken` says why it came too late, if it did; `made` is called once the
    workload is switched, before the new level is proven; `replicas` is what it goes back to.
    """

    replicas: int | None = None
    overtaken: Callable[[], str] = _never
    made: Callable[[], None] = _nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One step with what came of it, the number of its intent in the audit log (0: there is none), and its begin."""

    step: Step
    outcome: Outcome
    intent: int
    began: float


async def carry_out(
    world: World,
    decision: Decision,
    step: Step,
    inventory: Inventory,
    *,
    course: Course,
) -> Done:
    """One step in calm times: intent, validation, switch, outcome."""
    intent = await world.journal.intend(decision, step, dry_run=False)
    began = world.clock.now()
    if why := await _checked(world, step, inventory) or course.overtaken():
        outcome = Outcome(status=OutcomeStatus.SKIPPED, detail=why)
    else:
        outcome = await _switch(world, step, inventory, grace_s=step.grace_s, course=course)
    return _close(world, Done(step=step, outcome=outcome, intent=intent, began=began))


async def carry_out_now(world: World, decision: Decision, step: Step, inventory: Inventory) -> Done:
    """One step in an emergency: nothing is asked and nothing is waited for but the workload."""
    intent = 0
    with world.contained("history"):  # an audit log that is broken does not keep the box from being saved
        intent = world.journal.intend_now(decision, step, dry_run=False)
    began = world.clock.now()
    grace_s = min(step.grace_s, EMERGENCY_GRACE_S)
    outcome = await _switch(world, step, inventory, grace_s=grace_s, course=Course())
    return _close(world, Done(step=step, outcome=outcome, intent=intent, began=began))


def rehearsed(world: World, decision: Decision, step: Step, intent: int) -> Done:
    """One step in a dry run: everything but the switch."""
    outcome = Outcome(status=OutcomeStatus.RECORDED, detail="dry run")
    return _close(world, Done(step=step, outcome=outcome, intent=intent, began=decision.at))


async def _checked(world: World, step: Step, inventory: Inventory) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await stale(world, step, inventory)
    except Exception as error:  # noqa: BLE001 - what cannot be checked is not acted upon, whatever the reason
        return f"it could not be checked: {sentence(describe(error), longest=MOST_DETAIL)}"


async def _switch(world: World, step: Step, inventory: Inventory, *, grace_s: float, course: Course) -> Outcome:
    driver = world.driver(inventory.integrations[step.key])
    if driver is None:
        return Outcome(status=OutcomeStatus.FAILED, detail="this home cannot run such a workload")
    try:
        async with asyncio.timeout(step.grace_s + STUCK_S):
            was_well = not is_switch(step) or await well(world, inventory.integrations[step.key])
            outcome = await _asked(driver, step, inventory, grace_s=grace_s, replicas=course.replicas)
        course.made()
        if is_switch(step) and outcome.status is not OutcomeStatus.SKIPPED:
            switch = _switch_of(step, inventory, course.overtaken, was_well=was_well)
            async with asyncio.timeout(2.0 * START_DEADLINE_S + step.grace_s + STUCK_S):
                outcome = await proven(world, driver, switch, outcome, course.replicas)
    except Exception as error:  # noqa: BLE001 - a driver's bug is one failed step, not the end of the guard
        world.observers.on_fault("workload", f"{step.name}: {faulty(error)}")
        outcome = Outcome(status=OutcomeStatus.FAILED, detail=describe(error))
    return replace(outcome, detail=sentence(outcome.detail, longest=MOST_DETAIL))


def _switch_of(step: Step, inventory: Inventory, overtaken: Callable[[], str], *, was_well: bool) -> Switch:
    """What is to be proven of a step between two levels."""
    prove_s = min(PROVE_S, inventory.policy.spec.stabilization.settle)
    integration = inventory.integrations[step.key]
    return Switch(integration=integration, step=step, overtaken=overtaken, prove_s=prove_s, was_well=was_well)


async def _asked(
    driver: WorkloadDriver, step: Step, inventory: Inventory, *, grace_s: float, replicas: int | None
) -> Outcome:
    integration = inventory.integrations[step.key]
    if step.action is Action.DISABLE:
        return await driver.stop(integration, grace_s=grace_s)
    level = next((level for level in integration.spec.levels if level.name == step.level), None)
    return await driver.start(integration, level, replicas=replicas)


def _close(world: World, done: Done) -> Done:
    now = world.clock.now()
    with world.contained("history"):  # the workload is switched: whatever happens to its record, we must remember it
        world.journal.resolve(done.intent, at=now, outcome=done.outcome)
    details = StepDetails(at=now, step=done.step, outcome=done.outcome, duration_s=now - done.began)
    world.observers.on_step(details)
    return done

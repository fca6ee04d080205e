"""Actuating: one step carried out, from the written intent to the recorded outcome.

The order is fixed: the intent is durable, then what it rests on is read again, then the workload is switched, then
the outcome is written. In an emergency nothing is waited for but the workload itself.
"""

import asyncio
from dataclasses import dataclass

from brownout.core.errors import BrownoutError, describe
from brownout.core.plan import Action, Decision, Step
from brownout.engine.ports import Inventory, Outcome, OutcomeStatus, StepDetails
from brownout.engine.validate import stale
from brownout.engine.world import World

# In an emergency a workload is asked to stop and ended a second later: at 95 % of 12 GB 600 MB are left, which a
# loading model takes in a few seconds.
EMERGENCY_GRACE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One step with what came of it and the number of its intent in the audit log."""

    step: Step
    outcome: Outcome
    intent: int


async def carry_out(
    world: World, decision: Decision, step: Step, inventory: Inventory, *, replicas: int | None
) -> Done:
    """One step in calm times: intent, validation, switch, outcome."""
    intent = await world.journal.intend(decision, step, dry_run=False)
    started = world.clock.now()
    if why := await _checked(world, step, inventory):
        outcome = Outcome(status=OutcomeStatus.SKIPPED, detail=why)
    else:
        outcome = await _switch(world, step, inventory, grace_s=step.grace_s, replicas=replicas)
    return _close(world, Done(step=step, outcome=outcome, intent=intent), started=started)


async def carry_out_now(world: World, decision: Decision, step: Step, inventory: Inventory) -> Done:
    """One step in an emergency: nothing is asked and nothing is waited for but the workload."""
    intent = world.journal.intend_now(decision, step, dry_run=False)
    started = world.clock.now()
    grace_s = min(step.grace_s, EMERGENCY_GRACE_S)
    outcome = await _switch(world, step, inventory, grace_s=grace_s, replicas=None)
    return _close(world, Done(step=step, outcome=outcome, intent=intent), started=started)


def rehearse(world: World, decision: Decision, step: Step, intent: int) -> Done:
    """One step in a dry run: everything but the switch."""
    outcome = Outcome(status=OutcomeStatus.RECORDED, detail="dry run")
    return _close(world, Done(step=step, outcome=outcome, intent=intent), started=decision.at)


async def _checked(world: World, step: Step, inventory: Inventory) -> str:
    try:
        return await stale(world, step, inventory)
    except (BrownoutError, OSError) as error:
        return f"it could not be checked: {describe(error)}"


async def _switch(world: World, step: Step, inventory: Inventory, *, grace_s: float, replicas: int | None) -> Outcome:
    integration = inventory.integrations[step.key]
    driver = world.driver(integration)
    if driver is None:
        return Outcome(status=OutcomeStatus.FAILED, detail="this home cannot run such a workload")
    level = next((level for level in integration.spec.levels if level.name == step.level), None)
    try:
        if step.action is Action.DISABLE:
            return await driver.stop(integration, grace_s=grace_s)
        return await driver.start(integration, level, replicas=replicas)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - a driver's bug is one failed step, not the end of the guard
        world.observers.on_fault("workload", f"{step.name}: {describe(error)}")
        return Outcome(status=OutcomeStatus.FAILED, detail=describe(error))


def _close(world: World, done: Done, *, started: float) -> Done:
    now = world.clock.now()
    world.journal.resolve(done.intent, at=now, outcome=done.outcome)
    details = StepDetails(at=now, step=done.step, outcome=done.outcome, duration_s=now - started)
    world.observers.on_step(details)
    return done

"""Proving a switch of level: the new level must come up, or the one before it is started again.

A level that was never tried on this machine (its model is not there, its settings are wrong) must cost its users a
moment, not the integration. It is up when it runs, goes on running for a few seconds, and passes its health check,
unless it failed that before the switch too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from brownout.api.integration import Integration, Level
from brownout.api.workload import WorkloadKind
from brownout.core.health import Answer
from brownout.core.ladder import ladder_of
from brownout.core.member import Observation, Presence
from brownout.core.plan import Action, Step
from brownout.engine.observe import PATIENCE_S
from brownout.engine.ports import Outcome, OutcomeStatus, WorkloadDriver
from brownout.engine.probing import Probing
from brownout.engine.world import World

# What has run for so long has read its configuration and has not fallen over it. Never longer than the settle time:
# while it is watched nobody else is lowered, and under pressure that time is wanted.
PROVE_S = 5.0
# Longer than this no start may take; a large model is read from a slow disk in half of it.
START_DEADLINE_S = 60.0
LOOK_S = 0.25
# Who does not answer so soon before a switch is not well, so that being well is not asked of the new level either.
ANSWER_S = 1.0
# An old level whose start fails for a passing reason (an API server that is away) is asked for so often.
TRIES = 3
AGAIN_S = 1.0

# What its supervisor adds of its own plans, which the undoing makes void.
_NEXT_TRY = "; next try"
_OTHERS = (WorkloadKind.SCALE, WorkloadKind.SYSTEMD)
_DOWN = (Presence.FAILED, Presence.STOPPED, Presence.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One switch from a level that ran to another. `overtaken` says why it is not ours to go on with, if it is not.

    `was_well`: it passed its health check before.
    """

    integration: Integration
    step: Step
    overtaken: Callable[[], str]
    prove_s: float = PROVE_S
    was_well: bool = True

    @property
    def before(self) -> Level | None:
        """The level it came from."""
        return ladder_of(self.integration).level(self.step.from_rung)


def is_switch(step: Step) -> bool:
    """Whether a step leads from a level that runs to another one."""
    return step.action in (Action.LOWER, Action.RAISE)


async def proven(world: World, driver: WorkloadDriver, switch: Switch, done: Outcome, replicas: int | None) -> Outcome:
    """What came of a switch that was asked for: `done` where the level came up, else how it was undone."""
    if done.status is OutcomeStatus.FAILED:
        return await _refused(world, driver, switch, done, replicas)
    why = await _trouble(world, driver, switch)
    if not why or switch.overtaken():
        return done
    return await _put_back(world, driver, switch, replace(done, detail=why), replicas)


async def _refused(
    world: World, driver: WorkloadDriver, switch: Switch, done: Outcome, replicas: int | None
) -> Outcome:
    """What came of a switch that its driver could not make: often the level before it runs on.

    What stands without us is refused by others (an API server that is away), which says nothing of the level.
    """
    if switch.integration.spec.workload.kind in _OTHERS or switch.overtaken():
        return done
    seen = await _seen(driver, switch.integration)
    if seen is not None and seen.presence is Presence.RUNNING and seen.level != switch.step.level:
        return replace(done, unfit=done.detail, undone=True)
    return await _put_back(world, driver, switch, done, replicas)


async def _put_back(
    world: World, driver: WorkloadDriver, switch: Switch, done: Outcome, replicas: int | None
) -> Outcome:
    """The outcome once the level before it was started again; `done` says in its detail why that has to be."""
    why = done.detail
    level, before = switch.step.level, switch.before
    name = before.name if before else "what ran before"
    undone = await _undone(driver, switch, before, replicas if done.replicas_before is None else done.replicas_before)
    if undone.status is OutcomeStatus.SKIPPED:
        return undone
    again = undone.detail if undone.status is OutcomeStatus.FAILED else await _trouble(world, driver, switch)
    if not again:
        told = f"{level} did not come up ({why}); {name} was started again"
        return Outcome(status=OutcomeStatus.FAILED, detail=told, unfit=why, undone=True)
    told = f"{level} did not come up ({why}), and {name} could not be started again: {again}"
    return Outcome(status=OutcomeStatus.FAILED, detail=told, unfit=why, replicas_before=done.replicas_before)


async def _trouble(world: World, driver: WorkloadDriver, switch: Switch) -> str:
    """Why the level is not up; empty once it is, and where somebody else has taken over meanwhile.

    Who cannot be asked is not known to be down.
    """
    began, probing = world.clock.now(), Probing(world, switch.integration)
    up_since: float | None = None
    trouble = f"it was still starting after {START_DEADLINE_S:g} s"
    while not switch.overtaken():
        seen, now = await _seen(driver, switch.integration), world.clock.now()
        if seen is not None and seen.presence in _DOWN:
            return seen.detail.partition(_NEXT_TRY)[0] or "it does not run"
        running = seen is None or seen.presence is not Presence.STARTING
        up_since = (now if up_since is None else up_since) if running else None
        if up_since is not None and now - up_since >= switch.prove_s:
            why = await _ails(probing, switch)
            if not why:
                return ""
            trouble = f"its check fails: {why}"
        if now - began >= START_DEADLINE_S:
            return trouble
        await asyncio.sleep(LOOK_S)
    return ""


async def well(world: World, integration: Integration) -> bool:
    """Whether it passes its health check now, or nobody can tell. Under pressure nobody waits long for its answer."""
    try:
        async with asyncio.timeout(ANSWER_S):
            check = await Probing(world, integration).check(Presence.RUNNING)
    except TimeoutError:
        return False
    return check.answer is not Answer.FAILED


async def _ails(probing: Probing, switch: Switch) -> str:
    """Why it does not pass its health check; empty where it does, nobody can tell, or it did not before either."""
    if not switch.was_well:
        return ""
    check = await probing.check(Presence.RUNNING)
    return check.why or "it failed" if check.answer is Answer.FAILED else ""


async def _seen(driver: WorkloadDriver, integration: Integration) -> Observation | None:
    """What it is doing; None where nobody can tell."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            seen = await driver.observe(integration)
    except Exception:  # noqa: BLE001 - a look that fails says nothing about the level
        return None
    return None if seen.presence is Presence.UNKNOWN else seen


async def _undone(driver: WorkloadDriver, switch: Switch, before: Level | None, replicas: int | None) -> Outcome:
    """The level before it, started again; with some patience, and not where somebody else decides by now."""
    outcome = Outcome(status=OutcomeStatus.FAILED)
    for tried in range(TRIES):
        if tried:
            await asyncio.sleep(AGAIN_S)
        if why := switch.overtaken():
            return Outcome(status=OutcomeStatus.SKIPPED, detail=why)
        outcome = await driver.start(switch.integration, before, replicas=replicas)
        if outcome.status is not OutcomeStatus.FAILED:
            break
    return outcome

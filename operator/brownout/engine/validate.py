"""Validating: is what a step rests on still true, just before it is carried out?

A stale step is skipped and counted; that is an answer, not an error. The next tick decides afresh.
"""

from brownout.api.policy import PolicySpec, RestoreStrategy
from brownout.api.reasons import Reason
from brownout.core.member import Observation, Presence
from brownout.core.plan import Action, Step
from brownout.core.sample import plausible
from brownout.core.wording import percent
from brownout.engine.ports import Inventory
from brownout.engine.world import World


async def stale(world: World, step: Step, inventory: Inventory) -> str:
    """Why a step must not be carried out any more; empty when it still holds."""
    planned = inventory.integrations[step.key]
    current = await world.home.current(step.key)
    if current is None:
        return "it is no longer declared"
    if (current.metadata.uid, current.metadata.generation) != (planned.metadata.uid, planned.metadata.generation):
        return "its spec has changed meanwhile"
    if not world.home.may_act(step.key):
        return "another controller is in charge of it now"
    driver = world.driver(planned)
    seen = await driver.observe(planned) if driver else None
    return _other_run(step, seen) or _memory_moved(world, step, inventory.policy.spec)


def _other_run(step: Step, seen: Observation | None) -> str:
    """A step is for one run of a workload, never for a successor of the same name (rabbitmq cluster-operator 648)."""
    if seen is None or seen.presence is Presence.UNKNOWN:
        return "its workload cannot be asked"
    if step.identity and seen.identity and seen.identity != step.identity:
        return "its workload is another one than the plan was made for"
    return ""


def _memory_moved(world: World, step: Step, policy: PolicySpec) -> str:
    """Whether memory still asks for the step: somebody may have left, or the plan's earlier steps were enough."""
    used = plausible(world.gauge.used_percent(scope=policy.scope, budget_bytes=policy.memory_budget))
    if used is None:
        return "RAM cannot be read" if step.action in (Action.ENABLE, Action.RAISE) else ""
    if step.reason is Reason.ABOVE_THRESHOLD and used < policy.thresholds.disable:
        return f"RAM is down to {percent(used)}"
    if step.action in (Action.ENABLE, Action.RAISE) and used >= _ceiling(policy):
        return f"RAM is up to {percent(used)}"
    return ""


def _ceiling(policy: PolicySpec) -> float:
    """Above this nothing returns."""
    below = policy.restore.strategy is RestoreStrategy.BELOW_ENABLE
    return policy.thresholds.enable if below else policy.thresholds.disable

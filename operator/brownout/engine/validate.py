"""Validating: is what a step rests on still true, just before it is carried out?

A stale step is skipped and counted; that is an answer, not an error. The next tick decides afresh.
"""

from brownout.api.policy import Mode, PolicySpec, RestoreStrategy
from brownout.api.reasons import Reason
from brownout.core.ledger import Ledger
from brownout.core.member import Observation, Presence
from brownout.core.order import protected
from brownout.core.plan import Action, Step
from brownout.core.wording import percent
from brownout.engine.observe import members_of
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
    return _other_run(step, seen) or _policy_moved(world, step, inventory)


def _other_run(step: Step, seen: Observation | None) -> str:
    """A step is for one run of a workload, never for a successor of the same name (rabbitmq cluster-operator 648)."""
    if seen is None or seen.presence is Presence.UNKNOWN:
        return "its workload cannot be asked"
    if step.identity and seen.identity and seen.identity != step.identity:
        return "its workload is another one than the plan was made for"
    return ""


def _policy_moved(world: World, step: Step, inventory: Inventory) -> str:
    """Whether the policy as it is now, on memory as it is now, still asks for the step.

    Somebody may have left, the plan's earlier steps were enough, or its owner has asked for a dry run meanwhile.
    """
    policy = world.inventory().policy.spec
    if policy.mode is Mode.DRY_RUN:
        return "the policy asks for a dry run now"
    used = world.used_percent(policy)
    if used is not None and step.reason is Reason.ABOVE_THRESHOLD and used < policy.thresholds.disable:
        return f"RAM is down to {percent(used)}"
    if step.from_rung <= step.to_rung or _must_serve(step, inventory):
        return ""
    if used is None:
        return "RAM cannot be read"
    return f"RAM is up to {percent(used)}" if used >= _ceiling(policy, step) else ""


def _must_serve(step: Step, inventory: Inventory) -> bool:
    """Whether it starts whatever the load: the essential, and what that depends on."""
    members = members_of(inventory, {}, Ledger(), now=0.0)
    return step.action is Action.START and (step.must or step.key in protected(members))


def _ceiling(policy: PolicySpec, step: Step) -> float:
    """At this and above nothing comes up; what is held only returns where it has become calm, unless it merely fits."""
    calm = step.action is not Action.START and policy.restore.strategy is RestoreStrategy.BELOW_ENABLE
    return policy.thresholds.enable if calm else policy.thresholds.disable

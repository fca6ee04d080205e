"""A contest: policies of ours, and their rivals, on the same plant over the same base load."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from brownout.api.integration import Integration
from brownout.api.policy import Decide, PolicySpec, Restore
from brownout.core.ledger import Ledger
from brownout.simulate.loop import Record, run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import Plant
from brownout.simulate.rivals.roster import rivals_for
from brownout.simulate.traces import Base


def contest(
    plant: Plant,
    base: Base,
    policies: Mapping[str, PolicySpec],
    *,
    integrations: Sequence[Integration] = (),
    rivals: bool = True,
    on_tick: Callable[[], None] | None = None,
) -> Iterator[Record]:
    """A record of each, the rivals first. Ours look at the base's past before; rivals learn nothing from it that
    lasts: the longest of their memories is 50 ticks. Without `integrations` the owner's guesses are right.
    """
    if rivals:
        yield from (run(plant, base, rival, on_tick=on_tick) for rival in rivals_for(plant, base))
    warm: list[tuple[PolicySpec, Ledger]] = []
    for name, policy in policies.items():
        ours = Ours(name, policy, integrations or integrations_of(plant.things))
        _warm_up(ours, policy, base, plant, warm)
        yield run(plant, base, ours, on_tick=on_tick)


def _warm_up(ours: Ours, policy: PolicySpec, base: Base, plant: Plant, warm: list[tuple[PolicySpec, Ledger]]) -> None:
    """Warm up, once for all policies that remember the past alike: it costs a second, and nothing is decided in it."""
    looks = policy.model_copy(update={"decide": Decide(), "restore": Restore()})
    known = next((ledger for seen, ledger in warm if seen == looks), None)
    if known is not None:
        ours.ledger = known
        return
    ours.warm_up(base.past, plant.things)
    warm.append((looks, ours.ledger))

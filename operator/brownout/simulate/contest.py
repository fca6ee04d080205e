"""A contest: policies of ours, and their rivals, on the same plant over the same base load."""

from collections.abc import Iterator, Mapping, Sequence

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.simulate.contender import Contender
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
) -> Iterator[Record]:
    """A record of each, the rivals first. Ours look at the base's past before; rivals learn nothing from it that
    lasts: the longest of their memories is 50 ticks. Without `integrations` the owner's guesses are right.
    """
    contenders: list[Contender] = list(rivals_for(plant, base)) if rivals else []
    for name, policy in policies.items():
        ours = Ours(name, policy, integrations or integrations_of(plant.things))
        ours.warm_up(base.past, plant.things)
        contenders.append(ours)
    return (run(plant, base, contender) for contender in contenders)

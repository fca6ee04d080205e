"""Worth: what a minute without an integration costs, and which share of it a lowered level still gives.

The owner's figures win. Where there are none the order of priorities stands in for them: it says who matters more, so
the first that may go is worth 1 and each step up 1 more, up to 4, which are the weights of the benchmark's four.
"""

from collections.abc import Mapping

from brownout.api.integration import Integration
from brownout.core.ladder import Ladder

# Weights by rank lie between these two; the unit is that of a policy's costs.
LEAST_WEIGHT, MOST_WEIGHT = 1.0, 4.0
#: What the best level is worth: a weight is the cost of losing all of it.
WHOLE = 1.0


def weights_of(integrations: Mapping[str, Integration]) -> Mapping[str, float]:
    """What a minute without each costs, by key; 0 for what its owner does not want on.

    `spec.weight` where it is set. Else 1 for the lowest priority of those that are wanted, 2 for the next, and so on;
    more than four different priorities are spread evenly from 1 to 4.
    """
    wanted = {key: (spec.priority, spec.weight) for key, each in integrations.items() if (spec := each.spec).enabled}
    ranks = sorted({priority for priority, _ in wanted.values()})
    step = min(1.0, (MOST_WEIGHT - LEAST_WEIGHT) / max(1, len(ranks) - 1))
    by_rank = {priority: LEAST_WEIGHT + step * rank for rank, priority in enumerate(ranks)}
    weights = {key: by_rank[priority] if weight is None else weight for key, (priority, weight) in wanted.items()}
    return {**dict.fromkeys(integrations, 0.0), **weights}


def value_of(ladder: Ladder, rung: int) -> float:
    """The share of its service that a rung gives: 1 at the best, 0 when off.

    `spec.levels[].value` where it is set; else the rungs are evenly spaced, so that of three the second gives 2/3.
    """
    if rung >= ladder.off:
        return 0.0
    if not ladder.levels:
        return WHOLE
    value = ladder.levels[rung].value
    return WHOLE - rung / ladder.off if value is None else value

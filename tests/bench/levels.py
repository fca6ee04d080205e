"""What levels are worth: a generated day with them beside the same day without, in the simulator.

Voice, android and discord each have one lower level, of about a third of the memory and 0.6 of the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from brownout.api.policy import PolicySpec
from brownout.simulate.generated import Family, generated
from brownout.simulate.loop import run
from brownout.simulate.ours import Ours, integrations_of
from brownout.simulate.plant import THE_FOUR, Plant, Thing
from brownout.simulate.score import Score, score
from brownout.simulate.traces import Trace, base_as_it_is
from tests.bench.goals import POLICIES
from tests.bench.report import Figure

#: Percent of the box and share of the service at the lower level, by name.
LOWER = {"voice": (4.0, 0.6), "android": (3.0, 0.6), "discord": (2.0, 0.6)}
#: The benchmark's four, those that may go with a level between on and off.
LEVELED = tuple(replace(thing, levels=(LOWER[thing.name],)) if thing.name in LOWER else thing for thing in THE_FOUR)
DAY_TICKS = 2880


def figures() -> Iterator[Figure]:
    """The share of the cost that is left with levels: below 1 they are worth having."""
    day = generated(Family.DAILY, seed=1, ticks=DAY_TICKS)
    for name, policy in POLICIES.items():
        without, with_them = (scored(day, policy, things) for things in (THE_FOUR, LEVELED))
        note = (
            f"J {with_them.j:.0f} in place of {without.j:.0f}; {with_them.flips:g} switches, {without.flips:g} without"
        )
        yield Figure(
            name=f"cost of a day with levels, of the same without, {name}",
            value=with_them.j / without.j, unit="ratio", floor=1.0, goal=0.8, note=note,
        )  # fmt: skip


def scored(trace: Trace, policy: PolicySpec, things: Sequence[Thing]) -> Score:
    """The score of a load under a policy, with these things on the box."""
    plant = Plant(things=tuple(things))
    return score(run(plant, base_as_it_is(trace), Ours("ours", policy, integrations_of(plant.things))))

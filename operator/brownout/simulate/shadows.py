"""Shadows: policies side by side on the load as it comes in, each on a box of its own that is a model.

The live policy runs along on such a box: what it made of the real one and what another would have made of a model are
no pair, but two models that meet the same load with the same noise are. Nothing here acts, and nothing consumes what
the real controller remembers: each shadow has its own ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger
from brownout.simulate.contender import Told
from brownout.simulate.loop import Tick, tick
from brownout.simulate.ours import Ours
from brownout.simulate.plant import Box, Plant, Thing
from brownout.simulate.tally import Run
from brownout.simulate.things import declared

# Hours that are kept to compare: four weeks. A release later the load is another one anyway.
MOST_HOURS = 28 * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Where a shadow stands now: memory in percent, the rung of each thing, and what it says of its last choice."""

    memory_percent: float
    rungs: Mapping[str, int]
    told: Told | None


class Shadow:
    """One policy on one box. `ledger` is what it knows at the start: forecasts that have warmed up on the real load."""

    def __init__(
        self, name: str, policy: PolicySpec, integrations: Sequence[Integration], *, ledger: Ledger, start: Instant
    ) -> None:
        self._ours = Ours(name, policy, integrations, start=start)
        self._ours.ledger = ledger
        self._box: Box | None = None
        self.run = Run(policy=name, names=())

    def take(self, base: float, plant: Plant, asleep: frozenset[str]) -> None:
        """One tick on: the base load is this now, in percent, and these sleep.

        The things are the same, their sizes may be others.
        """
        box = self._moved(base, plant, asleep)
        now = tick(box, self._ours)
        self.run = self.run.after(now, plant.things, most_hours=MOST_HOURS)

    @property
    def present(self) -> Present | None:
        """Where it stands; None before the first tick."""
        last: Tick | None = self.run.last
        if last is None:
            return None
        rungs = dict(zip(self.run.names, last.rungs, strict=True))
        return Present(memory_percent=last.total, rungs=rungs, told=last.told)

    def _moved(self, base: float, plant: Plant, asleep: frozenset[str]) -> Box:
        box, last = self._box, self.run.last
        if box is None or last is None:
            self._box = Box(plant, base, asleep=asleep)
            self.run = Run(policy=self.run.policy, names=tuple(thing.name for thing in plant.things))
            return self._box
        for one, thing in zip(box.running, plant.things, strict=True):
            one.thing = thing
        box.asleep = asleep
        box.advance(last.chosen, base)
        return box


class Race:
    """All of them on one load. `things` are what the live box runs, in degradation order."""

    def __init__(
        self,
        policies: Mapping[str, PolicySpec],
        integrations: Sequence[Integration],
        things: Sequence[Thing],
        *,
        ledger: Ledger,
        start: Instant,
    ) -> None:
        known = Ledger(panel=ledger.panel, window=ledger.window, champions=ledger.champions)
        sized = declared(integrations, things)
        self._plant = Plant(things=tuple(things))
        self._shadows = {
            name: Shadow(name, policy, sized, ledger=known, start=start) for name, policy in policies.items()
        }

    @property
    def things(self) -> tuple[Thing, ...]:
        """What runs on the boxes."""
        return self._plant.things

    def resize(self, things: Sequence[Thing]) -> None:
        """The same things have other sizes from now on."""
        self._plant = Plant(things=tuple(things))

    def take(self, base: float, asleep: frozenset[str] = frozenset()) -> None:
        """One tick of 30 s: the base load is this now, in percent; what sleeps on the live box sleeps on all."""
        for shadow in self._shadows.values():
            shadow.take(base, self._plant, asleep)

    def runs(self) -> tuple[Run, ...]:
        """How far each has come, in the order of the policies."""
        return tuple(shadow.run for shadow in self._shadows.values())

    def present(self) -> Mapping[str, Present]:
        """Where each stands now."""
        found = ((name, shadow.present) for name, shadow in self._shadows.items())
        return {name: present for name, present in found if present is not None}

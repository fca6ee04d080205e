"""The shadow watch: feeds the policies that do not rule with what the ruling one sees, and says how they fare.

A shadow touches nothing: it runs on a box that is a model (simulate/shadows.py), beside a model of the live policy. It
costs about a millisecond a tick each, and where no shadow is declared nothing of it is even imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger
from brownout.core.member import Member
from brownout.core.sample import Sample
from brownout.engine.world import World

if TYPE_CHECKING:
    from brownout.simulate.plant import Thing
    from brownout.simulate.shadows import Present, Race
    from brownout.simulate.tally import Run

# The plant's tick. A policy that looks less often is fed the ticks in between on a straight line.
TICK_S = 30.0
# After a longer silence the load in between is not made up: it counts as a gap.
MOST_TICKS = 10
# Sizes are taken anew so often; what was measured meanwhile counts from then on.
RESIZE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """How the policies fare since an instant: their specs, their runs (the live one first) and where they stand.

    `gaps` counts silences in which nothing was measured. Without runs nothing has been fed yet, and `why` says so.
    """

    live: str
    since: Instant
    policies: Mapping[str, PolicySpec]
    runs: tuple["Run", ...] = ()
    present: Mapping[str, "Present"] = field(default_factory=lambda: MappingProxyType({}))
    gaps: int = 0
    why: str = ""


@dataclass(slots=True)
class _Running:
    """A race under way: of whom, since when, and up to where it has come. `asleep`: who slept when last seen on."""

    race: "Race"
    field: tuple[Mapping[str, PolicySpec], Mapping[str, Integration]]
    since: Instant
    at: Instant
    base: float
    sized_at: Instant
    asleep: frozenset[str] = frozenset()
    gaps: int = 0


class ShadowWatch:
    """Owns the race of the policies. It begins anew when a policy or an integration is another one than before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: _Running | None = None

    def take(self, sample: Sample, members: tuple[Member, ...], ledger: Ledger) -> None:
        """One sample that the window has kept, and what the controller knew with it."""
        inventory = self._world.inventory()
        base = sample.base_percent
        if not inventory.shadows:
            self._running = None
        elif base is not None:
            policies = {inventory.policy.name: inventory.policy.spec, **self._world.shadows()}
            self._feed(min(100.0, base), sample, (policies, _runners(members)), members, ledger)

    def report(self) -> ShadowReport | None:
        """How they fare; None where no shadow is declared."""
        inventory, running = self._world.inventory(), self._running
        if not inventory.shadows:
            return None
        live = inventory.policy.name
        if running is None:
            why = "no integration of a known size runs beside a measured load yet"
            return ShadowReport(live=live, since=self._world.clock.now(), policies=self._world.shadows(), why=why)
        return ShadowReport(
            live=live,
            since=running.since,
            policies=running.field[0],
            runs=running.race.runs(),
            present=running.race.present(),
            gaps=running.gaps,
        )

    def _feed(
        self,
        base: float,
        sample: Sample,
        racing: tuple[Mapping[str, PolicySpec], Mapping[str, Integration]],
        members: tuple[Member, ...],
        ledger: Ledger,
    ) -> None:
        running = self._running
        if running is None or running.field != racing:
            self._running = _begun(base, sample, racing, members, ledger)
            return
        if sample.at - running.sized_at >= RESIZE_S:
            running.race.resize(_things(racing[1], members, sample.memory_limit_bytes or 0))
            running.sized_at = sample.at
        running.asleep = _sleepers(members, running.asleep)
        _advance(running, base, sample.at)


def _begun(
    base: float,
    sample: Sample,
    racing: tuple[Mapping[str, PolicySpec], Mapping[str, Integration]],
    members: tuple[Member, ...],
    ledger: Ledger,
) -> _Running | None:
    """A race that starts with the next sample: the ledger knows this one already. None while nothing can be raced."""
    from brownout.simulate.shadows import Race  # noqa: PLC0415 - a controller without shadows does without

    things = _things(racing[1], members, sample.memory_limit_bytes or 0)
    if not things:
        return None
    start = sample.at + TICK_S
    race = Race(racing[0], tuple(racing[1].values()), things, ledger=ledger, start=start)
    return _Running(race=race, field=racing, since=sample.at, at=sample.at, base=base, sized_at=sample.at)


def _sleepers(members: tuple[Member, ...], before: frozenset[str]) -> frozenset[str]:
    """Who sleeps. Of one that the live policy has switched off nobody can tell: it is what it was before."""
    asleep = frozenset(member.key for member in members if member.running and member.observed.asleep)
    off = frozenset(member.key for member in members if not member.running)
    return asleep | (before & off)


def _advance(running: _Running, base: float, at: Instant) -> None:
    """Feed the ticks that have passed; a policy that looks more often than every 30 s waits for its tick."""
    ticks = int((at - running.at) / TICK_S + 0.1)  # a look may come 3 s before its time
    if ticks < 1:
        return
    if ticks > MOST_TICKS:
        running.gaps, ticks = running.gaps + 1, 1
    for tick in range(1, ticks + 1):
        running.race.take(running.base + (base - running.base) * tick / ticks, running.asleep)
    running.at, running.base = max(running.at + ticks * TICK_S, at - TICK_S / 2.0), base


def _runners(members: tuple[Member, ...]) -> Mapping[str, Integration]:
    """Who runs along, by key: what its owner wants on, is ours, and whose size is known. The plant knows keys only."""
    ours = [member for member in members if member.ours and member.wanted]
    return {member.key: _renamed(member) for member in ours if member.footprint(0).known}


def _renamed(member: Member) -> Integration:
    """The integration under its key, which is unique in all namespaces, as what it depends on is."""
    declared = member.integration
    metadata = declared.metadata.model_copy(update={"name": member.key})
    spec = declared.spec.model_copy(update={"depends_on": member.needs})
    return declared.model_copy(update={"metadata": metadata, "spec": spec, "status": None})


def _things(racing: Mapping[str, Integration], members: tuple[Member, ...], limit_bytes: int) -> tuple["Thing", ...]:
    from brownout.simulate.things import things_of  # noqa: PLC0415 - as above

    if not limit_bytes:
        return ()
    sizes = {member.key: member.footprint(0) for member in members if member.key in racing}
    measured = {key: 100.0 * size.steady_bytes / limit_bytes for key, size in sizes.items() if size.known}
    return things_of(racing.values(), limit_bytes, measured=measured)

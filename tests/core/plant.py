"""A box as a model, in virtual time around the same core: samples in, decisions out, and their effect on memory.

Ticks come one interval apart. A step takes effect before the next tick; what a member frees may come back later. The
plant knows the truth; the core sees samples, and the sizes of those members that are measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.bookkeeping import return_done, shed_done
from brownout.core.decide import decide
from brownout.core.gather import footprints_of
from brownout.core.instant import Instant
from brownout.core.ladder import ladder_of
from brownout.core.ledger import Ledger, footprints_measured, sampled, settled
from brownout.core.member import Member, Observation, Presence
from brownout.core.outlook import look_out
from brownout.core.plan import Decision, Step
from brownout.core.snapshot import Snapshot
from tests.builders import make_integration
from tests.worlds import NOW, POLICY, bytes_of, make_sample


@dataclass(slots=True)
class Thing:
    """An integration as it really is: what it takes at each rung, in per cent, and whether anybody measures it."""

    integration: Integration
    sizes: tuple[float, ...]
    measured: bool = True
    late_s: float = 0.0  # how long its memory takes to come back once it is off
    rung: int = 0
    went_at: Instant = 0.0
    left: float = 0.0  # what has not come back yet

    @property
    def off(self) -> int:
        """The rung on which it does not run."""
        return len(self.sizes)

    def held(self, now: Instant) -> float:
        """What it keeps from others now, the late rest included."""
        late = self.left if now < self.went_at + self.late_s else 0.0
        return late + (self.sizes[self.rung] if self.rung < self.off else 0.0)


@dataclass(frozen=True, slots=True)
class Flip:
    """One change of one member's rung."""

    at: Instant
    key: str
    from_rung: int
    to_rung: int


def make_thing(name: str, *sizes: float, measured: bool = True, late_s: float = 0.0, **spec: Any) -> Thing:
    """Make an integration of the plant; its levels are one for each size, and its owner guesses right."""
    levels = [{"name": f"level-{index}", "memory": bytes_of(size)} for index, size in enumerate(sizes)]
    guess = None if measured else bytes_of(sizes[0])
    facets: dict[str, Any] = {"levels": levels if len(sizes) > 1 else [], "memory": guess, **spec}
    integration = make_integration(name, **facets)
    return Thing(integration, sizes, measured=measured, late_s=late_s)


def the_four_things(**rest: bool) -> tuple[Thing, ...]:
    """Give voice 12, android 8, discord 5 and the essential stubs 1, as the benchmark has them."""
    return (
        make_thing("voice", 12.0, priority=10, **rest),
        make_thing("android", 8.0, priority=20, **rest),
        make_thing("discord", 5.0, priority=30, **rest),
        make_thing("stubs", 1.0, priority=1000, essential=True, **rest),
    )


@dataclass(slots=True)
class Plant:
    """The box. `base` is what it uses by itself at an instant after the start, in per cent."""

    things: tuple[Thing, ...]
    base: Callable[[float], float]
    policy: PolicySpec = POLICY
    now: Instant = NOW
    ledger: Ledger = field(default_factory=Ledger)
    flips: list[Flip] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    last: Decision | None = None

    def run(self, seconds: float, *, watch: Callable[["Plant"], None] | None = None) -> "Plant":
        """Let so much time pass; `watch` looks at the plant after each tick."""
        end = self.now + seconds
        while self.now < end:
            self.tick()
            if watch:
                watch(self)
            self.now += self.policy.interval
        return self

    def tick(self) -> None:
        """Observe, decide, act: one tick as the engine runs it."""
        self._look()
        snapshot = self.snapshot()
        self.last = decide(snapshot, now=self.now)
        for step in self.last.steps:
            self._carry_out(step)

    def snapshot(self) -> Snapshot:
        """What the next decision rests on."""
        ledger = self.ledger
        return Snapshot(
            policy=self.policy,
            outlook=look_out(ledger.sample, ledger.panel, self.policy, now=self.now),
            members=self.members,
            calm_since=ledger.calm_since,
            last_shed_at=ledger.last_shed_at,
            last_return_at=ledger.last_return_at,
            pending=ledger.pending,
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """The integrations as the core sees them now."""
        return tuple(self._member(thing) for thing in self.things)

    def thing(self, key: str) -> Thing:
        """One of the integrations."""
        return next(thing for thing in self.things if thing.integration.name == key)

    def flips_of(self, key: str) -> list[Flip]:
        """Every change of one member's rung."""
        return [flip for flip in self.flips if flip.key == key]

    def _look(self) -> None:
        since_start = self.now - NOW
        used = max(0.0, min(100.0, self.base(since_start) + sum(thing.held(self.now) for thing in self.things)))
        self.used.append(used)
        observed = self._observed()
        sizes = {key: seen.memory_bytes for key, seen in observed.items() if seen.memory_bytes is not None}
        sample = replace(make_sample(used, self.now), footprints=MappingProxyType(sizes))
        ledger = footprints_measured(sampled(self.ledger, sample, self.policy), observed)
        self.ledger, _ = settled(ledger, now=self.now)

    def _observed(self) -> Mapping[str, Observation]:
        return {thing.integration.name: _seen(thing) for thing in self.things}

    def _member(self, thing: Thing) -> Member:
        key, ladder = thing.integration.name, ladder_of(thing.integration)
        seen, hold = _seen(thing), self.ledger.holds.get(key)
        member = Member(key=key, integration=thing.integration, ladder=ladder, observed=seen, hold=hold)
        return replace(member, footprints=footprints_of(member.key, member.integration, self.ledger))

    def _carry_out(self, step: Step) -> None:
        thing = self.thing(step.key)
        before = thing.held(self.now)
        self.flips.append(Flip(self.now, step.key, thing.rung, step.to_rung))
        thing.rung = step.to_rung
        thing.left = max(0.0, before - thing.held(self.now)) if step.action.sheds else 0.0
        thing.went_at = self.now
        stabilization, measured = self.policy.stabilization, thing.measured
        if step.action.sheds:
            self.ledger = shed_done(
                self.ledger, step, now=self.now, stabilization=stabilization, measured=measured, replicas_before=None
            )
        else:
            self.ledger = return_done(self.ledger, step, now=self.now, measured=measured, settle_s=stabilization.settle)


def _seen(thing: Thing) -> Observation:
    if thing.rung >= thing.off:
        return Observation(presence=Presence.STOPPED)
    size = bytes_of(thing.sizes[thing.rung]) if thing.measured else None
    return Observation(presence=Presence.RUNNING, memory_bytes=size)

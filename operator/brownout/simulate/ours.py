"""Ours: the production core in the loop. It holds no rule of its own; the order is engine/reconcile.py's.

What the engine reads from the world is made from the plant here: the sample, and one observation of each integration.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.core.aftermath import moved
from brownout.core.decide import decide
from brownout.core.gather import member_of, snapshot_of
from brownout.core.instant import Instant
from brownout.core.ledger import Ledger, footprints_measured, sampled, settled
from brownout.core.member import Member, Observation, Presence
from brownout.core.overtaking import let_go
from brownout.core.plan import Decision
from brownout.core.sample import Sample, Witness
from brownout.core.snapshot import Snapshot
from brownout.simulate.contender import Seen, SeenThing, Told
from brownout.simulate.plant import Thing
from brownout.simulate.traces import TICK_S, WARM_UP_TICKS

LIMIT_BYTES: Final = 12 * 2**30
# Tick 0 in unix seconds, a Friday in January 2026: as large as real instants are.
START: Final = 1_767_323_040.0


def integrations_of(things: Sequence[Thing], *, guessed: float = 1.0) -> tuple[Integration, ...]:
    """The things as their owner would declare them, least priority first; `guessed`: first guess over the truth."""
    return tuple(_integration(thing, 10 * place, guessed) for place, thing in enumerate(things, start=1))


def _integration(thing: Thing, priority: int, guessed: float) -> Integration:
    spec: dict[str, object] = {
        "priority": priority,
        "essential": thing.essential,
        "workload": {"command": {"argv": [thing.name]}},
        "memory": bytes_of(thing.percent * guessed),
    }
    if thing.levels:
        spec["levels"] = [
            {
                "name": f"level-{rung}",
                "memory": bytes_of(thing.percent_at(rung) * guessed),
                "value": thing.value_at(rung),
            }
            for rung in range(thing.off)
        ]
    return Integration.model_validate({"metadata": {"name": thing.name}, "spec": spec})


def bytes_of(percent: float) -> int:
    """Percent of the box as bytes."""
    return round(LIMIT_BYTES * percent / 100.0)


class Ours:
    """A policy of ours. A tick is what engine/reconcile.py does, with each step done at once.

    The plant ticks every 30 s, whatever interval the policy asks for. Where workloads are not `measured`, their sizes
    are the owner's guesses, and then what is learned from what comes back. `start` is the instant of tick 0.
    """

    def __init__(
        self,
        name: str,
        policy: PolicySpec,
        integrations: Sequence[Integration],
        *,
        measured: bool = True,
        start: Instant = START,
    ) -> None:
        self.name = name
        self._measured = measured
        self._start = start
        self._policy = policy.model_copy(update={"interval": TICK_S})
        self._integrations = {integration.metadata.name: integration for integration in integrations}
        self.ledger = Ledger()
        self.told: Told | None = None
        self.decision: Decision | None = None

    def warm_up(self, past: Sequence[float], things: Sequence[Thing]) -> None:
        """Look at the base load before tick 0 with everything on, and decide nothing."""
        latest = past[-WARM_UP_TICKS:]
        seen = tuple(SeenThing(thing=thing, rung=0, starting=0, percent=thing.percent) for thing in things)
        held = sum(thing.percent for thing in things)
        for tick, base in enumerate(latest, start=-len(latest)):
            self._take_in(Seen(tick=tick, now=tick * TICK_S, total=min(100.0, base + held), things=seen))

    def choose(self, seen: Seen) -> Mapping[str, int]:
        """Observe, decide and act, as the engine does."""
        snapshot, now = self._take_in(seen), self._start + seen.now
        decision = decide(snapshot, now=now)
        for step in decision.steps:
            self.ledger = moved(self.ledger, step, now=now, stabilization=self._policy.stabilization)
        self.decision, self.told = decision, _told(decision, snapshot)
        return {step.key: step.to_rung for step in decision.steps}

    def _take_in(self, seen: Seen) -> Snapshot:
        """The ledger after this look, and the snapshot on it."""
        now, observed = self._start + seen.now, {one.thing.name: self._observation(one) for one in seen.things}
        sample = _sample(seen, observed, at=now)
        ledger = footprints_measured(sampled(self.ledger, sample, self._policy), observed)
        ledger, _ = settled(ledger, now=now)
        members = self._members(observed, ledger, now)
        ledger, undone = let_go(ledger, members, in_flight=frozenset(), now=now)
        if undone:
            members = self._members(observed, ledger, now)
        snapshot = snapshot_of(self._policy, ledger, members, in_flight=frozenset(), now=now)
        self.ledger = ledger
        return snapshot

    def _observation(self, one: SeenThing) -> Observation:
        if not one.on:
            return Observation(presence=Presence.STOPPED)
        if one.asleep:
            return Observation(presence=Presence.RUNNING, memory_bytes=0, asleep=True)
        presence = Presence.STARTING if one.starting else Presence.RUNNING
        return Observation(presence=presence, memory_bytes=bytes_of(one.percent) if self._measured else None)

    def _members(self, observed: Mapping[str, Observation], ledger: Ledger, now: float) -> tuple[Member, ...]:
        return tuple(
            member_of(key, integration, observed[key], ledger, now=now)
            for key, integration in self._integrations.items()
        )


def _sample(seen: Seen, observed: Mapping[str, Observation], *, at: Instant) -> Sample:
    awake = ((key, one.memory_bytes) for key, one in observed.items() if not one.asleep)
    held = {key: size for key, size in awake if size is not None}
    return Sample(
        at=at,
        memory_percent=seen.total,
        memory_used_bytes=bytes_of(seen.total),
        memory_limit_bytes=LIMIT_BYTES,
        witness=Witness.NODE,
        footprints=MappingProxyType(held),
    )


def _told(decision: Decision, snapshot: Snapshot) -> Told:
    total = snapshot.outlook.total
    if total is None:
        return Told(reason=decision.reason.value)
    return Told(
        reason=decision.reason.value,
        value=total.value,
        lower=total.lower,
        upper=total.upper,
        model=total.model.value,
        votes=total.votes,
    )

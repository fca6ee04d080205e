"""An integration as the core sees it at one instant: the owner's wish, what is observed, what we did to it."""

from dataclasses import dataclass, field
from enum import StrEnum

from brownout.api.integration import Integration
from brownout.api.reasons import BudgetState, Reason, State
from brownout.core.allowance import UNLIMITED, Allowance
from brownout.core.footprint import Footprint, Source
from brownout.core.instant import Instant
from brownout.core.ladder import Ladder
from brownout.core.level_record import UNTRIED, LevelRecord


class Presence(StrEnum):
    """What a workload is seen to be doing."""

    RUNNING = "Running"
    STARTING = "Starting"
    STOPPED = "Stopped"
    FAILED = "Failed"  # tried and gave up for now; its driver retries with back-off
    MISSING = "Missing"  # what the spec names does not exist
    UNKNOWN = "Unknown"  # could not be asked


# Asked for of each integration in each decision: as an attribute of its enum a word takes ten times as long to get at.
UP = (Presence.RUNNING, Presence.STARTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a workload driver saw. `memory_bytes` is None where it cannot be measured.

    `identity` names this very run (pid and start time, resourceVersion, invocation id): a step planned against
    one identity is not carried out against another. `resumable` is False where it stands still by somebody
    else's hand and nothing says what to return it to (a Deployment that its owner scaled to zero). `outdated` is True
    where what runs is not what the spec says now (its command was edited): it is to be started anew. `kept` says why
    what runs stays although something else is declared: that may not or cannot run (a plugin that nobody trusts).
    `level` is the one at which it is seen to run, where its driver can tell. `asleep`: it is on, but holds nothing
    until somebody asks something of it; then it starts (a plugin that is loaded lazily). `requires` are keys of what
    it says itself that it cannot do without, beside its owner's dependsOn; `lacking` which of that is not up, and why.
    """

    presence: Presence
    detail: str = ""
    identity: str = ""
    memory_bytes: int | None = None
    replicas: int | None = None
    resumable: bool = True
    outdated: bool = False
    kept: str = ""
    level: str | None = None
    asleep: bool = False
    requires: tuple[str, ...] = ()
    lacking: str = ""


UNSEEN = Observation(presence=Presence.UNKNOWN, detail="not looked at yet")


# A hold for one of these is the owner's doing: no pressure asked for it, and none has to end for it to end.
OWNERS_REASONS = (Reason.DISABLED_BY_OWNER, Reason.DEPENDENCY_DISABLED)
# A hold for one of these is the budget's: no pressure asked for it either, but it returns like anything that we hold.
BUDGET_REASONS = (Reason.BUDGET_APPROACHING, Reason.BUDGET_EXCEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What the controller itself did to an integration and must be able to undo, also after a restart.

    `rung` is where on its ladder it was put. `reason` says why, and stays until it is back; `message` is the sentence
    of the last step, down or up to a lower level, at `since`.
    `undone` counts the returns in a row that had to be undone.
    """

    rung: int
    since: Instant
    reason: Reason
    message: str
    undone: int = 0
    replicas_before: int | None = None

    @property
    def by_owner(self) -> bool:
        """Held off by the owner's wish, not by pressure: it comes back at once when the owner wants it again."""
        return self.reason in OWNERS_REASONS

    @property
    def by_budget(self) -> bool:
        """Held down by its owner's budget, not by pressure."""
        return self.reason in BUDGET_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One integration in a snapshot. `hold` is None while it runs as its owner wishes.

    `rung` is where it should stand on its ladder by our own decisions, 0 its best level; `wanted` says whether its
    owner wants it on. Both follow from the rest, and are kept because each decision asks for them again and again.
    """

    key: str
    integration: Integration
    ladder: Ladder
    observed: Observation = UNSEEN
    hold: Hold | None = None
    footprints: tuple[Footprint, ...] = ()  # one for each rung, best first
    records: tuple[LevelRecord, ...] = ()  # likewise
    unfit: frozenset[int] = frozenset()  # rungs that are not to be switched to now: they failed
    accepted: bool = True  # False: its present spec is refused, and `integration` is the last good one, which stands
    since: Instant = 0.0  # when it came to its present rung
    resting: bool = False  # the last try failed; not tried again before its back-off is over
    ours: bool = True  # False: it belongs to another node's agent, we only show it
    allowance: Allowance = UNLIMITED
    rung: int = field(init=False, repr=False, compare=False)
    wanted: bool = field(init=False, repr=False, compare=False)

    @property
    def undone(self) -> int:
        """How many of our returns of it in a row had to be undone, where we hold it."""
        return self.hold.undone if self.hold else 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rung", self.hold.rung if self.hold else 0)
        object.__setattr__(self, "wanted", self.integration.spec.enabled)

    @property
    def name(self) -> str:
        """The name that people read."""
        return self.integration.metadata.name

    def sibling(self, name: str) -> str:
        """The key of another integration of the same namespace: what a name in dependsOn means."""
        return self.key.removesuffix(self.name) + name

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of what it depends on, by its owner's word or its own."""
        declared, required = self.depends_on, self.observed.requires
        return tuple(dict.fromkeys((*declared, *required))) if required else declared

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Keys of what it depends on by its owner's word; without them it is switched off."""
        names = self.integration.spec.depends_on
        return tuple(self.sibling(name) for name in names) if names else ()

    @property
    def running(self) -> bool:
        """Whether it holds memory: running, or on its way up."""
        return self.observed.presence in UP

    @property
    def up(self) -> bool:
        """Whether what depends on it can count on it. Of another node's we know what its own agent says."""
        if self.ours:
            return self.running
        status = self.integration.status
        return status is not None and status.state in (State.ENABLED, State.LOWERED)

    @property
    def checked(self) -> bool:
        """Whether its health is checked: it is ours, should be on, and is not seen to stand still."""
        still = self.observed.presence in (Presence.STOPPED, Presence.MISSING)
        return self.ours and self.wanted and self.rung < self.ladder.off and not still

    @property
    def ceiling(self) -> int:
        """The best rung that its budget lets it have: one below the best close to a limit, off beyond one.

        One without a level that it could be lowered to is told of, and runs on until the limit.
        """
        if self.allowance.state is BudgetState.EXCEEDED:
            return self.ladder.off
        if self.allowance.state is not BudgetState.APPROACHING:
            return 0
        return next((rung for rung in range(1, self.ladder.off) if rung not in self.unfit or rung == self.rung), 0)

    def frees_bytes(self, to_rung: int) -> int | None:
        """What stepping down to a rung is expected to free: from what it holds now, where that is measured."""
        if not self.running:
            return 0
        here, there = self.footprint(self.rung), self.footprint(to_rung)
        now = self.observed.memory_bytes if self.observed.memory_bytes is not None else here.steady_bytes
        known = (here.known or self.observed.memory_bytes is not None) and there.known
        return max(0, now - there.steady_bytes) if known else None

    def leaves_bytes(self, to_rung: int) -> int | None:
        """What it is expected to hold after stepping down to a rung; None where nobody knows, or nothing runs."""
        there = self.footprint(to_rung)
        return there.steady_bytes if self.running and not self.observed.asleep and there.known else None

    def guessed(self, to_rung: int) -> bool:
        """Whether what stepping down to a rung frees is only guessed: neither measured nor ever learned."""
        sources = {self.footprint(self.rung).source, self.footprint(to_rung).source}
        unsure = bool(sources & {Source.FIRST_GUESS, Source.UNKNOWN})
        return self.running and self.observed.memory_bytes is None and unsure

    def takes_bytes(self, to_rung: int) -> int | None:
        """What stepping up to a rung is expected to take at its highest; None where nobody knows."""
        here, there = self.footprint(self.rung), self.footprint(to_rung)
        held = here.steady_bytes if self.running and not self.observed.asleep else 0
        return max(0, there.peak_bytes - held) if there.known else None

    @property
    def yet_bytes(self) -> int | None:
        """What it may take beyond what it holds now, without anybody deciding on it again; None where nobody knows."""
        if not self.running:
            return self.takes_bytes(self.next_rung_up())
        there = self.footprint(self.rung)
        return max(0, there.peak_bytes - (self.observed.memory_bytes or 0)) if there.known else None

    def footprint(self, rung: int) -> Footprint:
        """What it takes at a rung; nothing when off."""
        return self.footprints[rung] if rung < len(self.footprints) else Footprint.NOTHING

    def record(self, rung: int) -> LevelRecord:
        """How a rung did so far."""
        return self.records[rung] if rung < len(self.records) else UNTRIED

    def next_rung_up(self) -> int:
        """Where it goes next when it returns: from off to its lowest level, else one level up, past what is unfit.

        Where all of them are unfit it is the next one all the same: nothing else is left to wait for.
        """
        plain = self.ladder.lowest if self.rung >= self.ladder.off else max(0, self.rung - 1)
        if not self.unfit:
            return plain
        above = range(min(self.rung, self.ladder.off))
        return max((rung for rung in above if rung not in self.unfit), default=plain)

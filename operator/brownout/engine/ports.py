"""The ports: everything the engine needs of the world, each as small as it can be.

The engine owns these Protocols; adapters implement them and know nothing of each other. Every port has one
contract suite in tests/contracts, run on each adapter and on the fake in tests/fakes.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from brownout.api.integration import Integration, Level
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy, Scope
from brownout.api.problems import Problem
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.health import Findings
from brownout.core.instant import Instant
from brownout.core.member import Observation
from brownout.core.plan import Decision, Step
from brownout.core.rates import RequestReading, Served
from brownout.core.sample import Sample
from brownout.core.tiers import Hardware
from brownout.engine.clock import Clock as Clock  # noqa: PLC0414 - these four modules are part of the ports
from brownout.engine.outcomes import Outcome as Outcome  # noqa: PLC0414 - part of the ports, for whoever imports them
from brownout.engine.outcomes import OutcomeStatus as OutcomeStatus  # noqa: PLC0414
from brownout.engine.process_table import ProcessId as ProcessId  # noqa: PLC0414
from brownout.engine.process_table import ProcessTable as ProcessTable  # noqa: PLC0414

# --- what the owner declares -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything declared, at one moment.

    `complete` is False until the home has been read once in full: an empty index is not an empty cluster, and
    nothing is started or stopped on an incomplete one. `problems` are by file (local) or key (cluster), and `places`
    says which file declares which integration (local); `rejected` names the integrations whose present spec is
    invalid: their last good version stands in `integrations` if there is one. `foreign` keys belong to another node's
    agent: shown, never touched. `shadows` are the policies beside the one that rules, by name: they never rule.
    """

    integrations: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))
    policy: BrownoutPolicy = DEFAULT_POLICY
    shadows: Mapping[str, BrownoutPolicy] = field(default_factory=lambda: MappingProxyType({}))
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=lambda: MappingProxyType({}))
    rejected: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    foreign: frozenset[str] = frozenset()
    complete: bool = False

    def problems_of(self, key: str) -> tuple[Problem, ...]:
        """What is wrong with one integration; of one that is rejected by its file, all that is wrong there."""
        place = self.places.get(key, "") if key in self.rejected else ""
        return self.problems.get(key) or self.problems.get(place, ())


class Home(Protocol):
    """Where integrations are declared and their status is shown: a directory or a cluster."""

    def inventory(self) -> Inventory:
        """The latest known state, at once and from memory; the last good one while the home is away."""
        ...

    async def changed(self) -> None:
        """Return as soon as something in the inventory has changed since the last call returned."""
        ...

    async def current(self, key: str) -> Integration | None:
        """Re-read it just before acting on it; None when it is gone, the last known while the home is away."""
        ...

    async def write_status(self, key: str, status: IntegrationStatus) -> bool:
        """Replace the status, atomically. False: not now; the engine offers the newest one again at the next tick."""
        ...

    async def write_policy_status(self, status: PolicyStatus) -> bool:
        """Say on the policy what was measured. Its rhythm is the heartbeat: called each tick."""
        ...

    async def announce(self, key: str, reason: str, message: str, *, warning: bool) -> None:
        """Tell people of a transition (a Kubernetes Event; nothing on a box). Best effort, never raises."""
        ...

    def may_act(self, key: str) -> bool:
        """Whether this controller may switch this integration now (its node, its lease)."""
        ...

    def faults(self) -> tuple[str, ...]:
        """Why the home is not fit for work, in sentences for /readyz; empty when it is."""
        ...


# --- what a decision switches ------------------------------------------------------------------------------


class WorkloadDriver(Protocol):
    """Switches one kind of workload. Calls for different integrations may run at the same time."""

    async def observe(self, integration: Integration) -> Observation:
        """What it is doing now. Never raises for a missing workload: that is an observation."""
        ...

    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:
        """Bring it up at a level (None: it has none), or move it there when it runs at another one.

        Idempotent: starting what already runs so is Done. `replicas` is what a stop remembered. Returns when the
        switch is made (a process lives, a scale is accepted), not when it is warm.
        """
        ...

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Ask it to finish, wait up to `grace_s`, then end all of it; returns when it is really gone.

        Idempotent. A second call while one is under way shortens the wait to its own `grace_s` (the emergency),
        and both return when it is gone.
        """
        ...

    async def forget(self, key: str) -> None:
        """The integration is no longer declared: end what belongs to it, where the driver owns it."""
        ...

    async def close(self) -> None:
        """The controller ends: leave nothing running that would have nobody to look after it."""
        ...


# --- what is measured --------------------------------------------------------------------------------------


class NodeSensor(Protocol):
    """Reads the machine. Slow readings happen off the event loop; each part fails alone, leaving None."""

    async def read(self, *, now: Instant, scope: Scope, budget_bytes: int | None) -> Sample:
        """One sample, without footprints."""
        ...


class MemoryGauge(Protocol):
    """The sentinel's eye: memory only, synchronous, allocating next to nothing (it must work at 99 %)."""

    def used_percent(self, *, scope: Scope, budget_bytes: int | None) -> float | None:
        """Memory used in percent of the limit, or None when it cannot be read."""
        ...


class HardwareSensor(Protocol):
    """What the machine has. It changes seldom: it is looked at seldom, and known at once in between."""

    def known(self, *, scope: Scope, budget_bytes: int | None) -> Hardware:
        """What the last look found, with the memory limit that is in force now. From memory and open files."""
        ...

    async def refresh(self) -> None:
        """Look again, off the event loop; bounded in time. What cannot be found out is unknown afterwards."""
        ...


class RequestMeter(Protocol):
    """Requests to the integrations, as whoever routes them counts them. Synchronous, from memory."""

    def readings(self, *, now: Instant, within_s: float) -> Mapping[str, RequestReading]:
        """By key, of each that was ever asked: its rate over the last `within_s`, its normal rate, how they went."""
        ...


# --- what is kept ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A row of the audit log: a step's intent, written before it is carried out, and later what came of it."""

    id: int
    at: Instant
    key: str
    action: str
    reason: str
    message: str
    rule: str
    dry_run: bool
    numbers: Mapping[str, float | str | None]
    outcome: str | None = None
    outcome_at: Instant | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FootprintRecord:
    """What one integration was measured to hold with a sample, and the name of its level ("": it has none)."""

    at: Instant
    key: str
    level: str
    memory_bytes: int


NOTHING: Mapping[str, Served] = MappingProxyType({})
UNCHECKED: Mapping[str, Findings] = MappingProxyType({})


class Journal(Protocol):
    """The history: samples, decisions, outcomes. Loses nothing silently; when the disk fails it keeps a bounded
    tail in memory and says so in `faults`.
    """

    async def intend(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Make one step's intent durable; returns its id. Returns within 2 s also when the disk is stuck."""
        ...

    def intend_now(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """The same without waiting for the disk: the emergency's way."""
        ...

    def resolve(self, intent: int, *, at: Instant, outcome: Outcome) -> None:
        """What came of an intent; queued, in order."""
        ...

    def add_sample(
        self,
        sample: Sample,
        levels: Mapping[str, str],
        served: Mapping[str, Served] = NOTHING,
        found: Mapping[str, Findings] = UNCHECKED,
    ) -> None:
        """Keep a sample; `levels` says at which level each integration ran, `served` what it did since the last one,
        `found` what its health checks found since then.

        Queued.
        """
        ...

    async def window(self, *, since: Instant, now: Instant) -> tuple[Sample, ...]:
        """Samples from `since` on, oldest first, none later than `now`: read again after a restart."""
        ...

    async def footprints(self, *, since: Instant, now: Instant) -> tuple[FootprintRecord, ...]:
        """What was measured from `since` on, oldest first, none later than `now`; of very many the newest."""
        ...

    async def decisions(
        self, *, key: str | None = None, since: Instant = 0.0, limit: int = 100
    ) -> tuple[DecisionRecord, ...]:
        """The newest decisions, newest first, the ones that only stand in memory included."""
        ...

    async def unresolved(self) -> tuple[DecisionRecord, ...]:
        """Intents without an outcome: what a crashed controller left half done."""
        ...

    async def close(self) -> None:
        """Write out what is queued, bounded in time."""
        ...

    def faults(self) -> tuple[str, ...]:
        """Why history is not being kept on disk, in sentences for /readyz; empty when it is."""
        ...

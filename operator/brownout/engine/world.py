"""The world of one controller: its ports and its settings, gathered in one value that the composition root fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from brownout.api.integration import Integration
from brownout.api.policy import PolicySpec
from brownout.api.workload import WorkloadKind
from brownout.core.errors import BrownoutError, describe
from brownout.core.sample import plausible
from brownout.core.tiers import Hardware, in_force
from brownout.engine.admission import Admission
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.circuits import Circuits
from brownout.engine.hardware import UnknownHardware
from brownout.engine.manifests import Ladders
from brownout.engine.observers import Observers
from brownout.engine.ports import (
    Clock,
    HardwareSensor,
    Home,
    Inventory,
    Journal,
    MemoryGauge,
    NodeSensor,
    RequestMeter,
    WorkloadDriver,
)
from brownout.engine.prober import NoProber, Prober
from brownout.engine.request_counts import RequestCounts
from brownout.engine.trainer import NoTrainer, Trainer
from brownout.engine.usage_counts import UsageCounts, UsageMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside. `dry_run` is the command line's; the policy's mode can ask for it too.

    `mortal` are the kinds whose workloads end with the controller; units and what runs in a cluster run on without it.
    """

    clock: Clock
    home: Home
    drivers: Mapping[WorkloadKind, WorkloadDriver]
    sensor: NodeSensor
    gauge: MemoryGauge
    journal: Journal
    requests: RequestMeter = field(default_factory=RequestCounts)
    hardware: HardwareSensor = field(default_factory=UnknownHardware)
    usage: UsageMeter = field(default_factory=UsageCounts)
    budgets: BudgetDesk | None = None
    trainer: Trainer = field(default_factory=NoTrainer)
    prober: Prober = field(default_factory=NoProber)
    circuits: Circuits = field(default_factory=Circuits)
    admission: Admission = field(default_factory=Admission)
    ladders: Ladders = field(default_factory=Ladders)
    observers: Observers = field(default_factory=Observers)
    mortal: frozenset[WorkloadKind] = frozenset()
    dry_run: bool = False
    node: str = ""

    def driver(self, integration: Integration) -> WorkloadDriver | None:
        """Who switches this workload; None where this home has nobody for its kind."""
        return self.drivers.get(integration.spec.workload.kind)

    def inventory(self) -> Inventory:
        """What is declared now: what every decision rests on.

        Its policy has the thresholds of the tier in force, and who leaves its levels to its plugin has those.
        """
        declared = self.ladders.filled(self.home.inventory())
        spec = declared.policy.spec
        if not spec.tiers:
            return declared
        ruling = declared.policy.model_copy(update={"spec": in_force(spec, self.hardware_under(spec))})
        return replace(declared, policy=ruling)

    def shadows(self) -> Mapping[str, PolicySpec]:
        """The policies that do not rule, by name, each with the thresholds of its tier in force."""
        specs = {name: policy.spec for name, policy in self.home.inventory().shadows.items()}
        return {name: in_force(spec, self.hardware_under(spec)) if spec.tiers else spec for name, spec in specs.items()}

    def hardware_under(self, policy: PolicySpec) -> Hardware:
        """What the machine has, as far as this policy lets us use it; unknown where it cannot be told."""
        with self.contained("hardware"):
            return self.hardware.known(scope=policy.scope, budget_bytes=policy.memory_budget)
        return Hardware()

    def used_percent(self, policy: PolicySpec) -> float | None:
        """Memory in percent, read at once; None where it cannot be read or makes no sense, which never raises."""
        with self.contained("sentinel"):
            return plausible(self.gauge.used_percent(scope=policy.scope, budget_bytes=policy.memory_budget))
        return None

    def contained(self, where: str) -> "Contained":
        """For a `with`: what fails inside is told to the observers and goes no further."""
        return Contained(self.observers, where)


@dataclass(frozen=True, slots=True)
class Contained:
    """The limit of a fault: one part of the world must not take the guard along. It lets cancellation through."""

    observers: Observers
    where: str

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self.observers.on_fault(self.where, faulty(error))
        return True


def faulty(error: Exception) -> str:
    """What went wrong; of what looks like a bug also its kind, without which a KeyError says nothing."""
    known = isinstance(error, BrownoutError | OSError)
    return describe(error) if known else f"{type(error).__name__}: {error}"

"""The world of one controller: its ports and its settings, gathered in one value that the composition root fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brownout.api.integration import Integration
from brownout.api.workload import WorkloadKind
from brownout.engine.observers import Observers
from brownout.engine.ports import Clock, Home, Journal, MemoryGauge, NodeSensor, WorkloadDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside. `dry_run` is the command line's; the policy's mode can ask for it too."""

    clock: Clock
    home: Home
    drivers: Mapping[WorkloadKind, WorkloadDriver]
    sensor: NodeSensor
    gauge: MemoryGauge
    journal: Journal
    observers: Observers = field(default_factory=Observers)
    dry_run: bool = False
    node: str = ""

    def driver(self, integration: Integration) -> WorkloadDriver | None:
        """Who switches this workload; None where this home has nobody for its kind."""
        return self.drivers.get(integration.spec.workload.kind)

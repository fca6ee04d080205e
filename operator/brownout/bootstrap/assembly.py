"""What every home is built of, and the parts that are the same in all of them."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brownout.api.workload import WorkloadKind
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.settings import Settings
from brownout.engine.admission import Admission
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.circuits import Circuits
from brownout.engine.manifests import Ladders, Manifests, NoManifests
from brownout.engine.observers import Observers
from brownout.engine.ports import Home, WorkloadDriver
from brownout.engine.prober import NoProber, Prober
from brownout.engine.request_counts import RequestCounts
from brownout.engine.secrecy import Secrecy
from brownout.engine.switchboard import OUTLIVES
from brownout.engine.usage_counts import UsageCounts
from brownout.engine.world import World
from brownout.history.store import SqliteJournal
from brownout.local.lane import Lane
from brownout.processes.backoff import circuit_wait_s
from brownout.sensing.gauge import Gauge
from brownout.sensing.hardware import MachineHardware
from brownout.sensing.node import PsutilSensor
from brownout.training.child import ChildTrainer

if TYPE_CHECKING:
    from brownout.engine.budgets import BudgetStore

Service = Callable[[], Awaitable[object]]

#: What trains. -P: the folder in which we were started is not searched for modules.
_TRAINING = (sys.executable, "-P", "-m", "brownout.bootstrap.training")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a home brings: itself, who switches its workloads, who checks them, and its own loop. `why` says why it was
    chosen; `hurry` takes the grace from whatever is being ended; `close` comes last, when nobody uses the home.
    `runs_programs`: whoever writes its objects may run programs as the controller anyway.
    `requests` is where its drivers count what they route, `usage` what that used up, `circuits` where they ask whether
    they may, `admission` whether what is asleep may start, and `secrecy` where they say what may be shown.
    `manifests` is what its plugins say of themselves.
    """

    home: Home
    drivers: Mapping[WorkloadKind, WorkloadDriver]
    service: Service
    hurry: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[object]]
    why: str
    runs_programs: bool = False
    requests: RequestCounts = field(default_factory=RequestCounts)
    usage: UsageCounts = field(default_factory=UsageCounts)
    prober: Prober = field(default_factory=NoProber)
    circuits: Circuits = field(default_factory=lambda: Circuits(circuit_wait_s))
    admission: Admission = field(default_factory=Admission)
    secrecy: Secrecy = field(default_factory=Secrecy)
    manifests: Manifests = field(default_factory=NoManifests)


def world_of(
    parts: Parts, settings: Settings, *, clock: SteadyClock, faults: FaultLine, observers: Observers, closing: ExitStack
) -> World:
    """The world of a controller on these parts. `closing` ends what has threads."""
    state = Path(settings.state)
    sensor = PsutilSensor(folder=state, on_fault=faults)
    closing.callback(sensor.close)
    hardware = MachineHardware(on_fault=faults)
    closing.callback(hardware.close)
    journal = SqliteJournal.open(state / "history.db", clock=clock, on_fault=faults)
    lane = Lane("the file of budgets")
    closing.callback(lane.close)
    faults.connect(observers)
    return World(
        clock=clock,
        home=parts.home,
        drivers=parts.drivers,
        sensor=sensor,
        gauge=Gauge(),
        journal=journal,
        requests=parts.requests,
        usage=parts.usage,
        hardware=hardware,
        trainer=ChildTrainer(_TRAINING, state, on_fault=faults),
        prober=parts.prober,
        circuits=parts.circuits,
        admission=parts.admission,
        ladders=Ladders(parts.manifests),
        budgets=_desk(state, lane, faults),
        observers=observers,
        mortal=frozenset() if settings.dry_run else frozenset(parts.drivers).difference(OUTLIVES),
        dry_run=settings.dry_run,
        node=settings.node,
    )


def _desk(state: Path, lane: Lane, faults: FaultLine) -> BudgetDesk:
    """Budgets of this state: opened when somebody first has one, and by nobody else."""

    def opened() -> "BudgetStore":
        from brownout.history.budgets import SqliteBudgets  # noqa: PLC0415 - who has no budgets pays nothing for them

        return SqliteBudgets(state, on_fault=lambda message: faults("budgets", message))

    return BudgetDesk(lane, opened, kept=(state / "budgets.db").exists)

"""A machine of 100 GiB with workloads on it, and the driver that switches them: memory really comes and goes.

Sizes are per cent of the machine. What a workload holds is not forgotten when its controller dies.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from brownout.api.integration import Integration, Level
from brownout.core.member import Observation, Presence
from brownout.engine.admission import Admission
from brownout.engine.ports import Outcome, OutcomeStatus
from tests.engine.log import Log
from tests.worlds import bytes_of


@dataclass(slots=True)
class Workload:
    """One workload. `obeys_in_s` is how long its graceful stop takes, `starts_in_s` its start, and `lingers_s` how late
    its memory comes back. `failing` refuses every switch, `broken` is raised by it, and what is `stuck` never ends one;
    what is `deaf` does not answer when it is observed, and `unseen` is raised then. At a level that is `hopeless` it
    falls over at once, and is `fallen` until it is switched again. What it `refuses` to be it is not;
    if it `ends`, then not what it was either. What is `lazy` is `asleep` once it was started, until it is asked; its
    memory is there from `grown_at` on. What it `requires` are others, without which it says that it lacks something.
    """

    size: float = 10.0
    sizes: dict[str, float] = field(default_factory=dict)
    running: bool = False
    level: str = ""
    run: int = 0
    replicas: int | None = None
    obeys_in_s: float = 0.0
    starts_in_s: float = 0.0
    lingers_s: float = 0.0
    freed_at: float = -1.0
    failing: str = ""
    broken: Exception | None = None
    deaf: bool = False
    unseen: Exception | None = None
    detail: str = ""
    measured: bool = True
    stuck: bool = False
    hopeless: frozenset[str] = frozenset()
    fallen: bool = False
    refuses: frozenset[str] = frozenset()
    ends: bool = False
    lazy: bool = False
    asleep: bool = False
    grown_at: float = -1.0
    requires: tuple[str, ...] = ()

    def held(self, now: float) -> float:
        """Per cent that it holds now, or still holds."""
        if self.running:
            return 0.0 if self.asleep or now < self.grown_at else self.sizes.get(self.level, self.size)
        return self.size if now < self.freed_at else 0.0


class Machine:
    """Implements WorkloadDriver on made-up workloads, which begin stopped unless a test says otherwise.

    With `owned_by_others` it is like a cluster: what stands at no replicas cannot be resumed unless somebody says how
    many it had, and forgetting an integration leaves its workload alone.
    """

    def __init__(self, log: Log, *, base: float = 40.0, owned_by_others: bool = False) -> None:
        self.log = log
        self.base = base
        self.blind = False
        self.owned_by_others = owned_by_others
        self.workloads: dict[str, Workload] = {}
        self.starting: Counter[str] = Counter()
        self.twins: list[str] = []
        self._stops: Counter[str] = Counter()
        self._patience: dict[str, float] = {}
        self._shorter = asyncio.Event()

    def used_percent(self) -> float | None:
        """What is in use now; None while the machine is blind."""
        now = asyncio.get_running_loop().time()
        return None if self.blind else self.base + sum(workload.held(now) for workload in self.workloads.values())

    def __getitem__(self, key: str) -> Workload:
        return self.workloads.setdefault(key, Workload())

    def ask(self, key: str, admission: Admission) -> str:
        """A request to one that may be asleep: why it is not started for it, empty where it runs then."""
        if self[key].asleep:
            if why := admission.refusal((key,)):
                return why
            self[key].asleep, self[key].grown_at = False, asyncio.get_running_loop().time() + 0.1
        return ""

    async def observe(self, integration: Integration) -> Observation:
        """What it does."""
        workload = self[integration.name]
        if workload.deaf:
            await asyncio.Event().wait()
        if workload.unseen is not None:
            raise workload.unseen
        held = bytes_of(workload.held(asyncio.get_running_loop().time()))
        presence = Presence.RUNNING if workload.running else Presence.FAILED if workload.fallen else Presence.STOPPED
        return Observation(
            presence=presence,
            detail=_told(workload),
            level=workload.level or None,
            identity=f"run-{workload.run}",
            memory_bytes=held if workload.running and workload.measured else None,
            replicas=workload.replicas if workload.running else (0 if self.owned_by_others else None),
            resumable=workload.running or not self.owned_by_others,
            asleep=workload.asleep,
            requires=workload.requires,
            lacking=", ".join(f"it requires {key}, which is off" for key in workload.requires if not self[key].running),
        )

    async def start(self, integration: Integration, level: Level | None, *, replicas: int | None = None) -> Outcome:
        """Bring it up; told to stop meanwhile, it gives up."""
        key, name = integration.name, level.name if level else ""
        self.log.add(f"start {key} {name}".rstrip() + (f" replicas={replicas}" if replicas is not None else ""))
        workload, stops = self[key], self._stops[key]
        if refusal := self._refusal(workload):
            return refusal
        if self.owned_by_others and not workload.running and replicas is None:
            return Outcome(status=OutcomeStatus.FAILED, detail="nobody knows how many replicas it had")
        if name in workload.refuses:
            workload.running, workload.fallen = not workload.ends, workload.ends
            return Outcome(status=OutcomeStatus.FAILED, detail=f"it cannot be {name}")
        with self._start_under_way(key):
            await _lasting(workload.starts_in_s)
        if self._stops[key] != stops:
            return Outcome(status=OutcomeStatus.SKIPPED, detail="it was told to stop meanwhile")
        before = workload.replicas if workload.running and workload.level != name else None
        self._come_up(workload, name, replicas)
        self.log.add(f"started {key}")
        return Outcome(status=OutcomeStatus.DONE, replicas_before=before if self.owned_by_others else None)

    async def stop(self, integration: Integration, *, grace_s: float) -> Outcome:
        """Ask it to end and wait, as long as the most impatient caller wants to wait."""
        key = integration.name
        self.log.add(f"stop {key} grace={grace_s:g}")
        self._stops[key] += 1
        workload = self[key]
        workload.fallen = False
        if refusal := self._refusal(workload):
            return refusal
        if workload.stuck:
            await asyncio.Event().wait()
        before = workload.replicas if workload.running else None
        if workload.running:
            await self._until_gone(key, workload, grace_s)
        self.log.add(f"stopped {key}")
        return Outcome(status=OutcomeStatus.DONE, replicas_before=before)

    async def forget(self, key: str) -> None:
        """End what it owns."""
        self.log.add(f"forget {key}")
        workload = self[key]
        if workload.running and not self.owned_by_others:
            await self._until_gone(key, workload, 30.0)
        self.log.add(f"forgotten {key}")

    async def close(self) -> None:
        """The controller ends."""
        self.log.add("close driver")

    def _come_up(self, workload: Workload, level: str, replicas: int | None) -> None:
        if not workload.running:
            workload.run += 1
            workload.asleep = workload.lazy
        workload.fallen = level in workload.hopeless
        workload.running, workload.level = not workload.fallen, level
        workload.replicas = workload.replicas if replicas is None else replicas

    @contextmanager
    def _start_under_way(self, key: str) -> Iterator[None]:
        if self.starting[key]:
            self.twins.append(key)
        self.starting[key] += 1
        try:
            yield
        finally:
            self.starting[key] -= 1

    async def _until_gone(self, key: str, workload: Workload, grace_s: float) -> None:
        loop = asyncio.get_running_loop()
        obeyed_at = loop.time() + workload.obeys_in_s
        self._patience[key] = min(self._patience.get(key, obeyed_at), loop.time() + grace_s, obeyed_at)
        self._shorter.set()
        self._shorter = asyncio.Event()
        try:
            while workload.running and (left_s := self._patience[key] - loop.time()) > 0:
                await _lasting(left_s, unless=self._shorter)
        finally:
            self._patience.pop(key, None)
        if workload.running:
            workload.running, workload.freed_at = False, loop.time() + workload.lingers_s
            workload.asleep = False

    def _refusal(self, workload: Workload) -> Outcome | None:
        if workload.broken is not None:
            raise workload.broken
        return Outcome(status=OutcomeStatus.FAILED, detail=workload.failing) if workload.failing else None


async def _lasting(for_s: float, *, unless: asyncio.Event | None = None) -> None:
    """Return after so long, or when the event comes."""
    if for_s <= 0:
        return
    try:
        async with asyncio.timeout(for_s):
            await (unless or asyncio.Event()).wait()
    except TimeoutError:
        return


def _told(workload: Workload) -> str:
    """What it says of itself."""
    if workload.fallen:
        return f"{workload.level} ended with status 1"
    return "it starts with its first request" if workload.asleep else workload.detail

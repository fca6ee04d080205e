"""Fakes of our own ports, for tests: each passes the contract suite of its port in tests/contracts.

Nothing foreign is faked: processes, files, cgroups and the API server of the tests are real.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Any

from brownout.api.integration import Integration, Level
from brownout.api.policy import Scope
from brownout.core.capability import Notice
from brownout.core.errors import HistoryUnavailable
from brownout.core.forecasting.champions import Champions
from brownout.core.health import Answer, Checked, Findings
from brownout.core.instant import Instant
from brownout.core.plan import Decision, Step
from brownout.core.rates import RequestReading, Served
from brownout.core.response_times import STEPS, step_of
from brownout.core.sample import Sample, Witness
from brownout.core.tiers import Hardware
from brownout.core.training_report import Kept, TrainingReport
from brownout.engine.hook import Delivery
from brownout.engine.ports import NOTHING, UNCHECKED, DecisionRecord, FootprintRecord, Outcome, ProcessId
from brownout.engine.trainer import TrainingRequest
from brownout.engine.usage_counts import Told
from brownout.history.budget_memory import MemoryBudgets


class FakeJournal:
    """A Journal in memory. `trouble` makes it say so in `faults`; `calls` tells in which order it was used."""

    def __init__(self) -> None:
        self.records: dict[int, DecisionRecord] = {}
        self.samples: list[Sample] = []
        self.levels: list[Mapping[str, str]] = []
        self.served: list[Mapping[str, Served]] = []
        self.found: list[Mapping[str, Findings]] = []
        self.calls: list[str] = []
        self.trouble = ""
        self.closed = False

    async def intend(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Keep an intent."""
        self.calls.append(f"intend {step.key}")
        return self._keep(decision, step, dry_run=dry_run)

    def intend_now(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Keep an intent at once."""
        self.calls.append(f"intend_now {step.key}")
        return self._keep(decision, step, dry_run=dry_run)

    def resolve(self, intent: int, *, at: Instant, outcome: Outcome) -> None:
        """Note what came of it."""
        self.calls.append(f"resolve {intent} {outcome.status}")
        if record := self.records.get(intent):
            self.records[intent] = replace(record, outcome=str(outcome.status), outcome_at=at, detail=outcome.detail)

    def add_sample(
        self,
        sample: Sample,
        levels: Mapping[str, str],
        served: Mapping[str, Served] = NOTHING,
        found: Mapping[str, Findings] = UNCHECKED,
    ) -> None:
        """Keep a sample."""
        self.found.append(dict(found))
        self.samples.append(sample)
        self.levels.append(dict(levels))
        self.served.append(dict(served))

    async def window(self, *, since: Instant, now: Instant) -> tuple[Sample, ...]:
        """Samples of that time, each instant once, oldest first."""
        chosen = {sample.at: sample for sample in self.samples if since <= sample.at <= now}
        return tuple(chosen[at] for at in sorted(chosen))

    async def footprints(self, *, since: Instant, now: Instant) -> tuple[FootprintRecord, ...]:
        """What was measured in that time, oldest first."""
        kept = [pair for pair in zip(self.samples, self.levels, strict=True) if since <= pair[0].at <= now]
        records = {
            (sample.at, key): FootprintRecord(at=sample.at, key=key, level=levels.get(key, ""), memory_bytes=held)
            for sample, levels in kept
            for key, held in sample.footprints.items()
        }
        return tuple(records[place] for place in sorted(records))

    async def decisions(
        self, *, key: str | None = None, since: Instant = 0.0, limit: int = 100
    ) -> tuple[DecisionRecord, ...]:
        """The newest, newest first."""
        newest_first = sorted(self.records.values(), key=lambda record: -record.id)
        fitting = [record for record in newest_first if record.at >= since and key in (None, record.key)]
        return tuple(fitting[: max(0, limit)])

    async def unresolved(self) -> tuple[DecisionRecord, ...]:
        """Intents without an outcome, oldest first."""
        return tuple(record for _, record in sorted(self.records.items()) if record.outcome is None)

    async def close(self) -> None:
        """Nothing is queued."""
        self.closed = True

    def faults(self) -> tuple[str, ...]:
        """What the test says."""
        return (self.trouble,) if self.trouble else ()

    def _keep(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        number = 1 + max(self.records, default=0)
        self.records[number] = DecisionRecord(
            id=number,
            at=decision.at,
            key=step.key,
            action=str(step.action),
            reason=str(step.reason),
            message=step.message,
            rule=decision.rule,
            dry_run=dry_run,
            numbers=dict(decision.numbers),
        )
        return number


@dataclass(slots=True)
class FakeProcess:
    """A process of the fake table."""

    id: ProcessId
    parent: int
    session: int
    memory_bytes: int | None
    environment: Mapping[str, str] = field(default_factory=dict)


class FakeProcessTable:
    """A ProcessTable of made-up processes. Start times count up, so a pid that is used again is another process."""

    def __init__(self) -> None:
        self.processes: dict[int, FakeProcess] = {}
        self._ticks = 0

    def spawn(
        self,
        pid: int,
        *,
        parent: int = 1,
        leads_session: bool = False,
        memory_bytes: int | None = 0,
        environment: Mapping[str, str] | None = None,
    ) -> ProcessId:
        """Add a process; it leads a session of its own, or is in its parent's (without one, in session 1)."""
        self._ticks += 1
        above = self.processes.get(parent)
        session = pid if leads_session else (above.session if above else 1)
        process = ProcessId(pid, self._ticks)
        self.processes[pid] = FakeProcess(process, parent, session, memory_bytes, environment or {})
        return process

    def end(self, pid: int) -> None:
        """A process ends; its children go to init, as they do."""
        self.processes.pop(pid, None)
        for process in self.processes.values():
            process.parent = 1 if process.parent == pid else process.parent

    def identify(self, pid: int) -> ProcessId | None:
        """Who it is."""
        process = self.processes.get(pid)
        return process.id if process else None

    def marked(self, variable: str, value: str) -> Mapping[ProcessId, Mapping[str, str]]:
        """Who carries the mark."""
        return {
            process.id: {name: text for name, text in process.environment.items() if name.startswith("BROWNOUT_")}
            for process in self.processes.values()
            if process.environment.get(variable) == value
        }

    def tree(self, roots: Sequence[ProcessId]) -> tuple[ProcessId, ...]:
        """The roots, their descendants, and the sessions that these lead or led."""
        found: set[int] = {root.pid for root in roots if self.identify(root.pid) in (None, root)}
        while more := {pid for pid, p in self.processes.items() if {p.parent, p.session} & found} - found:
            found |= more
        live = [process.id for pid, process in self.processes.items() if pid in found]
        return tuple(sorted(live, key=lambda process: (process.started, process.pid)))

    def memory_bytes(self, processes: Sequence[ProcessId]) -> int | None:
        """What they hold together."""
        alive = [self.processes[process.pid] for process in processes if self.identify(process.pid) == process]
        held = [process.memory_bytes for process in alive if process.memory_bytes is not None]
        return sum(held) if held else None


class FakeHook:
    """A Hook that remembers what it was told. It `takes_s`, and `answers` one after the other; then all arrives."""

    def __init__(self, *answers: Delivery, takes_s: float = 0.0, name: str = "a fake") -> None:
        self.name = name
        self.answers = list(answers)
        self.takes_s = takes_s
        self.asked: list[Notice] = []
        self.told: list[Notice] = []

    async def tell(self, notice: Notice) -> Delivery:
        """Remember it."""
        self.asked.append(notice)
        if self.takes_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.takes_s):
                    await asyncio.Event().wait()
        delivery = self.answers.pop(0) if self.answers else Delivery()
        if delivery.arrived:
            self.told.append(notice)
        return delivery


class FakeClock:
    """A Clock on the loop's own time, which may be virtual. `jump` is what a suspended machine does to it."""

    def __init__(self, start: Instant = 1_767_323_040.0) -> None:
        self.start = start

    def now(self) -> Instant:
        """Now."""
        return self.start + asyncio.get_running_loop().time()

    def jump(self, by_s: float) -> None:
        """Time passes that the loop does not see."""
        self.start += by_s


class FakeSensor:
    """A NodeSensor of a machine with `limit_bytes` of memory, of which `measure` says how many per cent are in use.

    `error` is raised, and what `hangs` never answers.
    """

    def __init__(self, measure: Callable[[], float | None], *, limit_bytes: int) -> None:
        self.measure = measure
        self.limit_bytes = limit_bytes
        self.error: Exception | None = None
        self.hangs = False

    async def read(self, *, now: Instant, scope: Scope, budget_bytes: int | None) -> Sample:
        """One look; in per cent of the budget, where there is one."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        percent, limit = self.measure(), budget_bytes or self.limit_bytes
        used = None if percent is None else round(percent * self.limit_bytes / 100.0)
        return Sample(
            at=now,
            memory_percent=None if used is None else 100.0 * used / limit,
            memory_used_bytes=used,
            memory_limit_bytes=limit,
            witness=Witness.NONE if used is None else Witness.NODE,
        )


class FakeGauge:
    """A MemoryGauge of the same machine. `error` is raised; `looks` counts."""

    def __init__(self, measure: Callable[[], float | None], *, limit_bytes: int) -> None:
        self.measure = measure
        self.limit_bytes = limit_bytes
        self.error: Exception | None = None
        self.looks = 0

    def used_percent(self, *, scope: Scope, budget_bytes: int | None) -> float | None:
        """One look; in per cent of the budget, where there is one."""
        self.looks += 1
        if self.error is not None:
            raise self.error
        percent = self.measure()
        return percent if percent is None else percent * self.limit_bytes / (budget_bytes or self.limit_bytes)


class FakeRequestMeter:
    """A RequestMeter that remembers every request it is told of. `error` is raised."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[Instant, float | None, bool]]] = {}
        self.error: Exception | None = None

    def count(self, key: str, at: Instant, *, response_ms: float | None, failed: bool) -> None:
        """One request has ended."""
        self.told.setdefault(key, []).append((at, response_ms, failed))

    def readings(self, *, now: Instant, within_s: float) -> Mapping[str, RequestReading]:
        """Exactly what came."""
        if self.error is not None:
            raise self.error
        return {key: _reading(requests, now, within_s) for key, requests in self.told.items()}


def _reading(requests: list[tuple[Instant, float | None, bool]], now: Instant, within_s: float) -> RequestReading:
    def rate(end: Instant) -> float | None:
        known = end - within_s >= requests[0][0]
        return sum(end - within_s < at <= end for at, _, _ in requests) / within_s if known else None

    spans = [span for index in range(1, 120) if (span := rate(now - index * within_s)) is not None]
    recent = [(ms, failed) for at, ms, failed in requests if now - within_s < at <= now]
    times = [ms for ms, _ in recent if ms is not None]
    every = [ms for _, ms, _ in requests if ms is not None]
    return RequestReading(
        at=now,
        within_s=within_s,
        rate=len(recent) / within_s,
        rate_before=rate(now - 2 * within_s),
        normal_rate=median(spans) if len(spans) >= 20 else None,
        response_ms=fmean(times) if times else None,
        failure_share=sum(failed for _, failed in recent) / len(recent) if recent else None,
        recent=len(recent),
        requests=len(requests),
        failures=sum(failed for _, _, failed in requests),
        timed=len(every),
        response_ms_sum=sum(every),
        times=tuple(sum(step_of(ms) == step for ms in every) for step in range(STEPS)),
    )


class FakeHardware:
    """A HardwareSensor of a made-up machine. `found` is what the next look finds, which takes `takes_s`."""

    def __init__(self, found: Hardware, *, takes_s: float = 0.0) -> None:
        self.found = found
        self.takes_s = takes_s
        self.error: Exception | None = None
        self.looks = 0
        self._known = Hardware()

    def known(self, *, scope: Scope, budget_bytes: int | None) -> Hardware:
        """What the last look found; memory as it is now, and never more than the budget."""
        memory = self.found.memory_bytes
        limit = min(memory, budget_bytes or memory) if memory is not None else None
        return replace(self._known, memory_bytes=limit)

    async def refresh(self) -> None:
        """Look again."""
        self.looks += 1
        if self.takes_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.takes_s):
                    await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self._known = self.found


class FakeTrainer:
    """A Trainer that takes `takes_s` and then has made `makes`. `error` is raised, `fault` is what it reports.

    `requests` are those that came, `ended` counts those that were cancelled.
    """

    def __init__(self, makes: Champions | None = None, *, takes_s: float = 3.0) -> None:
        self.makes = makes
        self.takes_s = takes_s
        self.fault = ""
        self.error: Exception | None = None
        self.requests: list[TrainingRequest] = []
        self.ended = 0
        self.store = Kept()

    async def kept(self) -> Kept:
        """What it has made."""
        if self.error is not None:
            raise self.error
        return self.store

    async def train(self, request: TrainingRequest) -> TrainingReport | None:
        """Make it."""
        self.requests.append(request)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.takes_s):
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        if self.error is not None:
            raise self.error
        report = TrainingReport(at=request.now, why=request.why, seconds=self.takes_s, fault=self.fault)
        if not self.fault:
            self.store = replace(self.store, champions=self.makes).reported(report)
        return report


class FakeBudgets(MemoryBudgets):
    """Budgets in memory, whose disk can be made to fail: with `trouble` set, every call says so."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        self.closed = False

    def __getattribute__(self, name: str) -> Any:
        """Refuse what the port offers, while there is trouble."""
        if not name.startswith("_") and name not in {"trouble", "closed", "close"} and self.trouble:
            raise HistoryUnavailable(self.trouble)
        return super().__getattribute__(name)

    def close(self) -> None:
        """Note it."""
        self.closed = True


class FakeProber:
    """A Prober whose answers a test sets by name: passing where it says nothing. Checks take `takes_s` of loop time.

    Those named in `hanging` never answer; those in `deaf` do not heed their cancellation either, until `release`.
    `asked` counts, `most` is how many of one integration were ever under way at once. `error` is raised.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Checked] = {}
        self.takes_s: dict[str, float] = {}
        self.hanging: set[str] = set()
        self.deaf: set[str] = set()
        self.release = asyncio.Event()
        self.error: Exception | None = None
        self.asked: Counter[str] = Counter()
        self.asked_at: dict[str, list[float]] = {}
        self.most: Counter[str] = Counter()
        self.cancelled = 0
        self.closed = False
        self._under_way: Counter[str] = Counter()

    async def check(self, integration: Integration) -> Checked:
        """What the test has set."""
        name = integration.name
        self.asked[name] += 1
        self.asked_at.setdefault(name, []).append(asyncio.get_running_loop().time())
        self._under_way[name] += 1
        self.most[name] = max(self.most[name], self._under_way[name])
        try:
            await self._until_done(name)
        except asyncio.CancelledError:
            self.cancelled += 1
            if name in self.deaf:
                await self.release.wait()
            raise
        finally:
            self._under_way[name] -= 1
        if self.error is not None:
            raise self.error
        return self.answers.get(name, Checked(answer=Answer.OK))

    async def close(self) -> None:
        """The end."""
        self.closed = True

    async def _until_done(self, name: str) -> None:
        if name in self.hanging | self.deaf:
            await asyncio.Event().wait()
        takes_s = self.takes_s.get(name, 0.0)
        if takes_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(takes_s):
                    await asyncio.Event().wait()


class FakeUsageMeter:
    """A UsageMeter that remembers each word. `error` is raised."""

    def __init__(self) -> None:
        self.words: list[tuple[str, int, int]] = []
        self.error: Exception | None = None

    def count(self, key: str, *, tokens: int = 0, api_calls: int = 0) -> None:
        """So much was used; what makes no sense was not."""
        tokens, api_calls = (each if 0 <= each <= 2**53 else 0 for each in (tokens, api_calls))
        self.words.append((key, tokens, api_calls))

    def take(self) -> Mapping[str, Told]:
        """The sums of what was said, once."""
        if self.error is not None:
            raise self.error
        words, self.words = self.words, []
        return {
            key: Told(
                tokens=min(2**53, sum(tokens for name, tokens, _ in words if name == key)),
                api_calls=min(2**53, sum(calls for name, _, calls in words if name == key)),
            )
            for key in {name for name, _, _ in words}
        }


class FakeManifests:
    """Manifests that say what a test puts in `said`; `hidden` ones cannot be read, `hangs` holds a reading up."""

    def __init__(self, **said: tuple[Level, ...]) -> None:
        self.said = dict(said)
        self.hidden: set[str] = set()
        self.hangs = False
        self.reads = 0
        self._known: dict[str, tuple[Level, ...]] = {}

    async def read(self, plugins: Collection[str]) -> None:
        """Those that are there."""
        self.reads += 1
        if self.hangs:
            await asyncio.Event().wait()
        self._known |= {name: self.said[name] for name in plugins if name in self.said and name not in self.hidden}

    def levels(self, plugin: str) -> tuple[Level, ...] | None:
        """What was read last."""
        return self._known.get(plugin)

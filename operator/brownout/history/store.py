"""The journal on SQLite: what the engine calls. Fast to the caller, durable by the writer, readable throughout.

Rows are queued in order (ring.py), written by one thread (writer.py) and read through short connections of their own
(reader.py). What is not on disk yet is part of every answer. It interprets nothing of what it keeps.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, TypeVar

from brownout.core.health import Findings
from brownout.core.instant import Instant
from brownout.core.plan import Decision, Step
from brownout.core.rates import Served
from brownout.core.sample import Sample
from brownout.engine.ports import NOTHING, UNCHECKED, Clock, DecisionRecord, FootprintRecord, Outcome
from brownout.history.aside import Aside
from brownout.history.reader import MOST_FOOTPRINTS, HistoryReader
from brownout.history.retention import DEFAULT_LIMITS, Limits
from brownout.history.ring import Ring
from brownout.history.rows import IntentRow, OutcomeRow, Row, SampleRow, intent_row, outcome_row
from brownout.history.schema import DamagedHistory
from brownout.history.writer import Writer

T = TypeVar("T")
OnFault = Callable[[str, str], None]

WHERE: Final = "history"
INTENT_S: Final = 2.0  # how long a step waits for its intent to be durable
_OPEN_S: Final = 2.0
_READ_S: Final = 5.0
_CLOSE_S: Final = 5.0
_MOST_READS: Final = 4  # threads that a hanging disk can hold
_TELL_EVERY: Final = 1000  # of that many dropped rows one is told of


class SqliteJournal:
    """A Journal in one SQLite file. Use `open`; it works from then on, with a disk or without."""

    @classmethod
    def open(cls, path: str | Path, *, clock: Clock, on_fault: OnFault, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Begin to keep history at `path`. Takes milliseconds; with a stuck disk 2 s, and goes on without it.

        Never raises for the state of the file. `on_fault` is called in the event loop that runs now; where none runs,
        in the writer's thread.
        """
        journal = cls(Path(path), clock=clock, on_fault=on_fault, limits=limits)
        journal._writer.start()
        journal._writer.tried.wait(_OPEN_S)
        return journal

    def __init__(self, path: Path, *, clock: Clock, on_fault: OnFault, limits: Limits) -> None:
        self._path = path
        self._clock = clock
        self._on_fault = on_fault
        self._loop = _running_loop()
        self._ring = Ring()
        self._writer = Writer(path, ring=self._ring, clock=clock, limits=limits, on_fault=self._tell)
        self._reader = HistoryReader(path)
        self._reads = Aside(most=_MOST_READS, patience_s=_READ_S)
        self._closing = Aside(most=1, patience_s=_CLOSE_S)
        self._numbering = threading.Lock()
        self._last_number = 0

    # --- writing

    async def intend(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """Make one step's intent durable; returns its id.

        Waits 2 s at most, and not at all while the disk is known to fail: the intent then stands in memory, and
        `faults` says so.
        """
        durable: Future[None] = Future()
        number = self._queue_intent(decision, step, dry_run=dry_run, durable=durable)
        if not self._writer.trouble and not self._hangs():
            try:
                async with asyncio.timeout(INTENT_S):
                    await asyncio.wrap_future(durable)
            except TimeoutError:
                self._tell(f"decision {number} is not on disk after {INTENT_S:g} s; it is kept in memory")
        return number

    def intend_now(self, decision: Decision, step: Step, *, dry_run: bool) -> int:
        """The same without waiting for the disk: the emergency's way."""
        return self._queue_intent(decision, step, dry_run=dry_run, durable=None)

    def resolve(self, intent: int, *, at: Instant, outcome: Outcome) -> None:
        """What came of an intent; queued, in order."""
        self._add(outcome_row(intent, at=at, outcome=outcome))

    def add_sample(
        self,
        sample: Sample,
        levels: Mapping[str, str],
        served: Mapping[str, Served] = NOTHING,
        found: Mapping[str, Findings] = UNCHECKED,
    ) -> None:
        """Keep a sample, with the level at which each integration ran, what it served, and how it was. Queued."""
        self._add(SampleRow(sample=sample, levels=dict(levels), served=dict(served), found=dict(found)))

    async def close(self) -> None:
        """Write out what is queued; gives up after 5 s and says how much was not written."""
        self._ring.end()
        with suppress(TimeoutError):
            await self._closing.run(self._writer.ended.wait)
        if left := len(self._ring):
            self._tell(f"{left} rows could not be written before the end")

    # --- reading

    async def window(self, *, since: Instant, now: Instant) -> tuple[Sample, ...]:
        """Samples from `since` on, oldest first, none later than `now`."""
        rows = self._ring.pending()
        waiting = (row.sample for row in rows if isinstance(row, SampleRow) and since <= row.sample.at <= now)
        stored = await self._read(lambda: self._reader.samples(since=since, until=now))
        samples = {sample.at: sample for sample in (*waiting, *stored)}
        return tuple(samples[at] for at in sorted(samples))

    async def footprints(self, *, since: Instant, now: Instant) -> tuple[FootprintRecord, ...]:
        """What was measured from `since` on, oldest first, none later than `now`; of 12 000 the newest."""
        rows = self._ring.pending()
        waiting = (
            FootprintRecord(at=row.sample.at, key=key, level=row.levels.get(key, ""), memory_bytes=held)
            for row in rows
            if isinstance(row, SampleRow) and since <= row.sample.at <= now
            for key, held in row.sample.footprints.items()
        )
        stored = await self._read(lambda: self._reader.footprints(since=since, until=now))
        records = {(record.at, record.key): record for record in (*waiting, *stored)}
        return tuple(records[place] for place in sorted(records))[-MOST_FOOTPRINTS:]

    async def decisions(
        self, *, key: str | None = None, since: Instant = 0.0, limit: int = 100
    ) -> tuple[DecisionRecord, ...]:
        """The newest decisions, newest first, the ones that only stand in memory included."""
        rows = self._ring.pending()
        stored = await self._read(lambda: self._reader.decisions(key=key, since=since, limit=limit))
        records = _merged(rows, stored)
        fitting = [record for record in records if (key is None or record.key == key) and record.at >= since]
        return tuple(sorted(fitting, key=lambda record: -record.id)[: max(0, limit)])

    async def unresolved(self) -> tuple[DecisionRecord, ...]:
        """Intents without an outcome, oldest first."""
        rows = self._ring.pending()
        # Those in memory are asked for by number: they may be written, outcome and all, while we read.
        waiting = tuple(row.record.id for row in rows if isinstance(row, IntentRow))
        stored = await self._read(lambda: self._reader.unresolved(also=waiting))
        records = sorted(_merged(rows, stored), key=lambda record: record.id)
        return tuple(record for record in records if record.outcome is None)

    def faults(self) -> tuple[str, ...]:
        """Why history is not being kept on disk, in sentences; empty when it is."""
        found = []
        if self._writer.trouble:
            found.append(f"history is kept in memory only, {len(self._ring)} rows: {self._writer.trouble}")
        elif self._hangs():
            found.append(f"history: the disk of {self._path} does not answer; {len(self._ring)} rows wait")
        if self._writer.ended.is_set() and not self._ring.ending and not found:
            found.append("history: its writer has ended, which it never should; nothing is written any more")
        if self._ring.lost and found:
            found.append(f"history: {self._ring.lost} of the oldest rows were dropped, memory is bounded")
        return tuple(found)

    # --- inside

    def _queue_intent(self, decision: Decision, step: Step, *, dry_run: bool, durable: Future[None] | None) -> int:
        with self._numbering:  # held while it is queued too: the order of the queue is the order of the numbers
            self._last_number = 1 + max(self._last_number, self._last_on_disk())
            record = intent_row(self._last_number, decision, step, dry_run=dry_run)
            self._add(IntentRow(record=record, durable=durable))
        return record.id

    def _last_on_disk(self) -> int:
        """Where that cannot be known, a number that is larger for certain: milliseconds since 1970."""
        known = self._writer.last_id
        return int(self._clock.now() * 1000) if known is None else known

    def _add(self, row: Row) -> None:
        if not self._ring.add(row) and self._ring.lost % _TELL_EVERY == 1:
            self._tell(f"memory for history is full: {self._ring.lost} of the oldest rows were dropped so far")

    def _hangs(self) -> bool:
        since = self._writer.busy_since
        return since is not None and self._clock.now() - since > INTENT_S

    async def _read(self, question: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
        """The answer from disk, or nothing, told of, where it gives none: memory then answers alone."""
        if self._writer.newer:
            return ()
        try:
            return await self._reads.run(question)
        except DamagedHistory:
            self._writer.suspect()
        except Exception as error:  # noqa: BLE001 - a garbled file can say anything; decisions go on without it
            if not self._writer.trouble:
                self._tell(f"history cannot be read, what is in memory answers alone: {error}")
        return ()

    def _tell(self, message: str) -> None:
        if self._loop is None or self._loop is _running_loop() or self._loop.is_closed():
            self._on_fault(WHERE, message)
            return
        try:
            self._loop.call_soon_threadsafe(self._on_fault, WHERE, message)
        except RuntimeError:  # it closed in between
            self._on_fault(WHERE, message)


def _merged(rows: Iterable[Row], stored: Iterable[DecisionRecord]) -> list[DecisionRecord]:
    """Records of memory and disk, each once, with the outcomes that only stand in memory."""
    rows = tuple(rows)
    records = {row.record.id: row.record for row in rows if isinstance(row, IntentRow)}
    records |= {record.id: record for record in stored}
    for row in rows:
        if isinstance(row, OutcomeRow) and row.decision_id in records:
            record = records[row.decision_id]
            records[record.id] = replace(record, outcome=row.status, outcome_at=row.at, detail=row.detail)
    return list(records.values())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

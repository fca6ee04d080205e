"""Rows of the history: what is queued, how each is written, and how it is read back as a value.

The SQL of single rows stands here and nowhere else. It opens nothing and begins no transaction.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from brownout.core.health import Findings
from brownout.core.instant import Instant
from brownout.core.plan import Decision, Step
from brownout.core.rates import Served
from brownout.core.sample import Sample, Witness
from brownout.engine.ports import NOTHING, UNCHECKED, DecisionRecord, Outcome

DECISION_COLUMNS: Final = (
    "d.id, d.at, d.key, d.action, d.reason, d.message, d.rule, d.dry_run, d.numbers, o.status, o.at, o.detail"
)
SAMPLE_COLUMNS: Final = (
    "id, at, cpu_percent, memory_percent, disk_percent, memory_used_bytes, memory_limit_bytes, disk_free_bytes, "
    "stall_percent, witness"
)
_LARGEST: Final = 2**63 - 1  # SQLite's integers; a broken sensor must not stop the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRow:
    """A step that is about to be carried out. `durable` is fulfilled when the disk has it."""

    record: DecisionRecord
    durable: Future[None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """What came of an intent."""

    decision_id: int
    at: Instant
    status: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """A sample with the level at which each integration ran, what it served since the one before, and how it was."""

    sample: Sample
    levels: Mapping[str, str]
    served: Mapping[str, Served] = field(default_factory=lambda: NOTHING)
    found: Mapping[str, Findings] = field(default_factory=lambda: UNCHECKED)


Row = IntentRow | OutcomeRow | SampleRow


def intent_row(number: int, decision: Decision, step: Step, *, dry_run: bool) -> DecisionRecord:
    """The record of one step; its own reason and message, on the decision's rule and numbers."""
    return DecisionRecord(
        id=number,
        at=decision.at,
        key=_text(step.key),
        action=str(step.action),
        reason=str(step.reason),
        message=_text(step.message),
        rule=_text(decision.rule),
        dry_run=dry_run,
        numbers=MappingProxyType({_text(name): _number(value) for name, value in decision.numbers.items()}),
    )


def outcome_row(intent: int, *, at: Instant, outcome: Outcome) -> OutcomeRow:
    """The row of an outcome."""
    return OutcomeRow(decision_id=intent, at=at, status=str(outcome.status), detail=_text(outcome.detail))


def insert_intent(connection: sqlite3.Connection, record: DecisionRecord, *, number: int | None) -> int:
    """Write an intent under `number`, or under the next free one for None; returns its number."""
    cursor = connection.execute(
        "INSERT INTO decisions (id, at, key, action, reason, message, rule, dry_run, numbers) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, *_decision_values(record)),
    )
    return int(cursor.lastrowid or 0)


def holds_intent(connection: sqlite3.Connection, record: DecisionRecord) -> bool:
    """Whether this very intent is there already: a commit can be reported as failed and stand nevertheless."""
    found = connection.execute(
        "SELECT at, key, action, reason, message, rule, dry_run, numbers FROM decisions WHERE id = ?", (record.id,)
    ).fetchone()
    return found is not None and tuple(found) == _decision_values(record)


def insert_outcome(connection: sqlite3.Connection, row: OutcomeRow, *, number: int) -> None:
    """Write an outcome; a later one for the same intent replaces it. IntegrityError where there is no such intent."""
    connection.execute(
        "INSERT OR REPLACE INTO outcomes (decision_id, at, status, detail) VALUES (?, ?, ?, ?)",
        (number, row.at, row.status, row.detail),
    )


def insert_sample(connection: sqlite3.Connection, row: SampleRow) -> None:
    """Write a sample, the footprints measured with it, and what was served since the one before."""
    sample = row.sample
    values = [_storable(getattr(sample, name)) for name in SAMPLE_COLUMNS.split(", ")[1:-1]]
    cursor = connection.execute(
        f"INSERT INTO samples ({SAMPLE_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our constant
        (*values, str(sample.witness)),
    )
    connection.executemany(
        "INSERT INTO footprints (sample_id, integration, at, level, memory_bytes, response_ms, errors, requests, "
        "health, circuit, check_ms, check_errors, checks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(cursor.lastrowid, *_footprint_values(row, key)) for key in {**sample.footprints, **row.served, **row.found}],
    )


def record_of(columns: tuple[Any, ...]) -> DecisionRecord | None:
    """The record from DECISION_COLUMNS; None where a garbled page gives other things than were written."""
    number, at, key, action, reason, message, rule, dry_run, numbers, status, outcome_at, detail = columns
    texts, maybe_texts = (key, action, reason, message, rule, numbers), (status, detail)
    whole = isinstance(at, int | float) and isinstance(outcome_at, int | float | None)
    if not whole or not all(isinstance(text, str) for text in texts):
        return None
    if not all(isinstance(text, str | None) for text in maybe_texts):
        return None
    return DecisionRecord(
        id=number,
        at=at,
        key=key,
        action=action,
        reason=reason,
        message=message,
        rule=rule,
        dry_run=bool(dry_run),
        numbers=_numbers(numbers),
        outcome=status,
        outcome_at=outcome_at,
        detail=detail or "",
    )


def sample_of(columns: tuple[Any, ...], footprints: Iterable[tuple[str, int]]) -> Sample:
    """The sample from SAMPLE_COLUMNS and its (integration, bytes) pairs."""
    *values, witness = columns[1:]
    # A garbled page can give text where a number was; nothing that is no number may reach arithmetic.
    figures = (value if isinstance(value, int | float) else None for value in values)
    named: dict[str, Any] = dict(zip(SAMPLE_COLUMNS.split(", ")[1:-1], figures, strict=True))
    known = witness if witness in list(Witness) else Witness.NONE
    return Sample(**named, witness=Witness(known), footprints=MappingProxyType(dict(footprints)))


def _footprint_values(row: SampleRow, key: str) -> tuple[Any, ...]:
    """What one integration held and served, and what its checks found; NULL where that was not measured."""
    served = row.served.get(key)
    did = (_storable(served.response_ms), served.errors, served.requests) if served else (None, None, None)
    held = _storable(row.sample.footprints.get(key))
    return (_text(key), row.sample.at, _text(row.levels.get(key, "")), held, *did, *_findings_values(row, key))


def _findings_values(row: SampleRow, key: str) -> tuple[Any, ...]:
    found = row.found.get(key)
    if found is None:
        return (None,) * 5
    check_ms = None if found.latency_s is None else _storable(1000.0 * found.latency_s)
    return (found.health.value, found.circuit.value, check_ms, found.errors, found.checks)


def _decision_values(record: DecisionRecord) -> tuple[Any, ...]:
    return (
        record.at,
        record.key,
        record.action,
        record.reason,
        record.message,
        record.rule,
        int(record.dry_run),
        json.dumps(dict(record.numbers), sort_keys=True),
    )


def _numbers(text: str) -> Mapping[str, float | str | None]:
    try:
        numbers = json.loads(text)
    except ValueError:
        numbers = {}
    return MappingProxyType(numbers if isinstance(numbers, dict) else {})


def _storable(value: float | None) -> float | None:
    """NaN and infinities are not data; integers have 64 bits."""
    if value is None or not math.isfinite(value):
        return None
    return max(-_LARGEST, min(_LARGEST, value)) if isinstance(value, int) else value


def _number(value: float | str | None) -> float | str | None:
    return _text(value) if isinstance(value, str) else _storable(value)


def _text(text: str) -> str:
    """Without lone surrogates, which names of files can hold and SQLite cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")

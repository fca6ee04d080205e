"""Rows of budgets: a run with its sessions, and checkpoints, out of the tables and into them."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from brownout.core.budget.document import limits_document, limits_from
from brownout.core.budget.kept import KeptRun, Session
from brownout.core.budget.run import Checkpoint, Ending, RunRecord
from brownout.core.budget.spans import Span
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput
from brownout.history.schema import DamagedHistory

_RUN: Final = (
    "id, name, limits, tokens, api_calls, covered, opened_at, seen_at, ended_at, stopped_by, stop_asked_at, "
    "checkpoints, checkpoint_at"
)
_SAVE: Final = f"INSERT OR REPLACE INTO runs ({_RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants


def load(connection: sqlite3.Connection, run: int) -> KeptRun | None:
    """The run of that number."""
    return next(_loaded(connection, "WHERE id = ?", (run,)), None)


def newest(connection: sqlite3.Connection, name: str | None, most: int) -> tuple[KeptRun, ...]:
    """The newest runs, newest first; of a name where one is given."""
    if name is None:
        return tuple(_loaded(connection, "ORDER BY id DESC LIMIT ?", (most,)))
    return tuple(_loaded(connection, "WHERE name = ? ORDER BY id DESC LIMIT ?", (name, most)))


def insert(connection: sqlite3.Connection, kept: KeptRun) -> KeptRun:
    """Keep a new run under the next number."""
    number = connection.execute(_SAVE, (None, *_fields(kept)[1:])).lastrowid
    return replace(kept, run=replace(kept.run, id=int(number or 0)))


def save(connection: sqlite3.Connection, kept: KeptRun) -> None:
    """Keep a run as it is now, with exactly its sessions."""
    names = _RUN.split(", ")[1:]
    settings = ", ".join(f"{name} = ?" for name in names)
    connection.execute(f"UPDATE runs SET {settings} WHERE id = ?", (*_fields(kept)[1:], kept.run.id))  # noqa: S608
    connection.execute("DELETE FROM sessions WHERE run_id = ?", (kept.run.id,))
    rows = [(s.number, kept.run.id, s.opened_at, s.seen_at, s.lease_s) for s in kept.sessions]
    connection.executemany(
        "INSERT INTO sessions (id, run_id, opened_at, seen_at, lease_s) VALUES (?, ?, ?, ?, ?)", rows
    )


def has_session(connection: sqlite3.Connection, number: int) -> bool:
    """Whether any run has a session of that number."""
    return connection.execute("SELECT 1 FROM sessions WHERE id = ? LIMIT 1", (number,)).fetchone() is not None


def insert_checkpoint(connection: sqlite3.Connection, run: int, made: Checkpoint, *, kept: int) -> None:
    """Keep a checkpoint, and of the earlier ones the last few."""
    state = made.state.encode() if isinstance(made.state, str) else made.state
    usage = made.usage
    row = (run, made.number, made.at, usage.elapsed_s, usage.tokens, usage.api_calls, isinstance(made.state, str))
    connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, state, zlib.crc32(state)))
    connection.execute("DELETE FROM checkpoints WHERE run_id = ? AND number <= ?", (run, made.number - kept))


def last_checkpoint(connection: sqlite3.Connection, run: int) -> Checkpoint | None:
    """The newest that is sound: one whose bytes have changed on the disk is passed over for the one before."""
    rows = connection.execute(
        "SELECT number, at, elapsed_s, tokens, api_calls, is_text, state, crc32 FROM checkpoints "
        "WHERE run_id = ? ORDER BY number DESC",
        (run,),
    )
    return next((made for made in map(_sound, rows) if made is not None), None)


def _sound(row: tuple[Any, ...]) -> Checkpoint | None:
    """The checkpoint of a row; None where its bytes are not those that were written."""
    number, at, elapsed_s, tokens, api_calls, is_text, state, crc32 = row
    try:
        if zlib.crc32(state) != crc32:
            return None
        usage = Usage(elapsed_s=elapsed_s, tokens=tokens, api_calls=api_calls)
        return Checkpoint(number=number, at=float(at), usage=usage, state=state.decode() if is_text else state)
    except (TypeError, ValueError, InvalidInput):
        return None


def _loaded(connection: sqlite3.Connection, tail: str, values: tuple[Any, ...]) -> Iterator[KeptRun]:
    for row in connection.execute(f"SELECT {_RUN} FROM runs {tail}", values).fetchall():  # noqa: S608 - constants
        sessions = connection.execute(
            "SELECT id, opened_at, seen_at, lease_s FROM sessions WHERE run_id = ? ORDER BY opened_at, id", (row[0],)
        ).fetchall()
        try:
            kept = _kept(row, sessions)
        except (TypeError, ValueError, KeyError, InvalidInput) as error:
            raise DamagedHistory(f"the run in row {row[0]} cannot be read: {error}") from error
        yield kept


def _kept(row: tuple[Any, ...], sessions: list[tuple[Any, ...]]) -> KeptRun:
    number, name, limits, tokens, api_calls, covered, opened_at, seen_at, ended_at, stopped_by, asked, *made = row
    run = RunRecord(
        id=number,
        name=name,
        limits=limits_from(json.loads(limits)),
        usage=Usage(tokens=tokens, api_calls=api_calls),
        opened_at=opened_at,
        seen_at=seen_at,
        ended_at=ended_at,
        stopped_by=None if stopped_by is None else Ending(stopped_by),
        stop_asked_at=asked,
        checkpoints=made[0],
        checkpoint_at=made[1],
    )
    return KeptRun(
        run=run,
        covered=tuple(Span(start, end) for start, end in json.loads(covered)),
        sessions=tuple(Session(number=n, opened_at=o, seen_at=s, lease_s=lease) for n, o, s, lease in sessions),
    )


def _fields(kept: KeptRun) -> tuple[Any, ...]:
    run = kept.run
    return (
        run.id,
        run.name,
        json.dumps(limits_document(run.limits)),
        run.usage.tokens,
        run.usage.api_calls,
        json.dumps([[span.start, span.end] for span in kept.covered]),
        run.opened_at,
        run.seen_at,
        run.ended_at,
        run.stopped_by,
        run.stop_asked_at,
        run.checkpoints,
        run.checkpoint_at,
    )

"""Lines: one log record as one line, whatever stands in it, for a terminal or for a machine.

Pure: it reads a record and gives text. No value can end the line, colour the terminal, turn its direction or
make the line longer than 8 KiB (faults S-17); secrets are out of it before it is made.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from brownout.telemetry.plain import chain, cut, inert, plain_fields, stack, written
from brownout.telemetry.redact import redacted_text

__all__ = ["LONGEST_LINE_BYTES", "json_line", "text_line"]

#: What most collectors of logs take whole; containerd splits at 16 KiB.
LONGEST_LINE_BYTES: Final = 8192
# Characters that one value may have; the next smaller is tried while the line is too long.
_CUTS: Final = (4096, 1024, 256, 64)
# The last resort, without fields: at most 16 texts of 40 characters, each of 6 bytes when escaped, are 4 KB.
_BARE: Final = 16

_COLOURS: Final = {"D": "2", "I": "32", "W": "33", "E": "31", "C": "1;31"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a record says, plain and without secrets, not yet cut."""

    at: datetime
    level: str
    logger: str
    message: str
    fields: dict[str, object]
    error: str
    stack: list[str]


def json_line(record: logging.LogRecord) -> str:
    """One JSON object: ts, level, logger, msg, fields; where there is an exception, error and stack."""
    said = _said(record)
    return _fitting(lambda longest: _json(said, longest))


def text_line(record: logging.LogRecord, *, colour: bool = False) -> str:
    """One line for people: local time, the level's letter, the message, `key=value` pairs."""
    said = _said(record)
    return _fitting(lambda longest: _text(said, longest, colour=colour))


def _said(record: logging.LogRecord) -> _Said:
    error = record.exc_info[1] if record.exc_info else None
    return _Said(
        at=datetime.fromtimestamp(record.created, tz=UTC),
        level=redacted_text(record.levelname),
        logger=redacted_text(record.name),
        message=redacted_text(written(record.msg, record.getMessage)),
        fields=plain_fields(getattr(record, "fields", None)),
        error=redacted_text(chain(error)) if error else "",
        stack=stack(error) if error else [],
    )


def _fitting(line: Callable[[int], str]) -> str:
    """The line with the longest values that keep it within bounds."""
    for longest in _CUTS:
        made = line(longest)
        if len(made) <= LONGEST_LINE_BYTES and len(made.encode()) <= LONGEST_LINE_BYTES:
            return made
    return line(_BARE)


def _json(said: _Said, longest: int) -> str:
    document = {
        "ts": said.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": said.level,
        "logger": said.logger,
        "msg": said.message,
        "fields": _fields(said, longest),
        **({"error": said.error, "stack": said.stack} if said.error else {}),
    }
    # ASCII only, so no invisible character is left but DEL.
    return json.dumps(cut(document, longest), separators=(",", ":")).replace("\x7f", "\\u007f")


def _text(said: _Said, longest: int, *, colour: bool) -> str:
    letter = said.level[:1] if said.level[:1] in _COLOURS else "?"
    mark = f"\x1b[{_COLOURS.get(letter, '0')}m{letter}\x1b[0m" if colour else letter
    origin = {"error": said.error, "at": said.stack[-1]} if said.stack else {"error": said.error} if said.error else {}
    pairs = (_pair(name, cut(value, longest)) for name, value in {**_fields(said, longest), **origin}.items())
    return " ".join((f"{said.at.astimezone():%H:%M:%S}", mark, inert(str(cut(said.message, longest))), *pairs))


def _fields(said: _Said, longest: int) -> dict[str, object]:
    return {"omitted": len(said.fields)} if longest == _BARE else said.fields


def _pair(key: str, value: object) -> str:
    """`key=value`: the value as JSON would have it, without the quotes where it is a plain word."""
    name = "".join(char if char.isprintable() and char not in ' ="' else "_" for char in key) or "_"
    if isinstance(value, str) and value and value.isprintable() and not set(value) & set(' ="\\'):
        return f"{name}={value}"
    quoted = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    visible = (char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f") for char in quoted)
    return f"{name}={''.join(visible)}"

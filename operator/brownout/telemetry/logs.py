"""Logging, configured once: every logger of the process, kopf's and asyncio's included, ends in one handler.

A message is constant and what varies stands in fields: `log.info("step", extra={"fields": {"integration": key}})`, or
`event(log, logging.INFO, "step", integration=key)`. What lines look like and how they get out is the business of
`lines` and `log_writer`.
"""

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from brownout.core.errors import InvalidInput
from brownout.telemetry.lines import json_line, text_line
from brownout.telemetry.log_writer import LineWriter

__all__ = ["LineHandler", "LogFormat", "LogPipeline", "configure", "event", "level_of"]

OURS: Final = "brownout"
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class LogFormat(StrEnum):
    """How a record is written. Auto is text in a terminal and JSON elsewhere."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class LineHandler(logging.Handler):
    """Makes a line of each record and hands it on. It never raises and never waits."""

    def __init__(self, line_of: Callable[[logging.LogRecord], str], write: Callable[[str], None]) -> None:
        super().__init__()
        self._line_of = line_of
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; where even that fails, that it could not be written."""
        try:
            line = self._line_of(record)
        except Exception as error:  # noqa: BLE001 - a record must not end what it tells of
            line = self._line_of(_record(logging.ERROR, "a log record was lost", {"error": type(error).__name__}))
        self._write(line)


class LogPipeline:
    """The configured logging, for whoever has to end it."""

    def __init__(self, handler: LineHandler, writer: LineWriter) -> None:
        self._handler = handler
        self._writer = writer

    def close(self, *, timeout_s: float = 1.0) -> None:
        """Write out what waits, bounded in time, and take the handler away."""
        logging.getLogger().removeHandler(self._handler)
        self._writer.close(timeout_s=timeout_s)


def configure(
    *,
    log_format: LogFormat,
    level: int,
    terminal: bool,
    environ: Mapping[str, str],
    foreign_level: int = logging.WARNING,
    descriptor: int = 2,
) -> LogPipeline:
    """Send every record of the process to `descriptor` and to nothing else.

    `level` is for our own loggers, `foreign_level` for all others; `terminal` tells whether the descriptor is one.
    Colours only in a terminal, and not where NO_COLOR is set (no-color.org: to anything but the empty string).
    """
    text = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and terminal)
    colour = text and terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def line_of(record: logging.LogRecord) -> str:
        return text_line(record, colour=colour) if text else json_line(record)

    writer = LineWriter(descriptor, dropped_line=lambda count: line_of(_dropped_record(count)))
    handler = LineHandler(line_of, writer.write)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(foreign_level)
    logging.getLogger(OURS).setLevel(level)
    logging.captureWarnings(capture=True)
    return LogPipeline(handler, writer)


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log a constant message with what varies as fields; those that are None are left out."""
    if logger.isEnabledFor(level):
        known = {name: value for name, value in fields.items() if value is not None}
        logger.log(level, message, extra={"fields": known})


def level_of(word: str) -> int:
    """The level that a word names. Raises InvalidInput."""
    if word.lower() not in LEVELS:
        raise InvalidInput(f'"{word}" is not a log level', advice=f"use one of {', '.join(LEVELS)}")
    return LEVELS[word.lower()]


def _dropped_record(count: int) -> logging.LogRecord:
    return _record(logging.WARNING, "log records were dropped", {"count": count})


def _record(level: int, message: str, fields: Mapping[str, object]) -> logging.LogRecord:
    name = logging.getLevelName(level)
    return logging.makeLogRecord({"name": OURS, "levelno": level, "levelname": name, "msg": message, "fields": fields})

"""Logging as the process has it: one handler for all, in the form that the place asks for."""

import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.core.errors import InvalidInput
from brownout.telemetry.logs import LineHandler, LogFormat, configure, event, level_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Logging is of the whole process: put it back."""
    root, ours = logging.getLogger(), logging.getLogger("brownout")
    kept = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = kept
    logging.captureWarnings(capture=False)


class Captured:
    """What the process logs while it is open, as its lines."""

    def __init__(self, log_format: LogFormat, *, terminal: bool = False, environ: dict[str, str] | None = None) -> None:
        self._reading, writing = os.pipe()
        self._writing = writing
        self._pipeline = configure(
            log_format=log_format, level=logging.INFO, terminal=terminal, environ=environ or {}, descriptor=writing
        )

    def lines(self) -> list[str]:
        """End it, and give what came."""
        self._pipeline.close()
        os.close(self._writing)
        with os.fdopen(self._reading, encoding="utf-8") as file:
            return file.read().splitlines()


@pytest.mark.usefixtures("kept_logging")
def test_foreign_loggers_pass_through_at_warning() -> None:
    """Kopf's and asyncio's warnings come in our form, their chatter does not; ours comes from INFO on."""
    captured = Captured(LogFormat.JSON)
    logging.getLogger("kopf.objects").info("chatter")
    logging.getLogger("kopf.objects").warning("handler %s failed", "x")
    logging.getLogger("asyncio").error("task died")
    logging.getLogger("brownout.engine").info("decision")
    logging.getLogger("brownout.engine").debug("detail")
    records = [json.loads(line) for line in captured.lines()]
    assert [(record["logger"], record["msg"]) for record in records] == [
        ("kopf.objects", "handler x failed"),
        ("asyncio", "task died"),
        ("brownout.engine", "decision"),
    ]


@pytest.mark.usefixtures("kept_logging")
def test_python_warnings_are_records_too() -> None:
    """Nothing writes past the handler."""
    captured = Captured(LogFormat.JSON)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    assert [json.loads(line)["logger"] for line in captured.lines()] == ["py.warnings"]


@pytest.mark.usefixtures("kept_logging")
@pytest.mark.parametrize(
    ("log_format", "terminal", "environ", "form"),
    [
        (LogFormat.AUTO, True, {}, "colour"),
        (LogFormat.AUTO, True, {"NO_COLOR": "1"}, "text"),
        (LogFormat.AUTO, True, {"NO_COLOR": ""}, "colour"),
        (LogFormat.AUTO, True, {"TERM": "dumb"}, "text"),
        (LogFormat.AUTO, False, {}, "json"),
        (LogFormat.TEXT, False, {}, "text"),
        (LogFormat.JSON, True, {}, "json"),
    ],
)
def test_the_form_follows_the_place(
    log_format: LogFormat, *, terminal: bool, environ: dict[str, str], form: str
) -> None:
    """Text in a terminal, JSON elsewhere, colours where they are wanted; what is asked for outranks that."""
    captured = Captured(log_format, terminal=terminal, environ=environ)
    event(logging.getLogger("brownout.x"), logging.INFO, "hello", integration="voice", nothing=None)
    (line,) = captured.lines()
    assert {"colour": "\x1b[32mI\x1b[0m hello integration=voice", "text": " I hello integration=voice"}.get(
        form, '"msg":"hello","fields":{"integration":"voice"}'
    ) in line


@pytest.mark.usefixtures("kept_logging")
def test_configuring_twice_writes_once() -> None:
    """The last configuration is the only one."""
    first, second = Captured(LogFormat.JSON), Captured(LogFormat.JSON)
    logging.getLogger("brownout.x").warning("hello")
    assert (len(first.lines()), len(second.lines())) == (0, 1)


def test_a_record_that_cannot_be_written_does_not_raise() -> None:
    """What fails is told in its place."""
    written: list[str] = []

    def line_of(record: logging.LogRecord) -> str:
        if record.msg == "bad":
            raise RecursionError
        return str(record.msg)

    handler = LineHandler(line_of, written.append)
    handler.handle(logging.makeLogRecord({"msg": "bad"}))
    assert written == ["a log record was lost"]


@pytest.mark.parametrize(("word", "level"), [("debug", 10), ("INFO", 20), ("Warning", 30), ("error", 40)])
def test_levels_have_words(word: str, level: int) -> None:
    """The usual four, in any case."""
    assert level_of(word) == level


def test_an_unknown_level_says_which_are_known() -> None:
    """A slip of the pen is the owner's to mend, and told so."""
    with pytest.raises(InvalidInput, match="use one of debug, info, warning, error"):
        level_of("loud")


SCRIPT = """
import logging, os
from brownout.telemetry.logs import LogFormat, configure
pipeline = configure(log_format=LogFormat.JSON, level=10, terminal=False, environ={})
for number in range(20000):
    logging.getLogger("brownout.x").info("line", extra={"fields": {"number": number, "pad": "x" * 200}})
os.write(1, b"done")
pipeline.close(timeout_s=0.05)
"""


def test_a_process_whose_log_nobody_reads_goes_on_and_ends() -> None:
    """20 000 records into a pipe that stands still: the work is done and the process ends by itself, well."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    argv = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"done"
        assert process.wait(timeout=30) == 0

"""One record is one line that parses, whatever is in it."""

import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.telemetry.lines import LONGEST_LINE_BYTES, json_line, text_line

CANARY = "cAnArY7f3e9b1d"

# Everything that str can hold, lone surrogates included, and the worst of it more often.
HOSTILE = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\r\n\x1b\x00\x7f\x85\u2028\u202e\u2066\"'=\\ ")
)
VALUES = st.recursive(
    HOSTILE | st.integers() | st.floats() | st.booleans() | st.none() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(HOSTILE, VALUES, max_size=6)


def make_record(
    message: Any = "step", fields: Any = None, error: BaseException | None = None, **more: Any
) -> logging.LogRecord:
    """A record as a log call makes it."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    about = {"name": "brownout.engine", "levelname": "INFO", "levelno": 20, "msg": message, "created": 1767323045.5}
    return logging.makeLogRecord({**about, "fields": fields or {}, "exc_info": exc_info, **more})


def fail_twice() -> None:
    """Raise an error that another one caused."""
    try:
        int("x\ny")
    except ValueError as error:
        raise OSError("cannot\nread") from error


class Broken:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@given(message=HOSTILE, fields=FIELDS, name=HOSTILE)
def test_json_is_one_line_that_parses(message: str, fields: dict[str, Any], name: str) -> None:
    """Any message, fields and name give one JSON object of visible ASCII within bounds."""
    line = json_line(make_record(message, fields, name=name))
    assert re.fullmatch(r"[ -~]+", line)
    assert len(line) <= LONGEST_LINE_BYTES
    assert set(json.loads(line)) == {"ts", "level", "logger", "msg", "fields"}


@given(message=HOSTILE, fields=FIELDS, colour=st.booleans())
def test_text_is_one_visible_line(message: str, fields: dict[str, Any], *, colour: bool) -> None:
    """Any message and fields give one line without a character that a terminal obeys, but for our own colour."""
    line = text_line(make_record(message, fields), colour=colour)
    assert line.replace("\x1b[32mI\x1b[0m", "I", 1).isprintable()
    assert len(line.encode()) <= LONGEST_LINE_BYTES


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}x", fullmatch=True), HOSTILE, max_size=4))
def test_json_says_what_was_said(fields: dict[str, str]) -> None:
    """Short values come through to the letter."""
    assert json.loads(json_line(make_record("step", fields)))["fields"] == fields


@given(HOSTILE)
def test_a_text_value_can_be_read_back(value: str) -> None:
    """What stands behind `key=` is a plain word or a JSON string of the value."""
    written = text_line(make_record("step", {"detail": value})).partition("detail=")[2]
    assert (json.loads(written) if written.startswith('"') else written) == value


@pytest.mark.parametrize("line_of", [json_line, text_line])
@pytest.mark.parametrize(
    "fields",
    [
        {"detail": "x" * 1_000_000},
        {"detail": "💥" * 100_000},
        {f"key-{number}": "y" * 1000 for number in range(1000)},
        {"deep": [[["z" * 9999] * 99] * 99] * 99},
        {"n" * 10_000: 1},
    ],
    ids=["a megabyte", "wide characters", "many fields", "deep", "a long key"],
)
def test_a_huge_value_is_cut(line_of: Any, fields: dict[str, Any]) -> None:
    """A line is bounded whatever it tells of, and still says which event it was."""
    line = line_of(make_record("step", fields))
    assert len(line.encode()) <= LONGEST_LINE_BYTES
    assert "step" in line


@pytest.mark.parametrize("fields", [{"detail": "x" * 5000}, {"list": list(range(300))}, {"pad": ["y" * 9999] * 9}])
def test_what_was_cut_says_so(fields: dict[str, Any]) -> None:
    """A reader sees that there was more."""
    assert "[cut]" in json_line(make_record("step", fields))


def test_a_line_in_a_terminal_reads_well() -> None:
    """Time, level, message, then what varies; quotes only where they are needed."""
    line = text_line(make_record("step", {"integration": "voice", "message": "RAM 81 %", "seconds": 0.3}))
    assert re.fullmatch(r'\d\d:\d\d:\d\d I step integration=voice message="RAM 81 %" seconds=0.3', line)


@pytest.mark.parametrize("line_of", [json_line, text_line])
@pytest.mark.parametrize(
    "record",
    [
        make_record("%d", args=("x",)),
        make_record(Broken()),
        make_record("step", {"value": Broken(), "list": [Broken()]}),
        make_record("step", {Broken: 1}),
        make_record("step", ["no mapping"]),
        make_record("step", {"number": 10**5000, "nan": float("nan")}),
        make_record("step", error=ValueError(Broken())),
    ],
    ids=["wrong format", "message", "value", "key", "fields", "numbers", "exception"],
)
def test_a_value_that_cannot_be_shown_costs_only_itself(line_of: Any, record: logging.LogRecord) -> None:
    """The record is written all the same."""
    assert line_of(record).isprintable()


@pytest.mark.parametrize("line_of", [json_line, text_line])
def test_an_exception_is_part_of_its_line(line_of: Any) -> None:
    """It names the error, its cause and where it came from, without a traceback of many lines."""
    with pytest.raises(OSError, match="cannot") as raised:
        fail_twice()
    line = line_of(make_record("failed", error=raised.value))
    assert "OSError: cannot" in line
    assert "<- ValueError" in line
    assert re.search(r"test_lines\.py:\d+ fail_twice", line)
    assert line.isprintable()


@pytest.mark.parametrize("line_of", [json_line, text_line])
@pytest.mark.parametrize(
    "record",
    [
        make_record(f"GET https://u:{CANARY}@host/"),
        make_record("got %s", args=(f"token={CANARY}",)),
        make_record("step", {"env": {"API_KEY": CANARY}, "argv": ["--password", CANARY]}),
        make_record("step", {"headers": {"Authorization": f"Bearer {CANARY}"}}),
        make_record("step", error=RuntimeError(f"{{'password': '{CANARY}'}}")),
        make_record("step", {"error": RuntimeError(f"Authorization: Basic {CANARY}")}),
        make_record("step", {"detail": "x" * 4080 + f" password={CANARY}"}),
        make_record("step", {f"token={CANARY}": 1}),
        make_record("step", name=f"kopf.https://u:{CANARY}@host"),
    ],
)
def test_a_secret_never_shows(line_of: Any, record: logging.LogRecord) -> None:
    """Messages, arguments, fields, keys, names and exceptions pass redaction, also where the cut falls."""
    assert CANARY[:6] not in line_of(record)

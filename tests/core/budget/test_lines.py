"""What a wrapped program says, line by line: read in whatever pieces it comes, and garbage named and survived."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget.lines import MOST_COUNTED, Garbage, LineReader, Report

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def read(data: bytes) -> tuple[Report | Garbage, ...]:
    """All of it at once."""
    reader = LineReader()
    return (*reader.feed(data), *reader.close())


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ("tokens=120 api_call=1 progress=0.4", Report(tokens=120, api_calls=1, progress=0.4)),
        ("api_calls=3", Report(api_calls=3)),
        ("api_call=true", Report(api_calls=1)),
        ("tokens=1e3", Report(tokens=1000)),
        ("  tokens=1\t progress=1  \r", Report(tokens=1, progress=1.0)),
        ("", Report()),
        ("{}", Report()),
        ('{"tokens": 7, "apiCalls": 2, "progress": 0}', Report(tokens=7, api_calls=2, progress=0.0)),
        ('{"checkpoint": {"page": [1, null]}}', Report(checkpoint='{"page":[1,null]}')),
        ('{"checkpoint": null}', Report(checkpoint="null")),
    ],
)
def test_words_and_json_mean_the_same(line: str, report: Report) -> None:
    """Both forms have the same names; an empty line reports nothing."""
    assert read(line.encode() + b"\n") == (report,)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello world", "a word in it is no name=value"),
        (b"tokens=-1", "tokens must be a whole number from 0 to"),
        (b"tokens=1.5", "tokens must be a whole number"),
        (b"tokens=nan", "tokens must be a whole number"),
        (b"tokens=1_000", "tokens must be a whole number"),
        (b"tokens=", "tokens must be a whole number"),
        (b"tokens=9999999999999", "tokens must be a whole number"),
        (b"progress=1.01", "progress must be a number from 0 to 1"),
        (b"tokens=1 tokens=2", '"tokens" is given twice'),
        (b"api_call=1 api_calls=2", "api_calls is given twice"),
        (b"tokens=5 tokns=1 progress=x", 'unknown name "tokns" (known are tokens, api_calls, '),
        (b"checkpoint=1", "checkpoint needs a JSON line"),
        (b"\xff\xfe", "it is no text in UTF-8"),
        (b"{", "it is no JSON object: "),
        (b"[1]", "a word in it is no name=value"),
        (b'{"tokens": true}', "tokens must be a whole number"),
        (b'{"tokens": "x"}', "tokens must be a whole number"),
        (b'{"tokens": 1, "tokens": 2}', "a name is given twice"),
        (b'{"tokens": NaN}', "NaN is no number of JSON"),
        (b'{"checkpoint": 1e999}', "checkpoint Out of range float values are not JSON compliant"),
        (b"[" * 100_000, "a word in it is no name=value"),
        (b'{"checkpoint": ' + b"[" * 100_000, "it is nested too deeply"),
        (b"\x1b[31m=1", 'unknown name "\\x1b[31m"'),
    ],
)
def test_garbage_is_named_and_the_next_line_counts(line: bytes, why: str) -> None:
    """What is wrong is told without the values, and dropped whole: half a line is never counted."""
    found = read(line + b"\ntokens=1\n")
    garbage, after = found
    assert isinstance(garbage, Garbage)
    assert garbage.line == 1
    assert garbage.why.startswith(why), garbage.why
    assert after == Report(tokens=1)


def test_a_line_that_is_too_long_is_dropped_to_its_end() -> None:
    """It is told once, nothing of it is kept, and its tail is not taken for a line."""
    reader = LineReader(longest_bytes=20)
    assert reader.feed(b"x" * 15) == ()
    assert reader.feed(b"x" * 15) == (Garbage(line=1, why="it is longer than 20 bytes"),)
    assert reader.feed(b" tokens=5") == ()
    assert reader.feed(b"\ntokens=1\n") == (Report(tokens=1),)
    assert reader.close() == ()


def test_a_line_that_is_cut_does_not_count() -> None:
    """`tokens=12` may be the beginning of `tokens=120`."""
    reader = LineReader()
    assert reader.feed(b"tokens=1\ntokens=12") == (Report(tokens=1),)
    assert reader.close() == (Garbage(line=2, why="the stream ended in the middle of it"),)
    assert read(b"tokens=1\n  ") == (Report(tokens=1),)


@given(
    data=st.lists(
        st.sampled_from([b"tokens=5\n", b'{"progress": 0.5}\n', b"\n", b"junk\n", b"\xc3\xa4=1\n", b"to"])
    ).map(b"".join)
)
def test_pieces_do_not_matter(data: bytes) -> None:
    """One byte at a time says the same as all at once."""
    reader = LineReader()
    found = [each for index in range(len(data)) for each in reader.feed(data[index : index + 1])]
    assert (*found, *reader.close()) == read(data)


@given(data=st.binary(max_size=200))
def test_no_bytes_are_too_much_for_it(data: bytes) -> None:
    """Whatever comes is a report or garbage, a line each."""
    assert len(read(data + b"\n")) == data.count(b"\n") + 1


def test_of_a_known_name_the_value_is_told_and_not_the_names() -> None:
    """`progress=40` was meant as per cent: what it may be and what it was, and nothing of names that are right."""
    assert read(b"progress=40\n") == (Garbage(line=1, why='progress must be a number from 0 to 1, not "40"'),)


@given(tokens=st.integers(0, MOST_COUNTED), progress=st.floats(0, 1), state=VALUES)
def test_what_is_written_as_json_is_read(tokens: int, progress: float, state: object) -> None:
    """A checkpoint is any JSON, and comes back the same."""
    (found,) = read(json.dumps({"tokens": tokens, "progress": progress, "checkpoint": state}).encode() + b"\n")
    assert isinstance(found, Report)
    assert (found.tokens, found.progress) == (tokens, progress)
    assert json.loads(found.checkpoint or "") == state

"""Durations on the wire: Go's grammar, with a unit always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.quantities import InvalidDuration, format_duration, parse_duration


@given(st.integers(0, 10**9 * 1000))
def test_what_is_written_reads_back_as_it_was(milliseconds: int) -> None:
    """parse(format(x)) == x for every duration in milliseconds, up to the longest."""
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.floats(0, 1e9))
def test_writing_is_exact_to_the_nanosecond(seconds: float) -> None:
    """No duration changes by more than a nanosecond (or its last bit) when it is written."""
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-9, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("0s", 0),
        ("100ms", 0.1),
        ("1m0.5s", 60.5),
        ("250us", 0.00025),
        ("1ns", 1e-09),
        ("90m", 5400),
        ("1s1s", 2),
    ],
)
def test_the_grammar_is_that_of_kubernetes(text: str, seconds: float) -> None:
    """Units add up, in any order, with fractions."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.25, "250ms"), (30, "30s"), (300, "5m"), (5400, "1h30m"), (120.5, "2m0.5s")]
)
def test_a_duration_is_written_as_one_would(seconds: float, text: str) -> None:
    """The short form of people, not of Go: 5m and not 5m0s."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "30",
        "5 m",
        " 5m",
        "5m ",
        "5m\n",
        "-5m",
        "+5m",
        "5min",
        "5M",
        "m",
        ".5s",
        "1.s",
        "1e3s",
        "1d",
        "5mm",
        "1000000000.5s",
        "99999999h",
        "1" * 5000 + "s",
        chr(0x665) + "m",
        "5m\x00",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A bare number, a sign, a space, an unknown unit or more than 31 years is refused, with what is allowed."""
    with pytest.raises(InvalidDuration, match="must be"):
        parse_duration(text)

"""Memory on the wire: Kubernetes' own grammar, exact both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.quantities import (
    InvalidQuantity,
    approximate_bytes,
    format_measured,
    format_quantity,
    parse_quantity,
)
from tests.strategies import memory_bytes, quantities

GIB = 2**30


@given(memory_bytes())
def test_what_is_written_reads_back_as_it_was(size_bytes: int) -> None:
    """parse(format(x)) == x for every amount of memory."""
    assert parse_quantity(format_quantity(size_bytes)) == size_bytes


@given(quantities())
def test_writing_what_was_read_changes_nothing_more(text: str) -> None:
    """Written again, a quantity keeps its meaning, and its second writing is its first."""
    written = format_quantity(parse_quantity(text))
    assert parse_quantity(written) == parse_quantity(text)
    assert format_quantity(parse_quantity(written)) == written


@given(memory_bytes())
def test_a_measured_amount_is_stable_once_rounded(size_bytes: int) -> None:
    """Rounding twice is rounding once: a status that is read back is written as it was."""
    once = format_measured(size_bytes)
    assert once == "8Ei" or format_measured(parse_quantity(once)) == once


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("1", 1),
        (7, 7),
        ("512Mi", 512 * 2**20),
        ("4Gi", 4 * GIB),
        ("1.5Gi", 3 * GIB // 2),
        (".5Gi", GIB // 2),
        ("5.Ki", 5120),
        ("+1Ki", 1024),
        ("128k", 128_000),
        ("1G", 10**9),
        ("1E", 10**18),
        ("1E3", 1000),
        ("1e3", 1000),
        ("15e-1", 2),
        ("1500m", 2),
        ("1n", 1),
        ("7Ei", 7 * 2**60),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_the_grammar_is_kubernetes_own(text: str | int, size_bytes: int) -> None:
    """Each suffix and exponent means what it means to Kubernetes; parts of a byte are rounded up."""
    assert parse_quantity(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "-1Gi",
        "1 Gi",
        "1gi",
        "1GB",
        "1K",
        "1GiB",
        "Gi",
        ".",
        "1e",
        "1e400",
        "8Ei",
        "9223372036854775808",
        "1_000",
        "0x10",
        "1,5Gi",
        "½Gi",
        chr(0x661) + "Gi",
        "NaN",
        "inf",
        "1Gi\n",
        "1" * 5000,
        -1,
        2**63,
        True,
        None,
        1.5,
    ],
)
def test_what_is_no_memory_is_refused(text: object) -> None:
    """A wrong unit, a sign, a space or an overflow is told from a quantity, with what is allowed."""
    with pytest.raises(InvalidQuantity, match="512Mi"):
        parse_quantity(text)  # type: ignore[arg-type]  # that is the law


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 B"), (1023, "1023 B"), (2_040_109_466, "1.9 GiB"), (87 * 2**20 + 2**19, "87.5 MiB"), (GIB - 1, "1 GiB")],
)
def test_people_read_one_decimal(size_bytes: int, words: str) -> None:
    """An amount of memory is told with one decimal and the largest unit that leaves at least one."""
    assert approximate_bytes(size_bytes) == words


@given(st.integers(0, 2**60))
def test_rounding_is_within_a_twentieth_of_a_unit(size_bytes: int) -> None:
    """What people read is never further from the truth than half of its last digit (or one byte)."""
    read = parse_quantity(format_measured(size_bytes))
    assert abs(read - size_bytes) <= max(1.0, size_bytes * 0.0501)

"""Rows on their way to the disk: in order, bounded, and never two batches at once."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from brownout.history.ring import Ring
from brownout.history.rows import OutcomeRow, Row, SampleRow
from tests.history.world import make_sample


def decision_row(number: int) -> OutcomeRow:
    """A row that matters."""
    return OutcomeRow(decision_id=number, at=0.0, status="Done", detail="")


def sample_row(number: int) -> SampleRow:
    """A row that matters less."""
    return SampleRow(sample=make_sample(float(number)), levels={})


def rows_of(kinds: Sequence[bool]) -> list[Row]:
    """A row of each kind, in order."""
    return [decision_row(i) if matters else sample_row(i) for i, matters in enumerate(kinds)]


def test_a_batch_stays_until_it_is_settled() -> None:
    """What was taken is taken again, the same, until it is known to be written."""
    ring = Ring()
    for number in range(5):
        ring.add(decision_row(number))
    first = ring.take(2, wait_s=0)
    ring.add(decision_row(5))
    assert ring.take(10, wait_s=0) == first
    assert len(ring) == 6
    ring.settle()
    assert ring.take(10, wait_s=0) == tuple(decision_row(number) for number in range(2, 6))


def test_an_empty_ring_gives_nothing() -> None:
    """Taking does not wait for ever."""
    assert Ring().take(10, wait_s=0.001) == ()


@given(kinds=st.lists(st.booleans(), max_size=40), bound=st.integers(1, 10))
def test_order_holds_and_what_matters_stays_longest(kinds: list[bool], bound: int) -> None:
    """Whatever comes: order is kept, the bound too, what is dropped is counted, and no decision before a sample."""
    ring, rows = Ring(bound), rows_of(kinds)
    for row in rows:
        before = ring.pending()
        kept_all = ring.add(row)
        gone = [old for old in before if old not in ring.pending()]
        assert len(gone) == (0 if kept_all else 1)
        assert not any(isinstance(old, OutcomeRow) for old in gone) or not any(isinstance(o, SampleRow) for o in before)
    pending = list(ring.pending())
    assert pending == [row for row in rows if row in pending]
    assert len(pending) == min(len(rows), bound)
    assert ring.lost == len(rows) - len(pending)

"""What a status says of each level, and that it says it quietly."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.status import IntegrationStatus
from brownout.core.level_record import UNTRIED
from brownout.core.level_status import level_statuses
from brownout.core.quiet import TOLERANCE
from tests.core.test_level_record import leveled, made
from tests.worlds import NOW, bytes_of, make_member

EMPTY = IntegrationStatus()


def test_each_level_has_its_figures_and_why_it_is_not_chosen() -> None:
    """Memory as measured, times and failures of its requests; what is not known is absent."""
    failing = UNTRIED.served(made(100, 60), now=NOW)
    member = replace(leveled(small=failing), unfit=frozenset({2}))
    large, medium, small = level_statuses(member, EMPTY)
    assert (large.name, large.memory, large.response_ms, large.message) == ("level-0", bytes_of(10.0), None, "")
    assert medium.failure_percent is None
    assert (small.response_ms, small.failure_percent) == (50.0, 60.0)
    assert 50.0 <= (small.p95_ms or 0.0) <= 60.0
    assert small.message == "60 % of its requests failed"
    assert level_statuses(make_member("bot"), EMPTY) == ()


@given(st.integers(20, 400), st.integers(0, 20))
def test_figures_that_breathe_write_nothing(requests: int, more: int) -> None:
    """Within a tenth the status is the same, so that an idle cluster sees no writes."""
    before = level_statuses(leveled(medium=UNTRIED.served(made(requests, 0, ms=100.0), now=NOW)), EMPTY)
    grown = leveled(medium=UNTRIED.served(made(requests, 0, ms=100.0 + TOLERANCE * more / 3.0), now=NOW))
    assert level_statuses(grown, IntegrationStatus(levels=before)) == before

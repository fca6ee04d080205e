"""OK, Approaching, Exceeded: at the bounds the worse side, and never back without a raised limit."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.core.budget.assessment import BudgetState, assess
from brownout.core.budget.limits import MOST, Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.usage import NOTHING_USED, Usage
from tests.core.budget import drawn

ORDER = list(BudgetState)


@given(drawn.limits(), drawn.usages(), drawn.usages())
def test_a_state_never_goes_back(limits: Limits, before: Usage, more: Usage) -> None:
    """More usage is never a better state, for the run and for each limit of it."""
    first, second = assess(limits, before), assess(limits, before + more)
    assert ORDER.index(second.state) >= ORDER.index(first.state)
    assert set(first.exceeded) <= set(second.exceeded)
    assert set(first.approaching) <= {*second.approaching, *second.exceeded}


@given(drawn.limits(), drawn.usages(), st.integers(0, 1000))
def test_only_a_raised_limit_takes_exceeded_back(limits: Limits, usage: Usage, lower: int) -> None:
    """A lowered limit leaves the run exceeded; one above the usage clears it."""
    assume(Measure.TOKENS in assess(limits, usage).exceeded and usage.tokens < MOST)
    assert limits.tokens is not None
    assert Measure.TOKENS in assess(replace(limits, tokens=min(lower, limits.tokens)), usage).exceeded
    assert Measure.TOKENS not in assess(replace(limits, tokens=usage.tokens + 1), usage).exceeded


@given(st.integers(1, 10**6), st.integers(1, 100))
def test_the_bounds_belong_to_the_worse_side(hundredth: int, percent: int) -> None:
    """At exactly so many percent: Approaching, one token less: OK; at exactly the limit: Exceeded."""
    limit = hundredth * 100
    limits = Limits(tokens=limit, warn_percent=percent)
    states = [assess(limits, Usage(tokens=hundredth * percent - less)).state for less in (0, 1)]
    assert states == [BudgetState.EXCEEDED if percent == 100 else BudgetState.APPROACHING, BudgetState.OK]
    assert assess(limits, Usage(tokens=limit)).state is BudgetState.EXCEEDED
    assert assess(limits, Usage(tokens=limit - 1)).state is not BudgetState.EXCEEDED


@pytest.mark.parametrize(
    ("elapsed_s", "state"),
    [(2879.999, "OK"), (2880.0, "Approaching"), (3599.999, "Approaching"), (3600.0, "Exceeded"), (9e8, "Exceeded")],
)
def test_the_bounds_of_time(elapsed_s: float, state: str) -> None:
    """80 % of an hour is 48 minutes."""
    assert assess(Limits(duration="1h"), Usage(elapsed_s=elapsed_s)).state == state


@given(drawn.usages())
def test_without_limits_everything_is_ok(usage: Usage) -> None:
    """What is absent limits nothing."""
    found = assess(Limits(), usage)
    assert (found.state, found.approaching, found.exceeded) == (BudgetState.OK, (), ())
    assert all(line.limit is line.percent is line.remaining is None for line in found.lines.values())


def test_zero_allows_none() -> None:
    """Nothing used of nothing allowed is OK; any use of it is Exceeded."""
    limits = Limits(tokens=0)
    assert assess(limits, NOTHING_USED).state is BudgetState.OK
    used = assess(limits, Usage(tokens=1))
    assert used.exceeded == (Measure.TOKENS,)
    assert used.lines[Measure.TOKENS].percent == math.inf


@given(drawn.limits(), drawn.usages())
def test_the_state_is_the_worst_of_the_lists_and_the_lines_add_up(limits: Limits, usage: Usage) -> None:
    """No limit stands in both lists; used and remaining make the limit, unless more is used than allowed."""
    found = assess(limits, usage)
    assert not set(found.approaching) & set(found.exceeded)
    worst = BudgetState.EXCEEDED if found.exceeded else BudgetState.APPROACHING if found.approaching else BudgetState.OK
    assert found.state is worst
    for line in found.lines.values():
        if line.limit is not None and line.remaining is not None:
            assert line.remaining == (line.limit - line.used if line.used <= line.limit else 0)


def test_each_limit_may_warn_at_a_percent_of_its_own() -> None:
    """Tokens warn at 50 %, the rest at 80 %."""
    limits = Limits(tokens=100, api_calls=100, warn_percents={Measure.TOKENS: 50})
    assert assess(limits, Usage(tokens=50, api_calls=79)).approaching == (Measure.TOKENS,)

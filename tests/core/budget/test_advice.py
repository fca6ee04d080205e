"""Whether to go on: requirement B4 to the letter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget.advice import Advice, should_continue
from brownout.core.budget.assessment import BudgetState, assess
from brownout.core.budget.limits import Limits
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput
from tests.core.budget import drawn

LIMITS = Limits(tokens=100)
PROGRESS = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("tokens", "progress", "advice"),
    [
        (79, 0.0, Advice.CONTINUE),
        (79, 1.0, Advice.CONTINUE),
        (80, 0.80, Advice.FINISH),
        (80, 0.7999, Advice.STOP_GRACEFULLY),
        (99, 0.85, Advice.FINISH),
        (99, None, Advice.STOP_GRACEFULLY),
        (100, 0.99, Advice.STOP_EXCEEDED),
        (100, 1.0, Advice.STOP_EXCEEDED),
    ],
)
def test_the_table_of_the_requirement(tokens: int, progress: float | None, advice: Advice) -> None:
    """OK: yes; Approaching: yes from 80 % on, else gracefully no; Exceeded: no."""
    assert should_continue(assess(LIMITS, Usage(tokens=tokens)), progress) is advice


@given(drawn.limits(), drawn.usages(), drawn.usages(), PROGRESS | st.none())
def test_there_is_no_continue_after_exceeded(limits: Limits, usage: Usage, more: Usage, progress: float | None) -> None:
    """Once a limit is reached, no usage and no progress leads on."""
    if assess(limits, usage).state is BudgetState.EXCEEDED:
        assert not should_continue(assess(limits, usage + more), progress, limits.finish_percent).go


@given(drawn.limits(), drawn.usages(), PROGRESS, PROGRESS)
def test_more_progress_never_stops_a_run(limits: Limits, usage: Usage, one: float, other: float) -> None:
    """Whoever may go on with less done may go on with more."""
    assessment = assess(limits, usage)
    low, high = sorted((one, other))
    if should_continue(assessment, low, limits.finish_percent).go:
        assert should_continue(assessment, high, limits.finish_percent).go


@given(st.integers(1, 100))
def test_exactly_the_percent_to_finish_is_enough(percent: int) -> None:
    """29 % of the work is enough where 29 are asked for, though 100 * 0.29 is less than 29 in floats."""
    assessment = assess(LIMITS, Usage(tokens=90))
    progress = float(f"{percent / 100:.2f}")
    assert should_continue(assessment, progress, percent) is Advice.FINISH
    assert should_continue(assessment, math.nextafter(progress, 0.0), percent) is Advice.STOP_GRACEFULLY


@given(drawn.limits(), drawn.usages(), PROGRESS)
def test_whoever_is_asked_to_stop_stops(limits: Limits, usage: Usage, progress: float) -> None:
    """Gracefully where no limit is reached."""
    assessment = assess(limits, usage)
    advice = should_continue(assessment, progress, stop_asked=True)
    exceeded = assessment.state is BudgetState.EXCEEDED
    assert advice is (Advice.STOP_EXCEEDED if exceeded else Advice.STOP_GRACEFULLY)


@pytest.mark.parametrize("bad", [math.nan, -0.01, 1.01, math.inf, True, "0.5", 85])
def test_a_progress_that_is_none_is_refused(bad: float) -> None:
    """85 instead of 0.85 must not count as done."""
    with pytest.raises(InvalidInput, match=r"progress: Invalid value: .*from 0 to 1"):
        should_continue(assess(LIMITS, Usage()), bad)

"""Strategies for budgets: limits, usage and assessments of every kind."""

from hypothesis import strategies as st

from brownout.core.budget.limits import MOST, Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.usage import Usage

PERCENTS = st.integers(1, 100).map(float) | st.floats(0.1, 100.0)


def limits(most: int = 1000) -> st.SearchStrategy[Limits]:
    """Limits near the usages below, any of them absent or zero."""
    return st.builds(
        Limits,
        duration_s=st.none() | st.floats(0.0, most),
        tokens=st.none() | st.integers(0, most),
        api_calls=st.none() | st.integers(0, most),
        warn_percent=PERCENTS,
        warn_percents=st.dictionaries(st.sampled_from(Measure), PERCENTS),
        finish_percent=PERCENTS,
    )


def usages(most: int = 1000) -> st.SearchStrategy[Usage]:
    """Amounts near those limits, seldom huge."""
    counts = st.integers(0, most) | st.integers(0, MOST)
    return st.builds(Usage, elapsed_s=st.floats(0.0, most), tokens=counts, api_calls=counts)

"""Limits: absent, zero, text or number; all that is wrong is named at once; usage only grows."""

import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.duration_text import format_duration
from brownout.core.budget.document import limits_document, limits_from
from brownout.core.budget.limits import MOST, InvalidLimits, Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.errors import InvalidInput
from tests.core.budget import drawn


def test_a_time_may_be_written_as_text_or_as_seconds() -> None:
    """One hour is one hour."""
    assert Limits(duration="1h", checkpoint_every="5m") == Limits(duration=3600) == Limits(duration_s=3600.0)


@given(st.integers(0, 10**9))
def test_every_duration_that_we_write_is_read_back(seconds: int) -> None:
    """The text of a number of seconds means that number."""
    assert Limits(duration=format_duration(seconds)).duration_s == seconds


def test_absent_is_no_limit_and_zero_is_one() -> None:
    """None and 0 are not the same."""
    limits = Limits(tokens=0)
    assert (limits.of(Measure.TOKENS), limits.of(Measure.API_CALLS)) == (0, None)


def test_all_problems_are_named_at_once() -> None:
    """Path, value and what is allowed, for each wrong limit."""
    with pytest.raises(InvalidLimits) as refusal:
        Limits(
            duration="1 hour",
            tokens=-1,
            api_calls=True,
            warn_percent=0,
            warn_percents={"tokns": 5, Measure.TOKENS: 101},  # type: ignore[dict-item]
            finish_percent=math.nan,
            checkpoint_every="0s",
        )
    text = str(refusal.value)
    names = ["duration", "tokens", "api_calls", "warn_percent", "warn_percents", "finish_percent", "checkpoint_every"]
    assert [name for name in names if f"{name}: Invalid value" not in text] == []
    assert '"1 hour"' in text
    assert "duration, tokens, apiCalls" in text


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 1e10, True, "", "5", [], {}])
def test_a_duration_that_is_none_is_refused(bad: object) -> None:
    """No NaN, infinity, negative or unitless time."""
    with pytest.raises(InvalidLimits, match="duration: Invalid value"):
        Limits(duration=bad)  # type: ignore[arg-type]


@given(drawn.limits())
def test_limits_survive_json_and_another_process(limits: Limits) -> None:
    """A document says all of them, and they can be sent to a worker."""
    assert limits_from(limits_document(limits)) == limits
    assert pickle.loads(pickle.dumps(limits)) == limits  # noqa: S301 - our own bytes


@given(drawn.limits(), st.integers(0, 1000))
def test_a_document_changes_only_what_it_names(limits: Limits, tokens: int) -> None:
    """Raising one limit leaves the others as they are."""
    assert limits_from({"tokens": tokens}, over=limits) == replace(limits, tokens=tokens)


def test_a_document_is_refused_in_its_own_words() -> None:
    """Unknown fields and bad values, by the wire's names."""
    with pytest.raises(InvalidInput, match=r'unknown field "api_calls".*; apiCalls: Invalid value: -1'):
        limits_from({"api_calls": 5, "apiCalls": -1})


@given(drawn.usages(), drawn.usages())
def test_usage_never_falls(before: Usage, more: Usage) -> None:
    """Whatever is added, no measure has less afterwards."""
    after = before + more
    assert all(after.of(measure) >= max(before.of(measure), more.of(measure)) for measure in Measure)
    assert before + NOTHING_USED == before


@pytest.mark.parametrize("bad", [{"tokens": -1}, {"api_calls": 1.5}, {"tokens": True}, {"tokens": MOST + 1}])
def test_a_record_is_never_negative_or_absurd(bad: dict[str, int]) -> None:
    """A count is a whole number from 0 on."""
    with pytest.raises(InvalidInput, match=r"Invalid value: .*must be a whole number"):
        Usage(**bad)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_time_is_never_negative_or_broken(bad: float) -> None:
    """Neither is time."""
    with pytest.raises(InvalidInput, match="elapsed_s"):
        Usage(elapsed_s=bad)

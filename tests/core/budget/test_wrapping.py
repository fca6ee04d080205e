"""What a wrapped program is told, and what the wrapper's exit code says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget.advice import Advice
from brownout.core.budget.limits import Limits
from brownout.core.budget.points import Point
from brownout.core.budget.run import Ending, RunRecord
from brownout.core.budget.usage import Usage
from brownout.core.budget.wrapping import EXIT_CODES, Standing, exit_code, sentence, standing_document, wrapped_advice

RUN = RunRecord(id=1, name="agent", limits=Limits(tokens=100), opened_at=0.0, seen_at=0.0)
PROGRESS = st.none() | st.floats(0, 1)


def used(tokens: int) -> RunRecord:
    """A run of 100 tokens of which so many are used."""
    return replace(RUN, usage=Usage(tokens=tokens))


@given(tokens=st.integers(0, 79), progress=PROGRESS, strict=st.booleans())
def test_within_the_limits_it_goes_on(tokens: int, progress: float | None, *, strict: bool) -> None:
    """Whatever it says of itself."""
    assert wrapped_advice(used(tokens), progress, strict=strict) is Advice.CONTINUE


@given(tokens=st.integers(80, 99), progress=st.floats(0, 1), strict=st.booleans())
def test_who_says_how_far_it_is_may_finish_from_80_percent_on(tokens: int, progress: float, *, strict: bool) -> None:
    """At exactly 80 % too; below it stops gracefully."""
    advice = Advice.FINISH if progress >= 0.8 else Advice.STOP_GRACEFULLY
    assert wrapped_advice(used(tokens), progress, strict=strict) is advice


@given(tokens=st.integers(80, 99))
def test_who_never_says_it_goes_on_to_the_limit_unless_strict(tokens: int) -> None:
    """Told to finish meanwhile."""
    assert wrapped_advice(used(tokens), None, strict=False) is Advice.FINISH
    assert wrapped_advice(used(tokens), None, strict=True) is Advice.STOP_GRACEFULLY


@given(tokens=st.integers(100, 10**6), progress=PROGRESS, strict=st.booleans(), asked=st.booleans())
def test_nothing_goes_on_over_the_limit(tokens: int, progress: float | None, *, strict: bool, asked: bool) -> None:
    """At exactly 100 % too."""
    run = replace(used(tokens), stop_asked_at=1.0 if asked else None)
    assert wrapped_advice(run, progress, strict=strict) is Advice.STOP_EXCEEDED


@given(tokens=st.integers(0, 99), progress=PROGRESS, strict=st.booleans())
def test_who_is_asked_to_stop_stops(tokens: int, progress: float | None, *, strict: bool) -> None:
    """Also one that is nearly done."""
    assert not wrapped_advice(replace(used(tokens), stop_asked_at=1.0), progress, strict=strict).go


@pytest.mark.parametrize(
    ("run", "progress", "said"),
    [
        (used(10), 0.1, "within its limits"),
        (used(85), 0.9, "approaching a limit (tokens: 85 of 100 (85.0 %), 15 remaining): finish, begin nothing new"),
        (used(85), 0.4, "approaching a limit (tokens: 85 of 100 (85.0 %), 15 remaining) with 40 % done: keep partial"),
        (used(120), 0.9, "the limit of tokens is reached (tokens: 120 of 100 (120.0 %), 0 remaining): stop now"),
        (replace(used(1), stop_asked_at=5.0), None, "somebody asked it to stop: keep partial results and end"),
    ],
)
def test_it_is_told_why_with_the_numbers(run: RunRecord, progress: float | None, said: str) -> None:
    """One sentence; the document holds it beside the figures."""
    standing = Standing(run=run, progress=progress, advice=wrapped_advice(run, progress, strict=False))
    assert sentence(standing).startswith(said)
    document = standing_document(standing)
    assert document["advice"] == {"continue": standing.advice.go, "what": str(standing.advice), "progress": progress}
    assert (document["message"], document["usage"]["tokens"]["limit"]) == (sentence(standing), 100)


def test_who_says_how_far_it_is_learns_whether_its_limits_will_do() -> None:
    """From its own steps; who does not is told nothing of it."""
    points = tuple(Point(progress=step / 10, usage=Usage(tokens=20 * step)) for step in range(1, 5))
    run = used(80)
    standing = Standing(run=run, progress=0.4, advice=wrapped_advice(run, 0.4, strict=False), points=points)
    assert standing_document(standing)["completion"]["possible"] is False
    assert standing_document(replace(standing, points=()))["completion"] is None


@given(status=st.integers(-64, 255))
def test_the_programs_own_end_passes_through_as_a_shell_says_it(status: int) -> None:
    """Also where it completed; a signal is 128 and its number."""
    assert exit_code(None, status) == exit_code(Ending.COMPLETED, status) == (status if status >= 0 else 128 - status)


@given(status=st.integers(-64, 255))
def test_what_we_stopped_has_codes_of_its_own(status: int) -> None:
    """None of them is one of a shell, of a signal or of our other commands, and no two are the same."""
    codes = [exit_code(ending, status) for ending in EXIT_CODES]
    assert len(set(codes)) == len(EXIT_CODES)
    assert not {0, 1, 2, 3, 4, 5, 125, 126, 127, 130} & set(codes)
    assert all(code < 128 for code in codes)

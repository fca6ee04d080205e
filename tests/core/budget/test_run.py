"""Time counts while a run is open, each second once; names, endings and the words of the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget.advice import Advice
from brownout.core.budget.document import run_document
from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Ending, RunRecord, checked_name, checkpoint_due, ending_of
from brownout.core.budget.spans import Span, covered_s, folded, merged
from brownout.core.budget.summary import summary
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda p: Span(p[0], p[0] + p[1])), max_size=30)


@given(SPANS)
def test_each_second_counts_once(spans: list[Span]) -> None:
    """The measure is the number of seconds that any span holds, however many hold it."""
    seconds = {second for span in spans for second in range(int(span.start), int(span.end))}
    assert covered_s(spans) == len(seconds)


@given(SPANS, SPANS)
def test_time_never_falls_and_merging_changes_nothing(spans: list[Span], more: list[Span]) -> None:
    """More spans are no less time; a span added to the merged ones counts as if added to all."""
    assert covered_s([*spans, *more]) >= covered_s(spans)
    assert merged([*merged(spans), *more]) == merged([*spans, *more])


@given(SPANS, st.integers(1, 5))
def test_folding_keeps_the_time(spans: list[Span], most: int) -> None:
    """Of a run that crashed often the oldest gaps are forgotten, not the seconds, and not the newest gaps."""
    found = folded(spans, most)
    assert len(found) <= most
    assert covered_s(found) == covered_s(spans)
    assert found == merged(found)
    assert found[1:] == merged(spans)[max(1, len(merged(spans)) - most + 1) :]


def test_a_gap_after_a_crash_does_not_count() -> None:
    """Killed with its last sign of life at 100, resumed at 500: 100 s and what comes after."""
    assert covered_s([Span(0, 100), Span(500, 550)]) == 150


@pytest.mark.parametrize("bad", ["", " x", "x ", "a\nb", "-x", "a" * 101, "a\x1bb", "_"])
def test_a_name_that_no_table_should_hold_is_refused(bad: str) -> None:
    """One line, 1 to 100 characters, no controls."""
    with pytest.raises(InvalidInput, match="name: Invalid value"):
        checked_name(bad)


@pytest.mark.parametrize("good", ["x", "nightly", "agent run 7", "größe", "a/b:c@d+e", "a" * 100, "x_1.2-3"])
def test_other_names_are_good(good: str) -> None:
    """What people write."""
    assert checked_name(good) == good


def test_the_ending_follows_the_last_advice() -> None:
    """Told to go on: completed. Told to stop: stopped by what told it."""
    endings = [ending_of(advice, stop_asked=False) for advice in Advice]
    assert endings == [Ending.COMPLETED, Ending.COMPLETED, Ending.STOPPED_GRACEFULLY, Ending.STOPPED_EXCEEDED]
    assert ending_of(Advice.STOP_GRACEFULLY, stop_asked=True) is Ending.STOPPED_ON_REQUEST


def test_a_checkpoint_is_due_at_the_interval() -> None:
    """Every 300 s unless told otherwise."""
    assert [checkpoint_due(Limits(), last_at=1000.0, now=now) for now in (1299.9, 1300.0)] == [False, True]


def a_run(**fields: object) -> RunRecord:
    """A run that has used some."""
    given_fields: dict[str, object] = {
        "id": 7,
        "name": "nightly",
        "limits": Limits(duration="1h", tokens=1_000_000),
        "usage": Usage(elapsed_s=2712.44, tokens=1_000_000, api_calls=41),
        "opened_at": 1_767_323_045.0,
        "seen_at": 1_767_325_757.0,
        "checkpoints": 9,
    }
    return RunRecord(**{**given_fields, **fields})  # type: ignore[arg-type]


def test_the_summary_says_it_all() -> None:
    """Used, limit, per cent, remaining, checkpoints, and what stopped it."""
    text = summary(a_run(ended_at=1_767_325_757.0, stopped_by=Ending.STOPPED_EXCEEDED))
    assert text.splitlines() == [
        "Run nightly: stopped, the limit of tokens is reached",
        "  time      45m12.4s of 1h (75.3 %), 14m47.6s remaining",
        "  tokens    1,000,000 of 1,000,000 (100.0 %), 0 remaining",
        "  API calls 41, no limit",
        "  9 checkpoints",
    ]


@pytest.mark.parametrize("ending", [*Ending, None])
@pytest.mark.parametrize("sessions", [0, 1])
def test_every_way_to_end_has_words_of_its_own(ending: Ending | None, sessions: int) -> None:
    """No two say the same, and JSON says the same as the text."""
    run = a_run(stopped_by=ending, ended_at=1.0 if ending else None, sessions=sessions)
    others = [a_run(stopped_by=other, ended_at=1.0) for other in Ending if other is not ending]
    assert summary(run) not in {summary(other) for other in others}
    assert run_document(run)["stoppedBy"] == (str(ending) if ending else None)
    assert ("interrupted" in summary(run)) is run_document(run)["interrupted"] or ending is Ending.ABANDONED


def test_json_knows_no_infinity() -> None:
    """Used of none allowed: the percent is null."""
    run = a_run(limits=Limits(tokens=0))
    assert run_document(run)["usage"]["tokens"] == {"used": 1_000_000, "limit": 0, "percent": None, "remaining": 0}


def test_the_summary_says_what_was_asked_of_it_and_how_its_program_ended() -> None:
    """Open and asked to stop is more than open; a program that ended with 7 is not cut off. What stopped it stands."""
    asked = summary(a_run(stop_asked_at=1_767_325_757.0, sessions=1))
    assert asked.splitlines()[0].split(": ", 1)[1].startswith("open, asked to stop; ")
    cut = a_run(sessions=0)
    assert ": its program ended with 7, can be resumed; " in summary(cut, status=7)
    assert summary(cut, status=-9) == summary(cut, status=0) == summary(cut)
    done = a_run(ended_at=1_767_325_757.0, stopped_by=Ending.STOPPED_EXCEEDED)
    assert summary(done, status=7) == summary(done)

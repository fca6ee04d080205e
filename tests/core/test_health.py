"""Health: what checks in a row say together, in words that do not change while nothing does."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.reasons import Circuit, Health
from brownout.core.breaker import CLOSED
from brownout.core.health import (
    KEPT,
    LATELY_S,
    NEVER,
    Answer,
    Check,
    HealthRecord,
    Wellbeing,
    after,
    ails,
    found_since,
    phase,
    wrong,
)
from tests.worlds import NOW

OK = Check(answer=Answer.OK, at=NOW, took_s=0.01)
SLOW = Check(answer=Answer.SLOW, at=NOW, took_s=0.3, why="an answer takes longer than 200ms")
FAILED = Check(answer=Answer.FAILED, at=NOW, why="connection refused on port 9000")
BLOCKED = Check(answer=Answer.BLOCKED, at=NOW, why="no descriptor is left")

answers = st.builds(
    Check,
    answer=st.sampled_from(Answer),
    at=st.just(NOW),
    took_s=st.none() | st.floats(allow_nan=True),
    why=st.just("x"),
)


def seen(*checks: Check, threshold: int = 3, record: HealthRecord = NEVER) -> HealthRecord:
    """The record after these."""
    for check in checks:
        record = after(record, check, threshold=threshold)
    return record


@pytest.mark.parametrize(
    ("checks", "health"),
    [
        ((), Health.UNKNOWN),
        ((FAILED, FAILED), Health.UNKNOWN),
        ((FAILED, FAILED, FAILED), Health.UNHEALTHY),
        ((OK,), Health.HEALTHY),
        ((OK, FAILED, FAILED), Health.HEALTHY),
        ((OK, FAILED, FAILED, FAILED), Health.UNHEALTHY),
        ((OK, FAILED, FAILED, OK, FAILED, FAILED), Health.HEALTHY),
        ((FAILED, FAILED, FAILED, OK), Health.HEALTHY),
        ((OK, SLOW, FAILED, SLOW), Health.UNHEALTHY),
        ((OK, BLOCKED, BLOCKED), Health.HEALTHY),
        ((OK, BLOCKED, BLOCKED, BLOCKED), Health.UNKNOWN),
        ((FAILED, BLOCKED, FAILED, BLOCKED, FAILED), Health.UNHEALTHY),
    ],
)
def test_checks_in_a_row_decide(checks: tuple[Check, ...], health: Health) -> None:
    """Three that do not pass in time, one after the other, and not fewer; what could not be made says nothing."""
    assert seen(*checks).health is health


def test_it_flaps_and_stays_what_it_was() -> None:
    """Passing at every second check it is healthy, and the errors are counted all the same (fault P-16)."""
    record = seen(*[OK, FAILED] * 50)
    assert (record.health, record.errors, record.checks) == (Health.HEALTHY, 50, 100)


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ((FAILED,) * 3, "3 checks in a row failed: connection refused on port 9000"),
        ((FAILED,) * 30, "3 checks in a row failed: connection refused on port 9000"),
        ((SLOW,) * 4, "3 checks in a row were too slow: an answer takes longer than 200ms"),
        ((FAILED, SLOW, FAILED), "3 checks in a row failed or were too slow: connection refused on port 9000"),
        ((FAILED,), "not known yet: connection refused on port 9000"),
        ((BLOCKED,), "cannot be checked: no descriptor is left"),
        ((OK,), ""),
        ((), ""),
    ],
)
def test_it_says_why(checks: tuple[Check, ...], words: str) -> None:
    """With the reason that the check gave; the sentence does not count on, or each check would write a status."""
    assert wrong(seen(*checks)) == words


def test_one_failure_can_be_enough() -> None:
    """Where its owner says so."""
    assert wrong(seen(FAILED, threshold=1)) == "its last check failed: connection refused on port 9000"


def test_the_latency_is_of_the_last_ones() -> None:
    """The p95 by nearest rank of 60: three of sixty that are slow do not move it, four do, and old ones go."""
    quick = [Check(answer=Answer.OK, at=NOW, took_s=0.01)] * KEPT
    assert seen(*quick, *[SLOW] * 3).latency_s == 0.01
    assert seen(*quick, *[SLOW] * 4).latency_s == 0.3
    assert seen(*[SLOW] * KEPT, *quick).latency_s == 0.01
    assert NEVER.latency_s is None


@given(st.lists(answers, max_size=200), st.integers(1, 10))
def test_any_row_of_checks_is_counted_soundly(checks: list[Check], threshold: int) -> None:
    """Whatever comes: totals add up, memory is bounded, and unhealthy means the threshold in a row, healthy fewer."""
    record = seen(*checks, threshold=threshold)
    made = [check for check in checks if check.answer is not Answer.BLOCKED]
    assert record.checks == len(made)
    assert record.errors + record.slow + sum(check.answer is Answer.OK for check in made) == len(made)
    assert len(record.recent_s) <= KEPT
    assert all(math.isfinite(took) and took >= 0.0 for took in record.recent_s)
    assert record.slow_in_row <= record.in_row
    if record.health is Health.UNHEALTHY:
        assert record.in_row >= threshold
    if record.health is Health.HEALTHY:
        assert record.in_row < threshold
    assert bool(wrong(record)) or record.health is not Health.UNHEALTHY


def test_it_suffers_only_after_it_was_well_until_lately() -> None:
    """What never worked, and what has been down for long, is no evidence of the pressure of now (requirement D6)."""
    fell = seen(OK, *[FAILED] * 3)
    assert ails(fell, now=NOW + 10.0).startswith("is unhealthy for 10 s (3 checks in a row failed")
    assert ails(fell, now=NOW + LATELY_S + 1.0) == ""
    assert ails(seen(*[FAILED] * 3), now=NOW) == ""
    assert ails(seen(OK, record=fell), now=NOW) == ""


def test_what_came_between_two_looks_is_told_apart() -> None:
    """Only that; and of a record that began anew all of it, never a negative count."""
    first, later = seen(OK, FAILED), seen(OK, FAILED, FAILED, OK)
    found = found_since(first, Wellbeing(record=later, breaker=CLOSED))
    assert (found.checks, found.errors, found.health) == (2, 1, Health.HEALTHY)
    anew = found_since(later, Wellbeing(record=first, breaker=CLOSED))
    assert (anew.checks, anew.errors, anew.circuit) == (2, 1, Circuit.CLOSED)


@given(st.text())
def test_every_key_has_a_place(key: str) -> None:
    """From 0 to below 1, and the same each time."""
    assert 0.0 <= phase(key) < 1.0
    assert phase(key) == phase(key)


def test_places_are_spread() -> None:
    """Of 500 integrations no tenth of the period gets more than twice its share, though their names are alike."""
    tenths = [int(10 * phase(f"default/worker-{number}")) for number in range(500)]
    assert max(tenths.count(tenth) for tenth in range(10)) <= 100

"""The circuit breaker: it opens on enough failures in a row, gives one trial, and counts nothing twice or too late."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brownout.api.reasons import Circuit
from brownout.core.breaker import (
    CLOSED,
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    STEADY_S,
    TRANSITIONS,
    Admission,
    Breaker,
    Permit,
    Source,
    ask,
    doubled,
    given_back,
    tell,
    turned,
)
from tests.worlds import NOW

THRESHOLD = 3
TRIAL_S = 5.0


def asked(breaker: Breaker, *, now: float = NOW, source: Source = Source.CHECK) -> tuple[Breaker, Permit]:
    """Ask it."""
    return ask(breaker, source, now=now, within_s=TRIAL_S, wait=doubled)


def failed(breaker: Breaker, *, now: float = NOW, source: Source = Source.CHECK, times: int = 1) -> Breaker:
    """So many failures, each of one who was let in."""
    for _ in range(times):
        breaker, permit = asked(breaker, now=now, source=source)
        breaker = tell(breaker, permit, "it is down", now=now, threshold=THRESHOLD, wait=doubled)
    return breaker


def succeeded(breaker: Breaker, *, now: float = NOW, source: Source = Source.CHECK) -> Breaker:
    """A success of one who was let in."""
    breaker, permit = asked(breaker, now=now, source=source)
    return tell(breaker, permit, None, now=now, threshold=THRESHOLD, wait=doubled)


def test_the_table_names_every_state_and_comes_back() -> None:
    """Each state is left and reached, and from each there is a way to Closed: a breaker is never stuck by its table."""
    befores, afters = {before for before, _ in TRANSITIONS}, set(TRANSITIONS.values())
    assert befores == afters == set(Circuit)
    reached = {Circuit.CLOSED}
    for _ in Circuit:
        reached |= {before for (before, _), then in TRANSITIONS.items() if then in reached}
    assert reached == set(Circuit)


def test_it_opens_at_the_threshold() -> None:
    """Two failures do nothing, the third opens it, and says why."""
    assert failed(CLOSED, times=2).circuit is Circuit.CLOSED
    opened = failed(CLOSED, times=3)
    assert (opened.circuit, opened.why, opened.retry_at) == (Circuit.OPEN, "it is down", NOW + FIRST_WAIT_S)


def test_a_success_between_them_begins_the_count_anew() -> None:
    """They must be in a row."""
    assert failed(succeeded(failed(CLOSED, times=2)), times=2).circuit is Circuit.CLOSED


def test_a_check_that_passes_does_not_excuse_requests_that_fail() -> None:
    """Three failed requests open it, whatever the checks between them say; and checks cannot close what they opened."""
    breaker = CLOSED
    for _ in range(3):
        breaker = succeeded(failed(breaker, source=Source.REQUEST))
    assert (breaker.circuit, breaker.opened_by) == (Circuit.OPEN, Source.REQUEST)
    later = breaker.retry_at + 1.0
    breaker, permit = asked(breaker, now=later)
    assert (breaker.circuit, permit.admission) == (Circuit.HALF_OPEN, Admission.REFUSED)
    assert succeeded(breaker, now=later, source=Source.REQUEST).closed


def test_a_lost_trial_opens_it_again() -> None:
    """Who got the trial and never came back has failed; what it says later is not heard."""
    waiting = failed(CLOSED, times=3)
    trying, permit = asked(waiting, now=waiting.retry_at)
    assert permit.admission is Admission.TRIAL
    late = trying.retry_at + TRIAL_S
    lost = turned(trying, now=late, wait=doubled)
    assert (lost.circuit, lost.openings) == (Circuit.OPEN, 2)
    assert tell(lost, permit, None, now=late, threshold=THRESHOLD, wait=doubled) is lost


def test_a_trial_that_was_not_used_is_free_again() -> None:
    """Whoever gives it back has learned nothing: the next one gets it at once; one that is late changes nothing."""
    waiting = failed(CLOSED, times=3)
    trying, permit = asked(waiting, now=waiting.retry_at)
    freed = given_back(trying, permit)
    again, other = asked(freed, now=waiting.retry_at)
    assert other.admission is Admission.TRIAL
    assert given_back(turned(again, now=again.retry_at + TRIAL_S, wait=doubled), permit).circuit is Circuit.OPEN
    closed, usual = asked(CLOSED)
    assert given_back(closed, usual) is closed


def test_waits_grow_until_it_has_proved_itself() -> None:
    """5, 10, 20, 30, 30 s while it keeps falling; after a minute closed the next wait is the first again."""
    breaker, waits = failed(CLOSED, times=3), []
    for _ in range(5):
        waits.append(breaker.retry_at - breaker.since)
        breaker = failed(breaker, now=breaker.retry_at)
    assert waits == [5.0, 10.0, 20.0, 30.0, 30.0]
    closed = succeeded(breaker, now=breaker.retry_at)
    soon, much_later = closed.since + STEADY_S - 1.0, closed.since + STEADY_S
    assert failed(closed, now=soon, times=3).retry_at == soon + LONGEST_WAIT_S
    assert failed(closed, now=much_later, times=3).retry_at == much_later + FIRST_WAIT_S


@given(openings=st.integers(1, 10**6))
def test_the_wait_is_bounded_and_never_shrinks(openings: int) -> None:
    """Between the first and the longest, whatever the count."""
    assert FIRST_WAIT_S <= doubled(openings) <= doubled(openings + 1) <= LONGEST_WAIT_S


@given(threshold=st.integers(1, 50), successes=st.integers(0, 5))
def test_a_closed_one_needs_the_threshold(threshold: int, successes: int) -> None:
    """One failure fewer leaves it closed, and one more opens it, whatever went well before."""
    breaker = CLOSED
    for _ in range(successes):
        breaker = succeeded(breaker)
    for _ in range(threshold):
        assert breaker.closed
        breaker, permit = asked(breaker)
        breaker = tell(breaker, permit, "down", now=NOW, threshold=threshold, wait=doubled)
    assert breaker.circuit is Circuit.OPEN


def test_nothing_is_made_anew_for_an_answer_that_changes_nothing() -> None:
    """The usual case, a success of a closed one, costs no copy."""
    assert succeeded(CLOSED) is CLOSED


class AnyLife(RuleBasedStateMachine):
    """Any order of asking, answering, never answering, and time: the laws hold at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = CLOSED, NOW
        self.open_permits: list[Permit] = []
        self.trials: Counter[int] = Counter()

    @rule(source=st.sampled_from(Source))
    def somebody_asks(self, source: Source) -> None:
        """An open circuit never serves, and a half-open one gives one trial in its era."""
        before = turned(self.breaker, now=self.now, wait=doubled)
        self.breaker, permit = asked(self.breaker, now=self.now, source=source)
        if before.circuit is Circuit.OPEN:
            assert not permit.granted
        if permit.admission is Admission.TRIAL:
            self.trials[permit.era] += 1
        assert permit.granted or before.circuit is not Circuit.CLOSED
        self.open_permits.append(permit)

    @precondition(lambda self: self.open_permits)
    @rule(which=st.integers(0, 10**6), well=st.booleans())
    def somebody_tells(self, which: int, *, well: bool) -> None:
        """Only an answer of this era can change anything."""
        permit = self.open_permits.pop(which % len(self.open_permits))
        before = self.breaker
        self.breaker = tell(before, permit, None if well else "down", now=self.now, threshold=THRESHOLD, wait=doubled)
        if permit.era != before.era or not permit.granted:
            assert self.breaker is before

    @rule(seconds=st.floats(0.0, 100.0))
    def time_passes(self, seconds: float) -> None:
        """Time alone opens nothing that is closed."""
        self.now += seconds
        closed = self.breaker.closed
        self.breaker = turned(self.breaker, now=self.now, wait=doubled)
        assert self.breaker.closed is closed

    @invariant()
    def at_most_one_trial_in_an_era(self) -> None:
        """The thundering herd is one."""
        assert all(count == 1 for count in self.trials.values())

    @invariant()
    def it_is_never_stuck(self) -> None:
        """Once the wait and the trial are over, whoever is entitled gets a trial."""
        later = self.now + LONGEST_WAIT_S + TRIAL_S
        source = replace(self.breaker).opened_by
        breaker = turned(turned(self.breaker, now=later, wait=doubled), now=later + LONGEST_WAIT_S, wait=doubled)
        assert asked(breaker, now=later + LONGEST_WAIT_S, source=source)[1].granted


TestAnyLife = AnyLife.TestCase


@pytest.mark.parametrize("late", [Source.CHECK, Source.REQUEST])
def test_who_was_let_in_before_it_opened_does_not_count(late: Source) -> None:
    """Eight requests at once fail: three open it, the other five neither lengthen the wait nor close it."""
    breaker, permits = CLOSED, []
    for _ in range(8):
        breaker, permit = asked(breaker, source=late)
        permits.append(permit)
    for permit in permits:
        breaker = tell(breaker, permit, "down", now=NOW, threshold=THRESHOLD, wait=doubled)
    assert (breaker.circuit, breaker.openings, breaker.opened) == (Circuit.OPEN, 1, 1)

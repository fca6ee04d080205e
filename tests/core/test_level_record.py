"""What is remembered of a level: requests, times, failures, and switches in vain; and what follows from it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.choice import choose
from brownout.core.level_record import FAILING_REST_S, FEWEST_REQUESTS, LONGEST_REST_S, UNTRIED, LevelRecord
from brownout.core.member import Member
from brownout.core.rates import Served
from brownout.core.response_times import NO_TIMES, STEPS, between, quantile_ms, step_of, together
from brownout.core.restore import can_return
from brownout.core.shed import descent
from tests.builders import make_policy
from tests.worlds import NOW, make_hold, make_member, make_path, make_snapshot

TIMES = st.lists(st.floats(1.0, 50_000.0), min_size=1, max_size=60)
BY_COST = make_policy(decide={"strategy": "ExpectedCost"}, restore={"strategy": "WhenItFits"}).spec


def counted(times: list[float]) -> tuple[int, ...]:
    """Make the counts of these response times."""
    return tuple(sum(step_of(ms) == step for ms in times) for step in range(STEPS))


def made(requests: int, errors: int, *, ms: float = 50.0) -> Served:
    """Make what was served: so many requests, of which so many failed, each taking as long."""
    return Served(requests=requests, errors=errors, response_ms=ms, times=counted([ms] * requests))


@given(TIMES)
def test_a_percentile_is_never_too_low_and_at_most_a_fifth_too_high(times: list[float]) -> None:
    """The steps grow by 19 %: so exact is the percentile that is read from counts of them."""
    exact = sorted(times)[max(1, -(-95 * len(times) // 100)) - 1]
    found = quantile_ms(counted(times), 0.95)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.19


@given(TIMES, TIMES)
def test_counts_add_up_and_come_apart_again(one: list[float], other: list[float]) -> None:
    """What came between two readings is what was added, and together they are all."""
    first, second = counted(one), counted(other)
    assert together(first, second) == counted([*one, *other])
    assert between(first, together(first, second)) == second
    assert between((), first) == together((), first) == first


def test_of_nothing_nothing_is_known() -> None:
    """No requests have no percentile, no mean and no share of failures; and they change nothing."""
    assert quantile_ms(NO_TIMES, 0.95) is None
    assert (UNTRIED.failure_share, UNTRIED.response_ms, UNTRIED.p95_ms) == (None, None, None)
    assert UNTRIED.served(Served(requests=0, errors=0), now=NOW) is UNTRIED
    assert UNTRIED.reliability() == 1.0


@given(st.integers(1, 5000), st.data())
def test_its_figures_are_those_of_its_requests(requests: int, data: st.DataObject) -> None:
    """Mean, percentile and share of failures, also after more requests than are remembered."""
    errors = data.draw(st.integers(0, requests))
    record = UNTRIED.served(made(requests, errors), now=NOW).served(made(requests, errors), now=NOW)
    assert record.response_ms == pytest.approx(50.0)
    assert record.p95_ms == pytest.approx(50.0, rel=0.19)
    assert record.failure_share == pytest.approx(errors / requests, abs=1.0 / requests)
    assert 0.0 <= record.reliability() <= 1.0


def test_a_level_fails_when_half_of_enough_requests_fail() -> None:
    """Fewer requests are chance, a smaller share is no reason to leave it; it rests when it was left."""
    few = UNTRIED.served(made(FEWEST_REQUESTS - 1, FEWEST_REQUESTS - 1), now=NOW)
    some = UNTRIED.served(made(100, 49), now=NOW)
    half = UNTRIED.served(made(100, 50), now=NOW)
    assert [record.resting(NOW + 1.0) for record in (few, some, half)] == [False, False, True]
    assert half.why == "50 % of its requests failed"
    assert not half.resting(NOW + FAILING_REST_S)


def test_a_level_fails_when_half_of_enough_checks_fail() -> None:
    """Where nobody counts requests, health checks tell; requests say more where there are any."""
    few, half = UNTRIED.checked(19, 19, now=NOW), UNTRIED.checked(20, 10, now=NOW)
    assert (few.resting(NOW), half.resting(NOW), half.why) == (False, True, "50 % of its checks failed")
    assert (half.failure_share, half.reliability()) == (0.5, 1.0)
    assert half.served(made(10, 1), now=NOW).failure_share == 0.1
    assert half.came_up() == UNTRIED
    assert UNTRIED.checked(0, 0, now=NOW) is UNTRIED


@given(st.integers(1, 40))
def test_each_switch_in_vain_makes_it_rest_twice_as_long(times: int) -> None:
    """1, 2, 4 ... min, at most an hour; one that holds ends it, and is judged anew."""
    record, rests = UNTRIED, []
    for _ in range(times):
        record = record.missed("it fell over", now=NOW)
        rests.append(record.rests_until - NOW)
    assert rests == [min(LONGEST_REST_S, 60.0 * 2.0**miss) for miss in range(times)]
    assert record.came_up() == UNTRIED
    failing = UNTRIED.served(made(100, 90), now=NOW)
    assert (failing.came_up().requests, failing.came_up().resting(NOW)) == (0, False)


# --- what follows ----------------------------------------------------------------------------------------------------


def leveled(*, rung: int = 0, unfit: frozenset[int] = frozenset(), **changes: LevelRecord) -> Member:
    """Make voice with three levels of 10, 6 and 2 %, held at a rung, some of its levels unfit."""
    hold = make_hold(rung) if rung else None
    member = make_member("voice", (10.0, 6.0, 2.0), measured=True, hold=hold, priority=10, weight=3)
    names = ("large", "medium", "small")
    return replace(member, unfit=unfit, records=tuple(changes.get(name, UNTRIED) for name in names))


@given(st.sets(st.integers(0, 2)), st.integers(0, 2))
def test_no_step_leads_to_a_level_that_is_unfit(unfit: set[int], rung: int) -> None:
    """Downward it is passed over, and off stays possible; upward the next one is taken, or none."""
    member = leveled(rung=rung, unfit=frozenset(unfit))
    down = [to for _, to in descent((member,))]
    assert set(down) == {to for to in (1, 2) if to > rung and to not in unfit} | {3}
    up = member.next_rung_up()
    if can_return(member, make_snapshot(50.0, member)):
        assert up < member.rung
        assert up not in unfit
        assert all(other in unfit for other in range(up + 1, member.rung))
    else:
        assert not rung or all(other in unfit for other in range(rung))


def test_what_is_off_returns_at_the_lowest_level_that_works() -> None:
    """An unfit lowest level does not keep it off for ever."""
    off = leveled(rung=3)
    assert [replace(off, unfit=frozenset(unfit)).next_rung_up() for unfit in ((), (2,), (1, 2))] == [2, 1, 0]
    assert not can_return(replace(off, unfit=frozenset((0, 1, 2))), make_snapshot(50.0, off))


def test_prices_value_what_a_level_really_gives() -> None:
    """ExpectedCost lowers to a level that works, and passes over one that fails nearly all of its requests."""
    path = make_path(*[72.0] * 40, half=0.5)  # beside the 10 % of voice: over the threshold, by little, all the time
    bad = LevelRecord(requests=1000, failures=990)

    def best(member: Member) -> dict[str, int]:
        choice = choose(make_snapshot(81.0, member, policy=BY_COST, path=path, ours=10.0))
        assert choice is not None
        return choice.targets()

    assert best(leveled()) == {"voice": 1}
    assert best(leveled(medium=bad)) == {"voice": 2}

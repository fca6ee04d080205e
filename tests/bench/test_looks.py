"""Looks at a real box count what they should: memory, service and flips, for as long as they lasted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.simulate.loop import Tick
from brownout.simulate.plant import THE_FOUR
from brownout.simulate.score import score
from brownout.simulate.traces import TICKS_A_DAY
from tests.bench.looks import Room, Seen, base_by_tick, look_of, record_of, score_of_looks

GIB = 2**30
ROOM = Room(size_bytes=2 * GIB)
SERVES = Seen(lives=True, serves=True, held_bytes=GIB // 10)
STARTS = Seen(lives=True, held_bytes=GIB // 10)
AWAY = Seen()
WEIGHTS = 10.0


def look(*seen: Seen, used: int = GIB) -> Tick:
    """A look at the four; those not named serve."""
    return look_of(ROOM, used, THE_FOUR, [*seen, *[SERVES] * (len(THE_FOUR) - len(seen))])


def scored(looks: Sequence[Tick], looks_a_tick: int = 1) -> tuple[float, float, float, float]:
    """Minutes at or above 80 and 95 %, weighted minutes lost, and flips, in all of the looks."""
    found = score_of_looks(record_of("ours", THE_FOUR, looks), looks_a_tick)
    per_day = (found.minutes_80, found.minutes_95, found.lost_weighted, found.flips)
    return tuple(round(each * found.days, 9) for each in per_day)  # type: ignore[return-value]


def test_the_base_is_what_is_in_use_without_ours() -> None:
    """Base and total are percent of the room, above its floor; the difference is what our programs hold."""
    room = Room(size_bytes=2 * GIB, floor_bytes=GIB)
    seen = look_of(room, 2 * GIB, THE_FOUR, [SERVES, STARTS, AWAY, AWAY])
    assert (seen.total, round(seen.base, 6)) == (50.0, 40.0)


def test_a_threshold_of_the_room_is_the_same_memory_in_percent_of_the_budget() -> None:
    """80 % of the room above a floor is reached at the same byte, whichever of the two it is counted in."""
    room = Room(size_bytes=2 * GIB, floor_bytes=2 * GIB)
    assert room.threshold(80.0) == 90.0
    assert ROOM.threshold(80.0) == 80.0
    assert room.percent(room.budget_bytes * 0.90) == pytest.approx(80.0)


def test_who_starts_is_on_and_serves_nothing() -> None:
    """A program that lives and has not said that it serves holds its place and loses its minutes."""
    seen = look(STARTS, AWAY)
    assert seen.rungs == (0, 1, 0, 0)
    assert seen.serving == (0.0, 0.0, 1.0, 1.0)


def test_a_word_of_the_dead_serves_nothing() -> None:
    """What a program said counts only while its process lives."""
    assert look(Seen(lives=False, serves=True)).serving[0] == 0.0


def test_minutes_count_as_long_as_their_looks() -> None:
    """Two looks of five at 80 % or more are two fifths of half a minute; one of them is at 95 % as well."""
    used = [int(share * 2 * GIB) for share in (0.5, 0.81, 0.96, 0.79, 0.5)]
    assert scored([look(used=each) for each in used], 5) == (0.2, 0.1, 0.0, 0.0)


def test_service_is_lost_as_long_as_its_looks() -> None:
    """Android away (weight 2) for five looks of ten, starting for two of them: half a minute twice over; two flips."""
    looks = [look()] * 3 + [look(SERVES, AWAY)] * 3 + [look(SERVES, STARTS)] * 2 + [look()] * 2
    assert scored(looks, 5) == (0.0, 0.0, 1.0, 2.0)


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=30), st.integers(1, 7))
def test_looking_more_often_changes_nothing(ticks: list[tuple[int, bool]], looks: int) -> None:
    """A box that stands still during its ticks scores what the simulator says, however often it is looked at."""
    once = [look(SERVES if on else AWAY, used=2 * GIB * percent // 100) for percent, on in ticks]
    plain = score(record_of("ours", THE_FOUR, once))
    often = score_of_looks(record_of("ours", THE_FOUR, [each for each in once for _ in range(looks)]), looks)
    assert often.j == pytest.approx(plain.j)
    assert often.days == pytest.approx(len(ticks) / TICKS_A_DAY)


def test_a_moment_between_two_readings_is_no_base() -> None:
    """The base of a tick is the median of its looks: one that caught a program as it ended does not count."""
    looks = [look(used=used) for used in (GIB, GIB, 2 * GIB, GIB, GIB)]
    assert base_by_tick([*looks, *looks], 5) == pytest.approx((30.0, 30.0))

"""Measurements: a start is told from rest, a start's peak is remembered for 8 starts, and growth is seen."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.bookkeeping import return_done, shed_done
from brownout.core.footprint import estimate
from brownout.core.ledger import Ledger, footprints_measured, sampled
from brownout.core.measurements import KEPT, NONE, START_S, STARTS, TRAIL, Look, Measured, drift, relived
from brownout.core.member import Observation, Presence
from brownout.core.plan import Action, Step
from tests.worlds import NOW, POLICY, make_hold, make_sample

TICK_S = POLICY.interval


def _looked(sizes: list[int], *, known: Measured = NONE, at: float = NOW, starting: int = 0) -> Measured:
    """What is known after a step up at an instant and one look at each tick after it."""
    for index, size in enumerate(sizes, start=1):
        look = Look(
            at=at + index * TICK_S,
            size_bytes=size,
            interval_s=TICK_S,
            starting=index <= starting,
            came_up_at=at,
        )
        known = known.seen(look)
    return known


def test_a_start_is_kept_apart_from_rest() -> None:
    """What is measured in the first two minutes is the start's; it moves the peak and leaves rest alone."""
    known = _looked([15, 18, 14, 12, 12])
    assert (known.peaks, known.steady) == ((18,), (12, 12))
    assert (estimate(known).steady_bytes, estimate(known).peak_bytes) == (12, 18)


def test_a_long_start_lasts_until_two_minutes_after_it_was_last_seen() -> None:
    """A workload that says that it starts is not at rest yet, however long it takes."""
    known = _looked([15] * 10 + [20] + [12] * 6, starting=10)
    assert (known.peaks, known.steady) == ((20,), (12,) * 4)


def test_half_an_hour_of_rest_forgets_no_start() -> None:
    """The peak is that of the last starts, however long ago they were; the next return reckons with it."""
    known = _looked([18] * 3 + [12] * (3 * KEPT))
    assert (estimate(known).steady_bytes, estimate(known).peak_bytes) == (12, 18)


def test_eight_smaller_starts_forget_a_large_one() -> None:
    """The peak can fall: after the eighth start of 15 nothing is left of the one of 40."""
    known, peaks = _looked([40, 12, 12, 12, 12]), []
    for count in range(1, STARTS + 1):
        known = _looked([15, 12, 12, 12, 12], known=known, at=NOW + 3600.0 * count)
        peaks.append(estimate(known).peak_bytes)
    assert peaks == [40] * (STARTS - 1) + [15]


@given(lasted=st.floats(0.0, 29.9))
def test_a_start_that_is_cut_short_counts_for_nothing(lasted: float) -> None:
    """Seen for less than a tick it has not shown what it takes, and it pushes no other start out."""
    known = _looked([18] * 5)
    cut = known.seen(Look(at=NOW + 900.0 + lasted, size_bytes=3, interval_s=TICK_S, came_up_at=NOW + 900.0))
    assert (cut.peaks, cut.steady) == (known.peaks, known.steady)
    assert _looked([18] * 5, known=cut, at=NOW + 2000.0).peaks == (18, 18)


@pytest.mark.parametrize("guessed", [3.0, 1.0 / 3.0])
def test_a_wrong_guess_heals_within_three_starts(guessed: float) -> None:
    """A guess wrong by a factor of 3 either way: after three starts of two minutes and a rest both figures are true."""
    known, guess = NONE, round(guessed * 1200)
    assert estimate(known, guess_bytes=guess).peak_bytes == guess
    for count in range(3):
        known = _looked([1700, 1800, 1500, 1210, 1200], known=known, at=NOW + 3600.0 * count)
    found = estimate(known, guess_bytes=guess)
    assert found.steady_bytes == pytest.approx(1200, rel=0.02)
    assert found.peak_bytes == 1800


@given(sizes=st.lists(st.tuples(st.integers(0, 2**40), st.booleans()), max_size=300))
def test_memory_is_bounded(sizes: list[tuple[int, bool]]) -> None:
    """Whatever is measured, 60 sizes at rest, 8 starts and a trail of 20 are kept."""
    known = NONE
    for index, (size, starting) in enumerate(sizes):
        known = known.seen(Look(at=NOW + index * 90.0, size_bytes=size, interval_s=TICK_S, starting=starting))
    assert len(known.steady) <= KEPT
    assert len(known.trail) <= TRAIL
    assert len(known.starts) <= STARTS >= len(known.peaks)


def test_a_clock_that_ran_back_stops_no_measuring() -> None:
    """A start that lies in the future covers nothing: what is measured now is at rest."""
    known = _looked([18, 18])
    before = known.seen(Look(at=NOW - 9e6, size_bytes=12, interval_s=TICK_S, came_up_at=NOW))
    assert before.steady == (12,)
    assert before.seen(Look(at=NOW - 9e6 - 50.0, size_bytes=12, interval_s=TICK_S)).trail == ((NOW - 9e6 - 50.0, 12),)


def _trail(*sizes: float) -> list[tuple[float, int]]:
    return [(NOW + TICK_S * index, round(size)) for index, size in enumerate(sizes)]


@given(per_s=st.integers(-1000, 1000).filter(bool), first=st.integers(10**6, 10**9))
def test_steady_growth_is_measured_exactly(per_s: int, first: int) -> None:
    """A size on a line drifts by the line's slope, up or down."""
    assert drift(_trail(*(first + per_s * TICK_S * index for index in range(TRAIL)))) == pytest.approx(per_s)


def test_one_wild_value_is_no_growth_and_hides_none() -> None:
    """The median of all slopes: three wild values of 20 neither make a drift nor take one away."""
    flat, rising = [1e6] * TRAIL, [1e6 + 3000.0 * index for index in range(TRAIL)]
    for place in (0, 9, 19):
        assert drift(_trail(*flat[:place], 9e6, *flat[place + 1 :])) == 0.0
        assert drift(_trail(*rising[:place], 9e6, *rising[place + 1 :])) == pytest.approx(100.0, rel=0.1)


def test_noise_is_no_growth() -> None:
    """Of 2000 series of 20 random values hardly one is taken for a drift, and too few values never are."""
    chance = random.Random(7)
    found = [drift(_trail(*(chance.gauss(1e6, 1e5) for _ in range(TRAIL)))) for _ in range(2000)]
    assert sum(each != 0.0 for each in found) <= 4
    assert drift(_trail(*range(TRAIL - 1))) == 0.0


def test_a_start_begins_the_trail_anew() -> None:
    """A leak starts small again: what grew before is no growth of what runs now."""
    known = _looked([10**6] * 4 + [10**6 + 3000 * index for index in range(TRAIL)]).with_drift()
    assert known.drift_bytes_per_s == pytest.approx(100.0)
    assert estimate(known).drift_bytes_per_s == known.drift_bytes_per_s
    anew = _looked([10**6], known=known, at=NOW + 9000.0)
    assert (anew.trail, anew.drift_bytes_per_s) == ((), 0.0)


# --- as the ledger sees it --------------------------------------------------------------------------------


def _step(action: Action, *, from_rung: int, to_rung: int) -> Step:
    return Step(
        key="voice",
        name="voice",
        action=action,
        from_rung=from_rung,
        to_rung=to_rung,
        level="",
        reason=make_hold().reason,
        message="x",
        delta_bytes=-1 if action.sheds else 1,
    )


def _ticked(ledger: Ledger, at: float, size: int, presence: Presence = Presence.RUNNING) -> Ledger:
    ledger = sampled(ledger, make_sample(60.0, at), POLICY)
    return footprints_measured(ledger, {"voice": Observation(presence=presence, memory_bytes=size)})


def _shed(ledger: Ledger, at: float, *, to_rung: int) -> Ledger:
    step = _step(Action.LOWER, from_rung=0, to_rung=to_rung)
    return shed_done(ledger, step, now=at, stabilization=POLICY.stabilization, measured=True, replicas_before=None)


def test_what_was_just_lowered_may_still_hold_what_it_held() -> None:
    """For two minutes after a step down its size is neither at rest nor a start; one that starts anew is a start."""
    ledger = _shed(_ticked(Ledger(), NOW, 12), NOW, to_rung=1)
    held = _ticked(ledger, NOW + TICK_S, 12).measured["voice", 1]
    assert (held.steady, held.peaks) == ((), ())
    assert _ticked(ledger, NOW + START_S, 8).measured["voice", 1].steady == (8,)
    anew = _ticked(_ticked(ledger, NOW + TICK_S, 9, Presence.STARTING), NOW + 2 * TICK_S, 8).measured["voice", 1]
    assert (anew.steady, anew.peaks) == ((), (9,))


def test_a_return_is_a_start_of_its_rung() -> None:
    """Raised to a better level, the first two minutes there are a start, also where it is held down still."""
    ledger = Ledger(holds={"voice": make_hold(3)})
    ledger = return_done(ledger, _step(Action.ENABLE, from_rung=3, to_rung=1), now=NOW, measured=True, settle_s=30.0)
    for index, size in enumerate((9, 11, 9, 9, 8), start=1):
        ledger = _ticked(ledger, NOW + index * TICK_S - 1.0, size)
    assert (ledger.measured["voice", 1].peaks, ledger.measured["voice", 1].steady) == ((11,), (8,))


def test_a_storm_of_ticks_is_one_measurement() -> None:
    """Looks out of turn do not push half an hour of measurements out; the first one counts at any time."""
    ledger = _ticked(_ticked(Ledger(), NOW, 12), NOW + 1.0, 40)
    assert ledger.measured["voice", 0].steady == (12,)
    late = footprints_measured(
        sampled(sampled(Ledger(), make_sample(60.0, NOW), POLICY), make_sample(60.0, NOW + 1.0), POLICY),
        {"voice": Observation(presence=Presence.RUNNING, memory_bytes=12)},
    )
    assert late.measured["voice", 0].steady == (12,)


# --- as history remembers it ------------------------------------------------------------------------------


def test_history_gives_back_what_was_measured() -> None:
    """Rows of a day, with an hour in between for which it was off: its rest and its two starts, apart."""
    first = [(NOW + TICK_S * index, 0, size) for index, size in enumerate([12] * 10)]
    second = [(NOW + 4000.0 + TICK_S * index, 0, size) for index, size in enumerate([18, 16, 15, 14, 12, 12])]
    known = relived([*first, *second], interval_s=TICK_S)[0]
    assert (known.peaks, known.steady) == ((18,), (12,) * 12)


def test_history_tells_up_from_down() -> None:
    """A step up in the rows is a start; after a step down the first two minutes are passed over."""
    rows = [
        (NOW, 0, 12),
        (NOW + 30, 1, 12),
        (NOW + 60, 1, 9),
        *((NOW + after_s, 1, 9) for after_s in (90, 120)),
        (NOW + 150, 1, 8),
        (NOW + 180, 0, 15),
        (NOW + 210, 0, 14),
    ]
    known = relived(rows, interval_s=TICK_S)
    assert {rung: (one.steady, one.peaks) for rung, one in known.items()} == {0: ((12,), (15,)), 1: ((8,), ())}


@given(ticks=st.integers(1, 400))
def test_history_forgets_no_more_than_life(ticks: int) -> None:
    """Of a run of any length it gives back what the ledger would still know of it."""
    rows = [(NOW + TICK_S * index, 0, 1000 + index * 37 % 101) for index in range(ticks)]
    lived = NONE
    for at, _, size in rows:
        lived = lived.seen(Look(at=at, size_bytes=size, interval_s=TICK_S))
    assert relived(rows, interval_s=TICK_S) == {0: lived}

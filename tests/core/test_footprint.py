"""Footprints: learned from what was measured, able to fall again, and unknown until there is anything."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.footprint import LEARNT, Footprint, Source, estimate
from brownout.core.measurements import KEPT, NONE, STARTS, Look, Measured
from tests.worlds import bytes_of, make_hold, make_member

SIZES = st.lists(st.integers(0, 2**40), max_size=80)


def _at_rest(*sizes: int, starts: tuple[int, ...] = ()) -> Measured:
    return Measured(steady=sizes[-KEPT:], starts=starts[-STARTS:])


@given(measured=SIZES, starts=SIZES)
def test_steady_is_never_above_peak(measured: list[int], starts: list[int]) -> None:
    """Rest and starts are kept apart, and whatever was measured a return reckons with the more of both."""
    found = estimate(_at_rest(*measured, starts=tuple(starts)))
    assert found.steady_bytes <= found.peak_bytes
    assert (found.source is Source.MEASURED) == bool(measured or starts)
    assert found.peak_bytes == max(found.steady_bytes, *starts[-STARTS:], 0)


@given(old=SIZES, low=st.integers(0, 2**20))
def test_it_can_fall_again(old: list[int], low: int) -> None:
    """After 60 small measurements and 8 small starts nothing of what it once held is left (VPA 9521)."""
    found = estimate(_at_rest(*old, *[low] * KEPT, starts=(*old, *[low] * STARTS)), guess_bytes=2**40)
    assert (found.steady_bytes, found.peak_bytes) == (low, low)


@given(old=SIZES, low=st.integers(0, 2**20))
def test_it_falls_as_it_is_measured(old: list[int], low: int) -> None:
    """Looked at tick by tick, half an hour at another size is all that counts: nothing is kept for longer."""
    measured = NONE
    for tick, size in enumerate([*old, *[low] * KEPT]):
        measured = measured.seen(Look(at=30.0 * tick, size_bytes=size, interval_s=30.0))
    assert estimate(measured).steady_bytes == low


def test_three_peaks_in_half_an_hour_do_not_move_it() -> None:
    """The 95th percentile of 60 is the fourth largest; of fewer than 20 it is the largest."""
    calm = [100] * 57
    assert estimate(_at_rest(*calm, 900, 900, 900)).steady_bytes == 100
    assert estimate(_at_rest(*calm[1:], 900, 900, 900, 900)).steady_bytes == 900
    assert estimate(_at_rest(*calm[:18], 900)).steady_bytes == 900


def test_the_owners_guess_is_only_a_guess() -> None:
    """It stands until there is a measurement, and a measurement may be smaller."""
    assert estimate(NONE, guess_bytes=10) == Footprint(steady_bytes=10, peak_bytes=10, source=Source.FIRST_GUESS)
    assert estimate(_at_rest(3), guess_bytes=10).peak_bytes == 3
    assert estimate(_at_rest(starts=(3,)), guess_bytes=10) == estimate(_at_rest(3))


def test_what_was_learned_returns_with_care() -> None:
    """What came back is what it held; on its return the owner's guess still counts where it is more."""
    found = estimate(NONE, learned=(4,), guess_bytes=10)
    assert (found.steady_bytes, found.peak_bytes, found.source) == (4, 10, Source.LEARNED)
    assert estimate(NONE, learned=(4,)).peak_bytes == 4


@given(learned=st.lists(st.integers(0, 2**40), min_size=3, max_size=30))
def test_what_was_learned_is_the_median_of_the_last_steps(learned: list[int]) -> None:
    """Half of the last 8 say as much or more, so what it was learned to hold can rise and fall."""
    assert estimate(NONE, learned=learned).steady_bytes == round(median(learned[-LEARNT:]))


@pytest.mark.parametrize("guess", [4, 36])
def test_a_wrong_guess_is_outlearned_in_three_steps(guess: int) -> None:
    """Nothing measures it, and its owner guessed a third or three times of it: three steps put both figures right."""
    found = estimate(NONE, learned=(12, 11, 12), guess_bytes=guess)
    assert (found.steady_bytes, found.peak_bytes) == (12, 12)
    assert estimate(NONE, learned=(12, 11), guess_bytes=36).peak_bytes == 36


def test_one_late_return_ruins_nothing() -> None:
    """Memory that came back too late for one of three steps, or a load that moved with it, leaves what is known."""
    assert estimate(NONE, learned=(12, 0, 12)).steady_bytes == 12
    assert estimate(NONE, learned=(12, 40, 12)).steady_bytes == 12
    assert estimate(NONE, learned=(12, 40, 12)).peak_bytes == 12
    assert estimate(NONE, learned=(12, 12, 0, 0, 0)).steady_bytes == 0


@pytest.mark.parametrize("learned", [(630,), (630, 12), (12, 630)])
def test_one_coincidence_keeps_nobody_off(learned: tuple[int, ...]) -> None:
    """The load fell by 630 in the time of a step: the owner's 300 still is what must fit for its return.

    What does not return teaches nothing more, so a single wrong size would keep it off for ever. Without a guess the
    smaller of two counts.
    """
    assert estimate(NONE, learned=learned, guess_bytes=300).peak_bytes == 300
    assert estimate(NONE, learned=learned, guess_bytes=300).steady_bytes <= 300
    assert estimate(NONE, learned=learned).peak_bytes == min(learned)


def test_unknown_is_not_small() -> None:
    """Without anything to go by it is unknown, and arithmetic with it gives nothing."""
    assert estimate(NONE) is Footprint.UNKNOWN
    assert not Footprint.UNKNOWN.known
    assert Footprint.NOTHING.known
    member = make_member("voice", None)
    assert (member.frees_bytes(1), member.takes_bytes(0)) == (None, None)


def test_a_step_up_takes_only_what_is_more() -> None:
    """From its lower level it needs the difference to the higher one's peak; from off all of it."""
    lowered = make_member("voice", (12.0, 8.0), peak=14.0, hold=make_hold(1))
    off = make_member("voice", (12.0, 8.0), peak=14.0, hold=make_hold(2))
    assert (lowered.takes_bytes(0), off.takes_bytes(0)) == (bytes_of(6.0), bytes_of(14.0))
    assert (lowered.frees_bytes(2), off.frees_bytes(2)) == (bytes_of(8.0), 0)

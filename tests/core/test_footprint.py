"""Footprints: learned from what was measured, able to fall again, and unknown until there is anything."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.core.footprint import KEPT, Footprint, Source, estimate
from tests.worlds import bytes_of, make_hold, make_member

SIZES = st.lists(st.integers(0, 2**40), max_size=80)


@given(measured=SIZES.filter(bool))
def test_steady_is_never_above_peak(measured: list[int]) -> None:
    """Both come from the last 60 measurements, and the peak is their maximum."""
    found = estimate(measured, learned_bytes=None, guess_bytes=None)
    assert found.steady_bytes <= found.peak_bytes == max(measured[-KEPT:])
    assert found.source is Source.MEASURED


@given(old=SIZES, low=st.integers(0, 2**20))
def test_it_can_fall_again(old: list[int], low: int) -> None:
    """After 60 small measurements nothing of what it once held is left (VPA 9521)."""
    found = estimate([*old, *[low] * KEPT], learned_bytes=None, guess_bytes=2**40)
    assert (found.steady_bytes, found.peak_bytes) == (low, low)


def test_three_peaks_in_half_an_hour_do_not_move_it() -> None:
    """The 95th percentile of 60 is the fourth largest; of fewer than 20 it is the largest."""
    calm = [100] * 57
    assert estimate([*calm, 900, 900, 900], learned_bytes=None, guess_bytes=None).steady_bytes == 100
    assert estimate([*calm[1:], 900, 900, 900, 900], learned_bytes=None, guess_bytes=None).steady_bytes == 900
    assert estimate([*calm[:18], 900], learned_bytes=None, guess_bytes=None).steady_bytes == 900


def test_the_owners_guess_is_only_a_guess() -> None:
    """It stands until there is a measurement, and a measurement may be smaller."""
    assert estimate((), learned_bytes=None, guess_bytes=10) == Footprint(
        steady_bytes=10, peak_bytes=10, source=Source.FIRST_GUESS
    )
    assert estimate((3,), learned_bytes=None, guess_bytes=10).peak_bytes == 3


def test_what_was_learned_returns_with_care() -> None:
    """What came back is what it held; on its return the owner's guess still counts where it is more."""
    found = estimate((), learned_bytes=4, guess_bytes=10)
    assert (found.steady_bytes, found.peak_bytes, found.source) == (4, 10, Source.LEARNED)
    assert estimate((), learned_bytes=4, guess_bytes=None).peak_bytes == 4


def test_unknown_is_not_small() -> None:
    """Without anything to go by it is unknown, and arithmetic with it gives nothing."""
    assert estimate((), learned_bytes=None, guess_bytes=None) is Footprint.UNKNOWN
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

"""The watch is held to what is known to exist: what must arrive, by when, and what excuses it."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.kube.canary import Canary

TICK_S = 30.0


def test_what_arrives_in_time_is_no_silence() -> None:
    """A version that was awaited and came is forgotten."""
    canary = Canary()
    canary.expect("u", "7", name="v", now=0.0)
    canary.arrived("u", "7", now=1.0)
    assert canary.silence(now=1e6, interval_s=TICK_S) is None


def test_silence_is_a_fault_after_two_intervals_and_fatal_after_six() -> None:
    """With a tick of 30 s: nothing at 60 s, a fault after it, the end after 180 s."""
    canary = Canary()
    canary.expect("u", "7", name="version 7 of a/voice", now=0.0)
    assert canary.silence(now=60.0, interval_s=TICK_S) is None
    late = canary.silence(now=61.0, interval_s=TICK_S)
    assert late is not None
    assert not late.fatal
    assert str(late) == "the watch is silent: version 7 of a/voice was to come through it 61 s ago"
    last = canary.silence(now=181.0, interval_s=TICK_S)
    assert last is not None
    assert last.fatal


def test_a_fast_tick_leaves_the_api_server_its_time() -> None:
    """With a tick of 1 s the watch still has 15 s."""
    canary = Canary()
    canary.expect("u", "7", name="v", now=0.0)
    assert canary.silence(now=15.0, interval_s=1.0) is None
    assert canary.silence(now=16.0, interval_s=1.0) is not None


def test_a_later_version_answers_for_the_earlier_ones() -> None:
    """The API server need not deliver what no longer exists."""
    canary = Canary()
    canary.expect("u", "7", name="v", now=0.0)
    canary.arrived("u", "12", now=1.0)
    canary.expect("u", "9", name="v", now=2.0)
    assert canary.silence(now=1e6, interval_s=TICK_S) is None


def test_a_watch_that_lags_is_not_silent() -> None:
    """As long as something comes, the wait for the latest starts anew."""
    canary = Canary()
    for second in range(0, 300, 10):
        canary.expect("u", str(second + 1), name="v", now=float(second))
        canary.arrived("u", str(second), now=float(second + 5))
    assert canary.silence(now=310.0, interval_s=TICK_S) is None


def test_writing_again_does_not_hide_that_nothing_comes() -> None:
    """New versions keep the age of the first that was not delivered."""
    canary = Canary()
    for second in range(0, 100, 10):
        canary.expect("u", str(second + 1), name="v", now=float(second))
    assert canary.silence(now=100.0, interval_s=TICK_S) is not None


def test_what_is_gone_and_what_could_not_come_are_excused() -> None:
    """A deleted object brings nothing more, nor does an API server that was away."""
    canary = Canary()
    canary.expect("deleted", "7", name="v", now=0.0)
    canary.left("deleted")
    canary.expect("unlisted", "8", name="v", now=0.0)
    canary.keep({"listed"})
    assert canary.silence(now=1e6, interval_s=TICK_S) is None
    canary.expect("listed", "9", name="v", now=0.0)
    canary.excuse()
    assert canary.silence(now=1e6, interval_s=TICK_S) is None


@given(st.permutations(range(1, 9)))
def test_the_order_of_arrival_never_matters_once_the_latest_is_there(order: list[int]) -> None:
    """Whatever is repeated or reordered: when the awaited version has come, nothing is awaited."""
    canary = Canary()
    canary.expect("u", "8", name="v", now=0.0)
    for version in order[: order.index(8) + 1]:
        canary.arrived("u", str(version), now=0.0)
    assert canary.silence(now=1e6, interval_s=TICK_S) is None

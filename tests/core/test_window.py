"""The sliding window: bounded in count and in age, in order of time, and honest about gaps."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.core.sample import Resource, Sample
from brownout.core.window import MOST_SAMPLES, Window
from tests.worlds import NOW, make_sample, make_samples, make_window

STEPS = st.lists(st.floats(-100.0, 4000.0), max_size=150)


def _walked(steps: list[float]) -> Window:
    window, at = Window(), NOW
    for step in steps:
        at += step
        window = window.add(make_sample(50.0, at))
    return window


@given(steps=STEPS)
def test_window_is_bounded_and_in_order(steps: list[float]) -> None:
    """However samples come, it holds at most 60, none older than half an hour, each newer than the one before."""
    instants = [sample.at for sample in _walked(steps).samples]
    assert len(instants) <= 60
    assert instants == sorted(set(instants))
    assert not instants or instants[-1] - instants[0] < 1800.0


@given(steps=STEPS)
def test_time_never_runs_back(steps: list[float]) -> None:
    """The latest sample never becomes an older one."""
    window, at, latest = Window(), NOW, 0.0
    for step in steps:
        at += step
        window = window.add(make_sample(50.0, at))
        assert window.latest is not None
        assert window.latest.at >= latest
        latest = window.latest.at


def test_a_sample_of_the_same_instant_is_left_out() -> None:
    """Two samples of one instant would make a slope of nothing over nothing."""
    window = Window().add(make_sample(50.0)).add(make_sample(90.0))
    assert window.points(Resource.MEMORY) == ((NOW, 50.0),)


def test_half_an_hour_at_30_s_is_60_samples() -> None:
    """The default window holds 60 samples (requirement S2), and the 61st pushes out the first."""
    assert len(make_window("flat 50 x60").samples) == 60
    assert make_window("flat 10, flat 50 x60").points(Resource.MEMORY)[0][1] == 50.0


def test_a_shorter_window_keeps_the_newest() -> None:
    """Under another policy it is the old end that falls out; the same policy changes nothing."""
    window = make_window("ramp 1..60 x60")
    shorter = window.resized(span_s=300.0, interval_s=30.0)
    assert [sample.memory_percent for sample in shorter.samples] == [float(value) for value in range(51, 61)]
    assert shorter.resized(span_s=300.0, interval_s=30.0) is shorter


def test_no_policy_makes_it_large() -> None:
    """A day at a tenth of a second would be 864000 samples; it is held to 1800."""
    assert Window().resized(span_s=86400.0, interval_s=0.1).capacity == MOST_SAMPLES
    assert Window().resized(span_s=1.0, interval_s=3600.0).capacity == 2


@given(order=st.permutations(range(90)), future=st.integers(0, 20))
def test_history_is_read_in_any_order(order: list[int], future: int) -> None:
    """What history gives is put in order; what is too old, doubled or in the future is not taken."""
    samples = make_samples("flat 50 x90")
    now = samples[-1 - future].at
    given_back: list[Sample] = [samples[index] for index in order]
    filled = Window().filled([*given_back, *given_back], now=now)
    assert filled.samples == tuple(sample for sample in samples if now - 1800.0 < sample.at <= now)


def test_a_gap_begins_a_new_run() -> None:
    """Of a machine that slept, only what came after counts as unbroken."""
    window = make_window("flat 90 x5, gap 600, flat 40 x3")
    assert window.unbroken_since(longest_gap_s=90.0) == NOW - 60.0
    assert window.unbroken_since(longest_gap_s=3600.0) == window.samples[0].at
    assert Window().unbroken_since(longest_gap_s=90.0) == 0.0


def test_what_is_unknown_gives_no_point() -> None:
    """A sensor that failed leaves a hole, never a zero."""
    window = make_window("flat 50 x3, none x2, flat 60")
    assert [value for _, value in window.points(Resource.MEMORY)] == [50.0, 50.0, 50.0, 60.0]
    assert window.points(Resource.CPU) == ()
    assert [value for _, value in window.points(Resource.MEMORY, since=NOW)] == [60.0]


def test_the_base_is_what_we_do_not_hold() -> None:
    """The base series is the total without what our integrations were measured to hold; never below zero."""
    assert make_window("flat 50 x1", voice=12.0, android=8.0).base_points() == ((NOW, 30.0),)
    assert make_window("flat 10 x1", voice=12.0).base_points() == ((NOW, 0.0),)

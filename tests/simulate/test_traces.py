"""Laws of traces: what is read, what is refused, and how a base load is made of it."""

import contextlib
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.errors import InvalidInput
from brownout.simulate.trace_file import read_trace
from brownout.simulate.traces import (
    SCORED_TICKS,
    WARM_UP_TICKS,
    Base,
    Mode,
    Trace,
    Unfit,
    base_as_it_is,
    base_of,
    interpolated,
    percentile,
)

PERCENTS = st.floats(min_value=0.0, max_value=100.0)


def csv(*lines: str) -> str:
    """Give a trace's text with its header."""
    return "\n".join(("timestamp_s,value_percent", *lines))


def make_trace(*values: float, step_s: float = 30.0) -> Trace:
    """Make a trace of these values."""
    return Trace(name="made", step_s=step_s, values=values)


def test_a_trace_is_read() -> None:
    """Its values are the second column, its step the median one: a gap in the recording does not stretch it."""
    found = read_trace(csv("0,10", "60,11.5", "120,12", "6000,13"), "some")
    assert found == Trace(name="some", step_s=60.0, values=(10.0, 11.5, 12.0, 13.0))


def test_a_spreadsheets_file_is_read() -> None:
    """A byte order mark, carriage returns, blanks and empty lines are no fault of the owner."""
    text = "\ufefftimestamp_s, value_percent\r\n0, 1\r\n\r\n30, 2\r\n"
    assert read_trace(text, "some").values == (1.0, 2.0)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("0,1", "30,nan"), "line 3: 'nan': must be a finite number"),
        (("0,1", "inf,2"), "line 3: 'inf': must be a finite number"),
        (("0,1", "30,much"), "line 3: 'much': must be a finite number"),
        (("0,1", "1_000,2"), "line 3: '1_000': must be a finite number"),
        (("0,1", "30,101"), "line 3: 101: value_percent must be from 0 to 100"),
        (("0,1", "30,-0.5"), "line 3: -0.5: value_percent must be from 0 to 100"),
        (("0,1", "30,2", "20,3"), "line 4: 20: timestamp_s must be after the one before it, 30"),
        (("0,1", "", "0,3"), "line 4: 0: timestamp_s must be after the one before it, 0"),
        (("0,1", "30"), "line 3: '30': must be two numbers"),
        (("0,1", "30,1,2"), "line 3: '30,1,2': must be two numbers"),
        (("0,1",), "1 samples: a trace needs at least 2"),
        ((), "0 samples: a trace needs at least 2"),
    ],
)
def test_a_bad_trace_is_refused_with_its_line_and_value(lines: tuple[str, ...], told: str) -> None:
    """Whoever made it can mend it without looking for the place."""
    with pytest.raises(InvalidInput) as caught:
        read_trace(csv(*lines), "folder/some.csv")
    assert str(caught.value).startswith("folder/some.csv")
    assert told in str(caught.value)


def test_every_bad_line_is_told_at_once_and_of_very_many_the_first() -> None:
    """Who mends a file mends it once; a value of any length is shown short."""
    with pytest.raises(InvalidInput) as caught:
        read_trace(csv("0,x", "30,1", "60,200", f"90,{'9' * 1000}", "20,1"), "some")
    assert str(caught.value).splitlines() == [
        "some, line 2: 'x': must be a finite number",
        "some, line 4: 200: value_percent must be from 0 to 100",
        f"some, line 5: '{'9' * 40}...': must be a finite number",
        "some, line 6: 20: timestamp_s must be after the one before it, 30",
    ]
    with pytest.raises(InvalidInput) as caught:
        read_trace(csv(*["x"] * 1000), "some")
    assert len(str(caught.value).splitlines()) == 11
    assert str(caught.value).endswith("some: 990 more lines are wrong")


@pytest.mark.parametrize("text", ["", "0,1\n30,2", "at,value\n0,1\n30,2"])
def test_a_trace_without_its_header_is_refused(text: str) -> None:
    """A column that is not said to be a percentage is not taken for one."""
    with pytest.raises(InvalidInput, match=r"line 1: .*the first line must be timestamp_s,value_percent"):
        read_trace(text, "some")


@given(st.text())
def test_any_text_is_a_trace_or_one_clear_error(text: str) -> None:
    """Nothing but InvalidInput leaves the reader, whatever it is given."""
    with contextlib.suppress(InvalidInput):
        assert len(read_trace(csv(text), "some").values) >= 2


def test_percentiles_are_interpolated_between_ranks() -> None:
    """Of 0..10 the 95th percentile is 9.5, as numpy's default has it."""
    values = [float(value) for value in range(11)]
    assert percentile(values, 95.0) == pytest.approx(9.5)
    assert percentile(values, 50.0) == 5.0
    assert percentile([7.0], 95.0) == 7.0


@given(st.lists(PERCENTS, min_size=1, max_size=50))
def test_the_50th_percentile_is_the_median(values: list[float]) -> None:
    """Of any values."""
    assert percentile(values, 50.0) == pytest.approx(statistics.median(values))


def test_the_median_is_70_and_the_95th_percentile_90_with_everything_on() -> None:
    """The four take 26 %: the base's median is 44, and its 95th percentile 64."""
    found = base_of(make_trace(*[float(value) for value in range(11)]), Mode.NATIVE)
    assert isinstance(found, Base)
    assert percentile(found.values, 50.0) == pytest.approx(44.0)
    assert percentile(found.values, 95.0) == pytest.approx(64.0)


def test_a_small_rise_is_stretched_8_times_at_most() -> None:
    """A 95th percentile 2 points above the median comes 16 points above it, not 20."""
    found = base_of(make_trace(*[10.0] * 18, 12.0, 12.0), Mode.NATIVE)
    assert isinstance(found, Base)
    assert max(found.values) == pytest.approx(44.0 + 16.0)


@given(st.lists(PERCENTS, min_size=2, max_size=80))
def test_a_base_lies_between_3_and_98(values: list[float]) -> None:
    """However wild the trace; and what cannot be mapped says why."""
    found = base_of(make_trace(*values), Mode.NATIVE)
    if isinstance(found, Unfit):
        assert "95th percentile" in found.why
    else:
        assert all(3.0 <= value <= 98.0 for value in found.values)


@pytest.mark.parametrize(("rise", "kind"), [(0.0, Unfit), (0.29, Unfit), (1.6, Unfit), (1.7, Base)])
def test_a_flat_trace_is_left_out(rise: float, kind: type) -> None:
    """What would need a factor above 12 is mostly the noise of its sensor: 20 / 12 = 1.67 points."""
    found = base_of(make_trace(*[10.0] * 18, 10.0 + rise, 10.0 + rise), Mode.NATIVE)
    assert isinstance(found, kind)


def test_a_native_step_is_a_tick() -> None:
    """Whatever time it took."""
    trace = make_trace(*[float(value % 50) for value in range(100)], step_s=300.0)
    found = base_of(trace, Mode.NATIVE)
    assert isinstance(found, Base)
    assert len(found.values) == 100


def test_an_interpolated_step_is_its_time() -> None:
    """Between two values of a minute lies one more tick, in the middle; a step shorter than a tick is thinned."""
    assert interpolated([1.0, 3.0, 2.0], 60.0) == (1.0, 2.0, 3.0, 2.5, 2.0)
    assert interpolated([0.0, 1.0, 2.0, 3.0, 4.0], 15.0) == (0.0, 2.0, 4.0)


def test_the_scored_ticks_are_the_middle_and_the_past_is_what_lies_before() -> None:
    """3000 of 5000 ticks: 1000 before them to warm up on, 1000 after them unused."""
    trace = make_trace(*[float(value % 97) for value in range(5000)])
    found, whole = base_of(trace, Mode.NATIVE), base_of(trace, Mode.INTERP)
    assert isinstance(found, Base)
    assert isinstance(whole, Base)
    assert (len(found.past), len(found.values)) == (1000, SCORED_TICKS)
    assert found.values[0] - found.past[-1] == pytest.approx(
        (1000 % 97 - 999 % 97) * (found.values[1] - found.values[0])
    )
    assert found.values == pytest.approx(whole.values)  # a step of 30 s is a tick either way


@given(st.lists(PERCENTS, min_size=2, max_size=60), st.floats(min_value=1.0, max_value=40_000.0))
def test_the_scored_ticks_are_those_of_the_whole_line(values: list[float], step_s: float) -> None:
    """Only the window is made, and it is what the whole line would have given, to the last bit."""
    trace = make_trace(*values, step_s=step_s)
    found = base_of(trace, Mode.INTERP)
    native = base_of(trace, Mode.NATIVE)
    if isinstance(found, Unfit) or isinstance(native, Unfit):
        return
    whole = interpolated(native.values, step_s)  # 60 values at most: all of them are scored
    start = max(0, (len(whole) - SCORED_TICKS) // 2)
    assert found.values == whole[start : start + SCORED_TICKS]
    assert found.past == whole[max(0, start - WARM_UP_TICKS) : start]


def test_a_line_through_a_thousand_years_is_as_long_as_any() -> None:
    """What a file says of its steps does not decide how much memory it takes."""
    found = base_of(make_trace(10.0, 90.0, 10.0, step_s=1e300), Mode.INTERP)
    assert isinstance(found, Base)
    assert (len(found.past), len(found.values)) == (WARM_UP_TICKS, SCORED_TICKS)


def test_a_generated_load_is_a_base_as_it_is() -> None:
    """Nothing is mapped."""
    assert base_as_it_is(make_trace(52.0, 53.0)).values == (52.0, 53.0)

"""What a wrapper says on standard error: never waited for, in order, and in bars that say the same as the numbers."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from brownout.bootstrap.wrap_console import StandardError, bar_line, line_wanted
from brownout.core.budget.advice import Advice
from brownout.core.budget.limits import Limits
from brownout.core.budget.run import RunRecord
from brownout.core.budget.usage import Usage
from brownout.core.budget.wrapping import Standing

RUN = RunRecord(id=1, name="agent", limits=Limits(duration="1h", tokens=100), opened_at=0.0, seen_at=0.0)


def test_a_reader_who_does_not_read_holds_up_nobody() -> None:
    """What cannot be written waits, and comes in order when there is room; what would move a cursor is harmless."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = _fill(writing)
    os.set_blocking(writing, True)
    out = StandardError(writing)
    out.say("first")
    out.say("second \x1b[2J")
    assert len(os.read(reading, filled)) == filled
    out.block("a summary\nof two lines\n")
    out.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as rest:
        said = rest.read().decode().lstrip("x")
    assert said == "brownout: first\nbrownout: second \\u001b[2J\na summary\nof two lines\n"


def test_a_reader_who_is_gone_is_no_fault() -> None:
    """`2>&1 | head` ends our sentences, and nothing else."""
    reading, writing = os.pipe()
    os.close(reading)
    out = StandardError(writing)
    out.say("nobody hears it")
    out.close()
    os.close(writing)
    StandardError(writing).say("nor on a closed descriptor")


@given(tokens=st.integers(0, 500), fancy=st.booleans())
def test_a_bar_is_as_long_as_its_percentage_says(tokens: int, *, fancy: bool) -> None:
    """A tenth for each ten percent, never more than there is room."""
    run = replace(RUN, usage=Usage(tokens=tokens, api_calls=3))
    line = bar_line(Standing(run=run, progress=0.5, advice=Advice.CONTINUE), fancy=fancy)
    full, empty = "█░" if fancy else "#-"
    cells = min(10, tokens // 10)
    assert f"tokens {full * cells}{empty * (10 - cells)} {tokens} %" in line
    assert line.startswith("agent  ")
    assert line.endswith("API calls 3  done 50 %")


def test_no_line_is_drawn_where_nobody_watches() -> None:
    """In a pipe, in a dumb terminal, or when it is to be quiet."""
    reading, writing = os.pipe()
    assert not line_wanted(quiet=False, environ={"TERM": "xterm"}, descriptor=writing)
    controller, terminal = os.openpty()
    assert line_wanted(quiet=False, environ={"TERM": "xterm"}, descriptor=terminal)
    assert not line_wanted(quiet=False, environ={"TERM": "dumb"}, descriptor=terminal)
    assert not line_wanted(quiet=True, environ={"TERM": "xterm"}, descriptor=terminal)
    for descriptor in (reading, writing, controller, terminal):
        os.close(descriptor)


def _fill(writing: int) -> int:
    """Fill a pipe; how many bytes that took."""
    filled = 0
    while True:
        try:
            filled += os.write(writing, b"x" * 4096)
        except BlockingIOError:
            return filled

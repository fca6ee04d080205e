"""Whoever is told to end, ends: also when the answer that it waits for comes at that very moment.

asyncio.wait_for loses such a cancellation before Python 3.12 (cpython 86296); a controller then hangs in its end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from brownout.history.aside import Aside
from brownout.sensing.lane import Lane
from tests.checkout import python_files
from tests.local.loops import run as run_alone

Call = Callable[[], object]


def in_a_lane(call: Call) -> Awaitable[object]:
    """How sensors read."""
    return Lane("test").run(call, patience_s=10.0)


def aside(call: Call) -> Awaitable[object]:
    """How history is read."""
    return Aside(most=1, patience_s=10.0).run(call)


@pytest.mark.parametrize("run", [in_a_lane, aside])
def test_a_cancellation_that_comes_with_the_answer_is_not_lost(run: Callable[[Call], Awaitable[object]]) -> None:
    """The answer is there, the loop has not seen it yet, and then it is cancelled."""
    began, go = threading.Event(), threading.Event()

    def call() -> threading.Thread:
        began.set()
        go.wait(10.0)
        return threading.current_thread()

    async def story() -> None:
        waiting = asyncio.ensure_future(run(call))
        await asyncio.to_thread(began.wait, 10.0)
        answered = _delivering(asyncio.get_running_loop())
        go.set()
        answered.wait(10.0)  # in the loop's own thread: what was delivered waits for its turn
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run_alone(story())


def _delivering(loop: asyncio.AbstractEventLoop) -> threading.Event:
    """Set once another thread has handed something to the loop, whether the loop has had its turn or not."""
    delivered, deliver = threading.Event(), loop.call_soon_threadsafe

    def watched(*words: Any, **more: Any) -> asyncio.Handle:
        handle = deliver(*words, **more)
        delivered.set()
        return handle

    loop.call_soon_threadsafe = watched  # type: ignore[method-assign, assignment]
    return delivered


def test_nobody_uses_what_loses_cancellations() -> None:
    """`async with asyncio.timeout()` does the same without."""
    assert [str(file) for file in python_files("operator") if "asyncio.wait_for(" in file.read_text()] == []

"""Running a coroutine in a test that is no coroutine, on a loop that nobody else ever sees."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but without touching the thread's current loop, which a pytest plugin may count on."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(story)

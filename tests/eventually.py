"""Waiting for a condition instead of for a time: what a test expects to come true, and what must stay true.

Both look again and again, every 50 ms unless told otherwise, and fail with the last thing they saw. They know nothing
of what they look at.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

NOT_YET = (AssertionError, LookupError, OSError)
"""What a check may raise to say "not yet": an assertion, a missing key or item, no connection, no file."""


def eventually(check: Callable[[], T], *, within_s: float = 10.0, every_s: float = 0.05) -> T:
    """The first truthy answer of `check`; AssertionError with its last answer or error if none comes in time."""
    watch = _Watch[T](within_s)
    while not watch.accepts(check):
        watch.refuse_when_late()
        threading.Event().wait(every_s)
    return watch.answer


async def eventually_async(check: Callable[[], Awaitable[T]], *, within_s: float = 10.0, every_s: float = 0.05) -> T:
    """As `eventually`, for a coroutine function, and without blocking the event loop while it waits."""
    watch = _Watch[T](within_s)
    while True:
        try:
            watch.saw(await check())
        except NOT_YET as error:
            watch.missed(error)
        if watch.satisfied:
            return watch.answer
        watch.refuse_when_late()
        await pause(every_s)


def consistently(check: Callable[[], object], *, for_s: float = 1.0, every_s: float = 0.05) -> None:
    """Fails as soon as `check` answers something falsy or raises; passes when it held for the whole time."""
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        answer = check()
        assert answer, f"did not stay true for {for_s} s: {answer!r}"
        threading.Event().wait(every_s)


@dataclass(slots=True)
class _Watch(Generic[T]):
    """What was seen last, and until when it may go on."""

    within_s: float
    _end: float = 0.0
    _answer: T | None = None
    _error: Exception | None = None
    satisfied: bool = False

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.within_s

    @property
    def answer(self) -> T:
        """The answer that was accepted."""
        assert self._answer is not None
        return self._answer

    def accepts(self, check: Callable[[], T]) -> bool:
        """Asks once; whether the answer is truthy."""
        try:
            self.saw(check())
        except NOT_YET as error:
            self.missed(error)
        return self.satisfied

    def saw(self, answer: T) -> None:
        """Notes an answer."""
        self._answer, self._error, self.satisfied = answer, None, bool(answer)

    def missed(self, error: Exception) -> None:
        """Notes that the check could not answer yet."""
        self._error = error

    def refuse_when_late(self) -> None:
        """AssertionError once the time is over."""
        if time.monotonic() >= self._end:
            last = f"last answer {self._answer!r}" if self._error is None else f"last error {self._error!r}"
            raise AssertionError(f"not true within {self.within_s} s; {last}") from self._error


async def pause(for_s: float) -> None:
    """Let so much time go by: for a measurement, or between two looks."""
    loop = asyncio.get_running_loop()
    rung = loop.create_future()
    timer = loop.call_later(for_s, rung.set_result, None)
    try:
        await rung
    finally:
        timer.cancel()

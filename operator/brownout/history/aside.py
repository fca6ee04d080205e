"""Calls that may hang, each in a daemon thread of its own, few at a time and none waited for without end.

A thread of an executor would be joined when the process ends, and a disk that never answers would keep it from ending.
It does not know what is called.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """Runs blocking calls beside the event loop. `most` of them can hang; then further ones are refused at once."""

    def __init__(self, *, most: int, patience_s: float) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._patience_s = patience_s

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises; TimeoutError when it takes too long, or when too many others hang."""
        if not self._places.acquire(blocking=False):
            raise TimeoutError("earlier ones have not come back")
        answer: Future[T] = Future()
        threading.Thread(target=self._answer, args=(call, answer), name="history-read", daemon=True).start()
        try:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that comes with the answer.
            async with asyncio.timeout(self._patience_s):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise TimeoutError(f"no answer within {self._patience_s:g} s") from None

    def _answer(self, call: Callable[[], T], answer: Future[T]) -> None:
        wanted = answer.set_running_or_notify_cancel()
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            if wanted:
                answer.set_exception(error)
        else:
            if wanted:
                answer.set_result(result)
        finally:
            self._places.release()

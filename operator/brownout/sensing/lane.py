"""One worker thread for one kind of reading, so that a reading that hangs takes nothing else with it.

The thread is a daemon: a disk that never answers must not keep the process from ending, which the threads of an
executor would (they are joined at exit). It does not know what it reads.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Lane:
    """Runs one call at a time in its own thread, which is started by the first of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._busy = False
        self._thread: threading.Thread | None = None

    async def run(self, look: Callable[[], T], *, patience_s: float) -> T:
        """What `look` returns or raises. TimeoutError after `patience_s`, and at once while an earlier call hangs."""
        if self._busy:
            raise TimeoutError("an earlier reading has not come back")
        self._busy = True
        self._start()
        answer: Future[T] = Future()
        self._calls.put(lambda: self._answer(look, answer))
        try:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that comes with the answer.
            async with asyncio.timeout(patience_s):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise TimeoutError(f"no answer within {patience_s:g} s") from None

    def close(self) -> None:
        """Let the thread end; one that hangs is left to the end of the process."""
        self._calls.put(None)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"sensing-{self._name}", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def _answer(self, look: Callable[[], T], answer: Future[T]) -> None:
        wanted = answer.set_running_or_notify_cancel()
        try:
            result = look()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            self._busy = False
            if wanted:
                answer.set_exception(error)
        else:
            self._busy = False
            if wanted:
                answer.set_result(result)

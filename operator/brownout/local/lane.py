"""One thread for work that a disk can hold up, and a bounded wait for it.

What has not begun when the wait is over is dropped, so that a disk that hangs gathers no queue behind it. The
thread is a daemon: unlike those of an executor it does not keep the process from ending.
"""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from brownout.core.errors import HomeUnavailable

__all__ = ["Lane"]

T = TypeVar("T")
Errand = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Lane:
    """Does one thing after the other, in order. `what` is what hangs when it hangs, for the message."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._errands: SimpleQueue[Errand | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """The result of `work`. Raises what it raises, and HomeUnavailable when it is not done in time."""
        doing: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            self._thread = Thread(target=self._serve, name="brownout-disk", daemon=True)
            self._thread.start()
        self._errands.put((work, doing))
        try:
            async with asyncio.timeout(within_s):
                return await doing
        except TimeoutError:
            raise HomeUnavailable(f"{self._what} has not answered for {within_s:g} s") from None

    def close(self) -> None:
        """End the thread after what it is doing; it starts again if there is more to do."""
        self._errands.put(None)
        self._thread = None

    def _serve(self) -> None:
        while (errand := self._errands.get()) is not None:
            work, doing = errand
            if not doing.done():
                _do(work, doing)


def _do(work: Callable[[], Any], doing: "asyncio.Future[Any]") -> None:
    """Do it, and tell the loop, which may have given up or ended meanwhile."""
    try:
        result, error = work(), None
    except Exception as raised:  # noqa: BLE001  # it is raised again where it is waited for
        result, error = None, raised
    try:
        doing.get_loop().call_soon_threadsafe(_tell, doing, result, error)
    except RuntimeError:
        return


def _tell(doing: "asyncio.Future[Any]", result: object, error: Exception | None) -> None:
    if doing.done():
        return
    if error is None:
        doing.set_result(result)
    else:
        doing.set_exception(error)

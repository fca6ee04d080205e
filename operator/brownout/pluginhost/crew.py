"""Who runs a plugin's functions: a few threads for plain ones, a loop in a thread for coroutines. Runs in the worker.

Requests share as many hands as the plugin may have at once. What belongs to its life (health, level, state) has a hand
of its own, so that a plugin whose requests all hang still answers whether it is well.
"""

import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

__all__ = ["Crew", "asyncio_of"]

Reply = Callable[[int, object, BaseException | str | None], None]
Function = Callable[..., Any]
Job = tuple[int, Function, tuple[Any, ...]]

_IS_COROUTINE: Final = 0x80  # CO_COROUTINE
#: Stacks are reserved whole and count against the limit of memory; the usual 8 MiB are for recursion that nobody has.
_STACK_BYTES: Final = 2**20


class Crew:
    """Runs calls and replies to each. `hands` is how many requests are run at once."""

    def __init__(self, reply: Reply, *, hands: int, network: bool) -> None:
        self._reply = reply
        self._hands = hands
        self._network = network
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._aside: SimpleQueue[Job] = SimpleQueue()
        self._idle = threading.Condition()
        self._busy = 0
        self._threads = 0
        self._loop: Any = None
        self._tasks: dict[int, Any] = {}
        threading.stack_size(_STACK_BYTES)
        _thread(self._serve, self._aside)

    def take(self, call: int, function: Function, arguments: tuple[Any, ...], *, request: bool) -> None:
        """Run a function when a hand is free."""
        with self._idle:
            self._busy += 1
            hire = request and self._threads < min(self._busy, self._hands)
            self._threads += hire
        try:
            if _is_coroutine(function):
                self._on_loop(call, lambda: function(*arguments))
                return
            if hire:
                self._hire()
        except RuntimeError as error:  # the plugin's own threads have left none for us
            self._done(call, None, error)
            return
        (self._queue if request else self._aside).put((call, function, arguments))

    def _hire(self) -> None:
        """One more hand; where none can be had, those that are there do the work. Raises RuntimeError for the first."""
        try:
            _thread(self._serve, self._queue)
        except RuntimeError:
            with self._idle:
                self._threads -= 1
                if not self._threads:
                    raise

    def cancel(self, call: int) -> None:
        """Nobody waits for this call any more. A coroutine can be stopped; a thread cannot."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, call)

    def finish(self, shutdown: Function | None) -> None:
        """Return when every call has been replied to and `shutdown` has run. The host sees to it that this ends."""
        with self._idle:
            self._idle.wait_for(lambda: not self._busy)
        if shutdown is not None:
            self.take(0, shutdown, (), request=False)
            with self._idle:
                self._idle.wait_for(lambda: not self._busy)

    def _serve(self, queue: "SimpleQueue[Job]") -> None:
        while True:
            call, function, arguments = queue.get()
            try:
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001 - also SystemExit: a request must not end the worker
                self._done(call, None, error)
                continue
            if hasattr(result, "__await__"):
                self._on_loop(call, partial(_itself, result))
            else:
                self._done(call, result, None)

    def _done(self, call: int, value: object, error: BaseException | None) -> None:
        try:
            if call:
                self._reply(call, value, error)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    # --- coroutines ------------------------------------------------------------------------------------------------

    def _on_loop(self, call: int, begin: Callable[[], Awaitable[Any]]) -> None:
        with self._idle:
            if self._loop is None:
                loop = asyncio_of(network=self._network).new_event_loop()
                _thread(loop.run_forever)
                self._loop = loop
        self._loop.call_soon_threadsafe(self._begin, call, begin)

    def _begin(self, call: int, begin: Callable[[], Awaitable[Any]]) -> None:
        self._tasks[call] = self._loop.create_task(self._await(call, begin))

    async def _await(self, call: int, begin: Callable[[], Awaitable[Any]]) -> None:
        try:
            result = await begin()
        except BaseException as error:  # noqa: BLE001 - as above
            self._done(call, None, error)
        else:
            self._done(call, result, None)
        finally:
            self._tasks.pop(call, None)

    def _cancel(self, call: int) -> None:
        if call in self._tasks:
            self._tasks[call].cancel()


def _itself(awaited: Awaitable[Any]) -> Awaitable[Any]:
    return awaited


def _is_coroutine(function: Function) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _IS_COROUTINE)


def _thread(work: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def asyncio_of(*, network: bool) -> Any:
    """The module asyncio. Without the network it needs no TLS, and OpenSSL would take 4.5 MB of the 15 (measured)."""
    if not network and "ssl" not in sys.modules:
        sys.modules["ssl"] = None  # type: ignore[assignment] # makes `import ssl` fail, which asyncio provides for
    try:
        import asyncio  # noqa: PLC0415 - see the module's docstring
    finally:
        if sys.modules.get("ssl", True) is None:
            del sys.modules["ssl"]
    return asyncio

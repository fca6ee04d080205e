"""kopf, embedded: it watches Integrations and BrownoutPolicies and passes on what it sees, nothing else.

One `on.event` handler for each kind: no timers, daemons or create, update and delete handlers, so kopf puts neither
finalizers nor annotations on users' objects. Its retries never end. Whatever ends it ends the home, and with it the
process: a supervisor's fresh start is safer than a watch that is half alive. It decides nothing and keeps no object.

It has a thread and an event loop to itself. `kopf.operator()` takes the loop it runs in for its own: when it ends it
cancels every task that is younger than itself, and in the main thread it takes SIGINT and SIGTERM. And what it does
with a large listing never delays the sentinel's loop.
"""

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import kopf

from brownout.core.errors import HomeUnavailable
from brownout.kube.credentials import Credentials
from brownout.kube.endpoints import INTEGRATIONS, POLICIES, Endpoint

__all__ = ["BACKOFFS_S", "EndlessBackoff", "watch_for_ever"]

#: The last one repeats. kopf's own end after 54 s, which an upgrade of the API server takes easily (kopf 1145, 1276).
BACKOFFS_S: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0)
_REQUEST_TIMEOUT_S: Final = 20.0
_CONNECT_TIMEOUT_S: Final = 10.0
# The API server ends a watch after 4 min, and bookmarks come every minute: 70 s without a sound is a dead connection.
_SERVER_TIMEOUT_S: Final = 240  # a whole number, or the API server refuses it
_INACTIVITY_S: Final = 70.0
_LOGIN_AGAIN_S: Final = 5.0
# kopf gives its workers 2 s to finish, and its tasks 10 s to be cancelled.
_END_WITHIN_S: Final = 15.0
# A connection that was cancelled in its TLS handshake needs the loop a moment longer to close its socket.
_CLOSING_S: Final = 0.1

Seen = Callable[[Endpoint, str | None, Mapping[str, Any]], None]


class EndlessBackoff:
    """Delays that rise to the last one and stay there. Each iteration starts afresh; it has no length on purpose."""

    def __init__(self, delays_s: tuple[float, ...] = BACKOFFS_S) -> None:
        self._delays_s = delays_s

    def __iter__(self) -> Iterator[float]:
        return itertools.chain(self._delays_s, itertools.repeat(self._delays_s[-1]))


async def watch_for_ever(credentials: Credentials, seen: Seen, *, backoffs_s: tuple[float, ...] = BACKOFFS_S) -> None:
    """Pass every event to `seen`, in this loop, until cancelled. Raises HomeUnavailable when kopf ends by itself."""
    here = asyncio.get_running_loop()
    ended: asyncio.Future[str] = here.create_future()

    def tell(endpoint: Endpoint, kind: str | None, body: Mapping[str, Any]) -> None:
        here.call_soon_threadsafe(seen, endpoint, kind, body)

    kopf_thread = _KopfThread(credentials, tell, backoffs_s, lambda why: here.call_soon_threadsafe(_settle, ended, why))
    kopf_thread.start()
    try:
        why = await asyncio.shield(ended)
        raise HomeUnavailable(f"the watch of the cluster ended: {why}", advice="the controller has to start afresh")
    finally:
        kopf_thread.end()
        await asyncio.wait([ended], timeout=_END_WITHIN_S)


def _settle(ended: "asyncio.Future[str]", why: str) -> None:
    if not ended.done():
        ended.set_result(why)


class _KopfThread(threading.Thread):
    """Runs kopf until it ends or is told to. A daemon thread: should kopf not end, the process still can."""

    def __init__(
        self, credentials: Credentials, seen: Seen, backoffs_s: tuple[float, ...], ended: Callable[[str], object]
    ) -> None:
        super().__init__(name="kopf", daemon=True)
        self._credentials = credentials
        self._seen = seen
        self._backoffs_s = backoffs_s
        self._ended = ended
        self._loop = asyncio.new_event_loop()
        self._told_to_end = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Run kopf to its end and say why it ended."""
        why = "it was told to"
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._operate())
        except asyncio.CancelledError:
            pass
        except Exception as fault:  # noqa: BLE001 -- whatever kopf dies of is one sentence in our log and a fresh start
            why = str((*fault.args, type(fault).__name__)[0])
        else:
            why = "it ended by itself"
        with suppress(RuntimeError):  # the other loop may be closed
            self._ended(why)

    def end(self) -> None:
        """Tell kopf to end; from any thread, at any time."""
        self._told_to_end.set()
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _operate(self) -> None:
        _quieten()
        self._task = asyncio.current_task()
        if self._told_to_end.is_set():
            return
        try:
            await kopf.operator(
                registry=_registry(self._credentials, self._seen),
                settings=_settings(self._backoffs_s),
                clusterwide=True,
                standalone=True,
            )
        finally:
            await asyncio.sleep(_CLOSING_S)


def _registry(credentials: Credentials, seen: Seen) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    # A kubeconfig that cannot be read now may be readable in a moment: tried again without end.
    login = kopf.on.login(registry=registry, id="brownout", errors=kopf.ErrorsMode.TEMPORARY, backoff=_LOGIN_AGAIN_S)
    login(credentials.for_kopf)
    for endpoint in (INTEGRATIONS, POLICIES):
        kopf.on.event(endpoint.group, endpoint.version, endpoint.plural, registry=registry, id=endpoint.plural)(
            _handler(endpoint, seen)
        )
    return registry


def _handler(endpoint: Endpoint, seen: Seen) -> Any:
    async def on_event(event: kopf.RawEvent, **_: Any) -> None:
        # Async, though it awaits nothing: kopf would run a plain function in a thread.
        seen(endpoint, event["type"], event["object"])

    return on_event


def _settings(backoffs_s: tuple[float, ...]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # no listing of namespaces and CRDs, and no rights for it
    settings.networking.error_backoffs = EndlessBackoff(backoffs_s)
    settings.networking.request_timeout = _REQUEST_TIMEOUT_S
    settings.networking.connect_timeout = _CONNECT_TIMEOUT_S
    settings.watching.server_timeout = _SERVER_TIMEOUT_S
    settings.watching.inactivity_timeout = _INACTIVITY_S
    settings.watching.connect_timeout = _CONNECT_TIMEOUT_S
    settings.process.ultimate_exiting_timeout = None  # it would SIGKILL us 10 min after a clean end
    return settings


def _quieten() -> None:
    """Take from kopf's logs what would bury everything else: a line for each event, and tracebacks of what ends it.

    The error that ends kopf is logged by whoever ends the process for it, in one sentence.
    """
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    for name in ("orchestration", "running", "queueing"):
        logger = logging.getLogger(f"kopf._core.reactor.{name}")
        if _without_traceback not in logger.filters:
            logger.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return not record.getMessage().startswith("OS signals are ignored")  # as they should be

"""The life of a controller process: built, run until it is told to end, drained.

The first SIGTERM or SIGINT asks for a clean end: whatever runs is given its own grace. A second one ends it at once:
everything we started is killed, nothing is left running.
"""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from brownout import __version__
from brownout.bootstrap.assembly import Parts, world_of
from brownout.bootstrap.box import box
from brownout.bootstrap.choice import choose
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.console import ConsoleObserver
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.settings import HomeMode, Settings
from brownout.bootstrap.view import ControllerView
from brownout.core.errors import BrownoutError, ControllerFault
from brownout.engine.controller import Controller
from brownout.engine.observers import Observers
from brownout.engine.ports import Observer
from brownout.gateway.address import parse_address
from brownout.gateway.app import Gateway
from brownout.gateway.token import read_token
from brownout.telemetry.log_observer import LogObserver
from brownout.telemetry.logs import event
from brownout.telemetry.metrics import MetricsObserver
from brownout.telemetry.redact import redacted

_LOG = logging.getLogger("brownout.bootstrap")


async def live(settings: Settings) -> None:
    """Run a controller until a signal ends it. Raises BrownoutError where it cannot run, or cannot go on."""
    clock, faults = SteadyClock(), FaultLine()
    with ExitStack() as closing:
        parts = await _parts(settings, clock=clock, faults=faults, closing=closing)
        metrics = MetricsObserver(version=__version__, interval_s=lambda: parts.home.inventory().policy.spec.interval)
        observers: list[Observer] = [LogObserver(clock), metrics]
        world = world_of(parts, settings, clock=clock, faults=faults, observers=Observers(observers), closing=closing)
        signals = Signals()
        controller = Controller(world, (parts.service,))
        view = ControllerView(controller, world, metrics)
        if settings.table:
            observers.append(ConsoleObserver(view.integrations, clock.now))
        async with AsyncExitStack() as serving:
            serving.push_async_callback(parts.close)
            await _serve(settings, view, serving)
            await _until_told(controller, parts, signals)


async def _parts(settings: Settings, *, clock: SteadyClock, faults: FaultLine, closing: ExitStack) -> Parts:
    mode, why = await choose(settings)
    event(_LOG, logging.INFO, "starting", home=mode.value, because=why, state=settings.state, version=__version__)
    if mode is HomeMode.LOCAL:
        return box(settings, why, clock=clock, faults=faults, closing=closing)
    from brownout.bootstrap.cluster import cluster  # noqa: PLC0415 - kopf takes 40 MB that a box does not need

    return cluster(settings, why, clock=clock)


async def _serve(settings: Settings, view: ControllerView, serving: AsyncExitStack) -> None:
    address = parse_address(settings.listen)
    if address is None:
        return
    token = read_token(Path(settings.token_file)) if settings.token_file else None
    gateway = Gateway(view, address=address, redact=redacted, token=token, allow_hosts=settings.allow_hosts)
    await gateway.start()
    serving.push_async_callback(gateway.close)
    event(_LOG, logging.INFO, "listening", address=f"http://{gateway.address.authority}")


class Signals:
    """What the operating system asks of us."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.now = asyncio.Event()

    def install(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked, number)

    def _asked(self, number: int) -> None:
        (self.now if self.end.is_set() else self.end).set()
        event(_LOG, logging.INFO, "ending", signal=signal.Signals(number).name, at_once=self.now.is_set())


async def _until_told(controller: Controller, parts: Parts, signals: Signals) -> None:
    signals.install()
    running = asyncio.create_task(controller.run())
    told = asyncio.create_task(signals.end.wait())
    await asyncio.wait((running, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not running.done():
        running.cancel()
        hurrying = asyncio.create_task(_hurry(parts, signals))
        await asyncio.wait((running,))
        hurrying.cancel()
    if not running.cancelled() and (error := running.exception()) is not None:
        raise _root(error)


async def _hurry(parts: Parts, signals: Signals) -> None:
    await signals.now.wait()
    await parts.hurry()


def _root(error: BaseException) -> BaseException:
    """The fault behind a group: the first of our own, else a bug that we name as such."""
    found: list[BaseException] = [error]
    while found and isinstance(found[0], BaseExceptionGroup):
        found[:1] = found[0].exceptions
    ours = next((fault for fault in found if isinstance(fault, BrownoutError)), None)
    return ours or ControllerFault(f"{type(found[0]).__name__}: {found[0]}", advice="please report this")

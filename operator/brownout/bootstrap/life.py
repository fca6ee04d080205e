"""The life of a controller process: built, run until it is told to end, drained.

The first SIGTERM, SIGINT or SIGHUP (its terminal was closed) asks for a clean end: whatever runs is given its own
grace. A second one ends it at once: everything we started is killed, nothing is left running.
"""

import asyncio
import logging
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from signal import Signals as Signal

from brownout import __version__
from brownout.bootstrap.assembly import Parts, world_of
from brownout.bootstrap.box import box
from brownout.bootstrap.choice import choose
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.console import Console
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.notifying import hooks
from brownout.bootstrap.settings import HomeMode, Settings
from brownout.bootstrap.signals import Signals
from brownout.bootstrap.view import ControllerView
from brownout.core.errors import BrownoutError, ControllerFault, InvalidInput
from brownout.engine.controller import Controller
from brownout.engine.observers import Observer, Observers
from brownout.gateway.address import Address, parse_address
from brownout.gateway.app import Gateway
from brownout.gateway.token import Token, made_token, read_token
from brownout.telemetry.log_observer import LogObserver
from brownout.telemetry.logs import event
from brownout.telemetry.metrics import MetricsObserver
from brownout.telemetry.notify import Notifier
from brownout.telemetry.redact import redacted

_LOG = logging.getLogger("brownout.bootstrap")


async def live(settings: Settings, console: Console | None = None) -> Signal | None:
    """Run a controller until a signal ends it; that signal. Raises BrownoutError where it cannot run, or go on."""
    signals = Signals(console)
    signals.install()
    living = asyncio.create_task(_live(settings, console, signals))
    told = asyncio.create_task(signals.end.wait())
    await asyncio.wait((living, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not living.done():
        living.cancel()
        hurrying = asyncio.create_task(signals.hurry())
        await asyncio.wait((living,))
        hurrying.cancel()
    if not living.cancelled() and (error := living.exception()) is not None:
        raise _root(error)
    return signals.first


async def _live(settings: Settings, console: Console | None, signals: Signals) -> None:
    clock, faults = SteadyClock(), FaultLine()
    with ExitStack() as closing:
        mode, why = await choose(settings)
        parts = _parts(mode, why, settings, clock=clock, faults=faults, closing=closing)
        signals.in_a_hurry = parts.hurry
        metrics = MetricsObserver(version=__version__, interval_s=lambda: parts.home.inventory().policy.spec.interval)
        notifier = _notifier(parts, clock=clock, faults=faults)
        observers: list[Observer] = [LogObserver(clock), metrics, notifier, *((console,) if console else ())]
        world = world_of(parts, settings, clock=clock, faults=faults, observers=Observers(observers), closing=closing)
        controller = Controller(world, (parts.service,))
        view = ControllerView(controller, world, metrics, parts.secrecy)
        async with AsyncExitStack() as serving:
            serving.push_async_callback(parts.close)
            serving.push_async_callback(notifier.close)
            listening = await _serve(settings, view, serving)
            _begun(mode, why, settings, listening)
            if console:
                console.welcome(view, settings, why=parts.why, listening=listening)
            await controller.run()


def _notifier(parts: Parts, *, clock: SteadyClock, faults: FaultLine) -> Notifier:
    """Who tells the hooks of whatever policy is in force."""
    made = hooks(programs=parts.runs_programs)
    return Notifier(lambda: parts.home.inventory().policy.spec.notify, made, clock=clock, on_fault=faults)


def _begun(mode: HomeMode, why: str, settings: Settings, listening: str) -> None:
    """Tell the log. Not before all is there that can refuse: a run that cannot be has not begun."""
    event(_LOG, logging.INFO, "starting", home=mode.value, because=why, state=settings.state, version=__version__)
    if listening:
        event(_LOG, logging.INFO, "listening", address=listening)


def _parts(
    mode: HomeMode, why: str, settings: Settings, *, clock: SteadyClock, faults: FaultLine, closing: ExitStack
) -> Parts:
    if mode is HomeMode.LOCAL:
        return box(settings, why, clock=clock, faults=faults, closing=closing)
    from brownout.bootstrap.cluster import cluster  # noqa: PLC0415 - kopf takes 40 MB that a box does not need

    return cluster(settings, why, clock=clock, faults=faults, closing=closing)


async def _serve(settings: Settings, view: ControllerView, serving: AsyncExitStack) -> str:
    """Serve as long as the stack stands; the gateway's URL, empty where there is none."""
    address = parse_address(settings.listen)
    if address is None:
        return ""
    token = _token(settings, address)
    gateway = Gateway(view, address=address, redact=redacted, token=token, allow_hosts=settings.allow_hosts)
    await gateway.start()
    serving.push_async_callback(gateway.close)
    return f"http://{gateway.address.authority}"


def _token(settings: Settings, address: Address) -> Token | None:
    """Who may change something: whoever knows what is in the file that was named; on loopback, else in one of our own.

    A state folder that cannot be written costs this, and not the controller: then nothing can be changed over REST.
    """
    if settings.token_file:
        return read_token(Path(settings.token_file))
    if not address.loopback:
        return None
    try:
        return made_token(Path(settings.state) / "token")
    except InvalidInput as error:
        event(_LOG, logging.WARNING, "nothing can be changed over REST", error=str(error))
        return None


def _root(error: BaseException) -> BaseException:
    """The fault behind a group: the first of our own, else a bug that we name as such."""
    found: list[BaseException] = [error]
    while found and isinstance(found[0], BaseExceptionGroup):
        found[:1] = found[0].exceptions
    ours = next((fault for fault in found if isinstance(fault, BrownoutError)), None)
    return ours or ControllerFault(f"{type(found[0]).__name__}: {found[0]}", advice="please report this")

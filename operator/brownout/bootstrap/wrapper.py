"""The process that `brownout budget run` becomes: one program, its budget, and nothing of the command line's memory.

Opened, prepared and started with one thread, for the program is forked off here; then an event loop (wrap_life.py)
until nothing of the program is left.
"""

import asyncio
import os
import signal
from contextlib import ExitStack
from functools import partial
from typing import Final

from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.wrap_channels import MARK, WrapChannels, mark_of
from brownout.bootstrap.wrap_console import StandardError, give_back_row, line_wanted
from brownout.bootstrap.wrap_life import Wrapping, live
from brownout.bootstrap.wrap_opening import leftovers, opened
from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.core.budget.run import Ending
from brownout.core.budget.wrapping import SIGNAL_BASE, Standing, wrapped_advice
from brownout.core.errors import BrownoutError, describe
from brownout.history.budgets import SqliteBudgets
from brownout.local.foreground import Foreground, NotStarted, Tree, start, unstartable
from brownout.local.keeper import keep
from brownout.local.relay import PASSED_ON, hold_back
from brownout.local.report_channels import PipeChannel
from brownout.sensing.processes import ProcTable

__all__ = ["FAULT", "main"]

#: Brownout itself failed while the program ran, as timeout(1) has it.
FAULT: Final = 125


def main(arguments: list[str]) -> int:
    """Wrap the program of these arguments (settings, then its argv); the exit code."""
    hold_back()
    _fill_standard_descriptors()
    out = StandardError()
    try:
        settings = WrapSettings.from_json(arguments[0] if arguments else "")
        with ExitStack() as closing:
            return _wrapped(settings, arguments[1:], out, closing)
    except BrownoutError as error:
        out.say(str(error))
        return 1
    except OSError as error:
        out.say(f"{error.filename}: {error.strerror}" if error.filename else describe(error))
        return 1
    finally:
        out.close()


def _wrapped(settings: WrapSettings, argv: list[str], out: StandardError, closing: ExitStack) -> int:
    """Open, start, watch. What is left undone where something fails is undone here, in reverse order."""
    clock = SteadyClock()
    if (missing := unstartable(argv[0])) is not None:
        out.say(missing.why)
        return missing.exit_code
    pipe = PipeChannel()  # before anything else is open: shells can only write to descriptors of one digit
    store = SqliteBudgets(settings.state, on_fault=out.say)
    closing.callback(store.close)  # also ends our session, without ending the run
    held = opened(store, settings, now=clock.now())
    mark = mark_of(settings.state, held.run)
    leftovers(Tree(ProcTable(), MARK, mark), held.run)
    kept = store.last_checkpoint(held.run.id)
    channels = WrapChannels(pipe, held.run, mark=mark, upstream=settings.upstream, checkpoint=kept)
    closing.callback(channels.remove)
    tidy = partial(_tidy, channels, quiet=settings.quiet)
    keeper = keep(lambda: Tree(ProcTable(), MARK, mark), grace_s=settings.grace_s, afterwards=tidy)
    closing.callback(keeper.dismiss)
    advice = wrapped_advice(held.run, None, strict=settings.strict)
    channels.tell(Standing(run=held.run, progress=None, advice=advice))
    program = _started(argv, channels, Tree(ProcTable(), MARK, mark))
    if isinstance(program, NotStarted):
        # Nothing ran, so there is nothing to resume; a run that was to be resumed stays as it was.
        ending = None if settings.resume else Ending.ABANDONED
        store.leave(held.run.id, held.session, now=clock.now(), ending=ending)
        out.say(program.why)
        return program.exit_code
    keeper.look_after(program.process)
    wrapping = Wrapping(settings=settings, clock=clock, store=store, held=held, channels=channels, out=out)
    try:
        return asyncio.run(live(wrapping, program))
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user, and no program runs on without us
        out.say(f"this is a fault of brownout, please report it: {type(error).__name__}: {error}")
        keeper.hand_over()
        return FAULT


def _fill_standard_descriptors() -> None:
    """Where one of the three is closed (`2>&-`), the next file opened would get its number, and our sentences."""
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(lowest, True)
    os.close(lowest)


def _tidy(channels: WrapChannels, *, quiet: bool) -> None:
    """What a wrapper that was killed could not do, in its keeper: the folder, and the last row of the terminal."""
    channels.remove()
    if line_wanted(quiet=quiet):
        give_back_row(StandardError())


def _started(argv: list[str], channels: WrapChannels, tree: Tree) -> Foreground | NotStarted:
    """Start it; not if we were told to end before it could have heard that."""
    if waiting := signal.sigpending() & PASSED_ON:
        number = signal.Signals(min(waiting))
        return NotStarted(f"{number.name} came before the program was started", SIGNAL_BASE + number)
    return start(argv, channels.environment(os.environ), tree=tree)

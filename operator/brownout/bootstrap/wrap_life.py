"""The life of a wrapped program on one event loop: the parts joined, signals passed on, and the end told."""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.wrap_channels import WrapChannels
from brownout.bootstrap.wrap_console import StandardError, StatusLine, bar_line, line_wanted
from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.core.budget.advice import Advice
from brownout.core.budget.document import run_document
from brownout.core.budget.run import RunRecord
from brownout.core.budget.summary import summary
from brownout.core.budget.wrapping import Standing, exit_code, sentence
from brownout.disk.atomic import replace
from brownout.engine.budget_ledger import BudgetLedger
from brownout.engine.budgets import BudgetStore, Held
from brownout.engine.wrapped_run import Verdict, WrappedRun
from brownout.local.foreground import Foreground
from brownout.local.lane import Lane
from brownout.local.relay import relay

__all__ = ["Wrapping", "live"]

_DRAW_EVERY_S: Final = 0.5
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """All that one wrapping has at hand."""

    settings: WrapSettings
    clock: SteadyClock
    store: BudgetStore
    held: Held
    channels: WrapChannels
    out: StandardError


async def live(wrap: Wrapping, program: Foreground) -> int:
    """Until nothing of the program is left; the exit code."""
    settings, lane = wrap.settings, Lane("the store of budgets")
    ledger = BudgetLedger(
        wrap.store, wrap.held, clock=wrap.clock, disk=lane, complain=wrap.out.say, strict=settings.strict
    )
    await wrap.channels.serve(ledger)
    relay(partial(_pass_on, program))
    ledger.start()
    run = WrappedRun(
        ledger, program, clock=wrap.clock, grace_s=settings.grace_s,
        tell=partial(_tell, wrap, program), drain=wrap.channels.drain,
    )  # fmt: skip
    drawing = asyncio.create_task(_draw(wrap, ledger), name="draw")
    try:
        verdict = await run.run()
        record = await ledger.close(verdict.ending)
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        lane.close()
    return _told(wrap, verdict, record)


def _pass_on(program: Foreground, number: signal.Signals, from_terminal: bool) -> None:  # noqa: FBT001 - of relay
    """What came to us goes to the program, unless it has it already; while we end it, it ends at once."""
    if number in _ENDING and program.ending:
        program.hurry()
    elif not from_terminal:
        program.send(number)


def _tell(wrap: Wrapping, program: Foreground, standing: Standing) -> None:
    """Tell the program by its file and, where that was asked for, a signal; and the person who watches."""
    try:
        wrap.channels.tell(standing)
    except OSError as error:
        wrap.out.say(f"the program's notice cannot be written: {error.strerror}")
    if standing.advice is Advice.CONTINUE:
        return
    if wrap.settings.signal:
        program.send(signal.Signals[f"SIG{wrap.settings.signal}"])
    wrap.out.say(sentence(standing))


async def _draw(wrap: Wrapping, ledger: BudgetLedger) -> None:
    """The line, as long as somebody watches; and what could not be said before."""
    fancy = (getattr(sys.stderr, "encoding", None) or "").lower().startswith("utf")
    line = StatusLine(wrap.out, lambda _: bar_line(ledger.standing(), fancy=fancy))
    wanted = line_wanted(quiet=wrap.settings.quiet)
    try:
        while True:
            wrap.out.flush()
            if wanted:
                line.draw()
            await asyncio.sleep(_DRAW_EVERY_S)
    finally:
        line.erase()


def _told(wrap: Wrapping, verdict: Verdict, record: RunRecord) -> int:
    """Say what came of it; the exit code."""
    settings = wrap.settings
    document = json.dumps({**run_document(record), "exitStatus": verdict.status}, indent=2) + "\n"
    if settings.summary_file is not None:
        try:
            replace(Path(settings.summary_file), document.encode(), durable=False)
        except OSError as error:
            wrap.out.say(f"{settings.summary_file} cannot be written: {error.strerror}")
    if settings.json_summary:
        wrap.out.block(document)
    elif not settings.quiet:
        wrap.out.block(summary(record, status=verdict.status) + "\n")
    return exit_code(verdict.ending, verdict.status)

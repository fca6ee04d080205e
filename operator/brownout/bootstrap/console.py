"""What a person sees who runs the controller in a terminal: each step as a sentence, and the table of all below.

It takes the place of the log's text there; warnings and errors of the log come in between. Without rich: the
controller stays small. In a pipe, or where a log format is asked for, there is no console and the log says it all.
"""

import logging
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from brownout import __version__
from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.quantities import approximate_bytes
from brownout.api.reasons import Reason
from brownout.bootstrap.screen import USUAL_SIZE, Screen, painter, size_of
from brownout.bootstrap.settings import Settings, default_state
from brownout.core.instant import Instant
from brownout.core.table import integration_table, place
from brownout.core.tiers import thresholds_in_force
from brownout.core.wording import duration, percent, threshold
from brownout.engine.observers import BudgetDetails, StepDetails, TickDetails
from brownout.engine.ports import OutcomeStatus
from brownout.telemetry.lines import text_line
from brownout.telemetry.log_writer import LineWriter
from brownout.telemetry.logs import LineHandler
from brownout.telemetry.redact import redacted_text

_COLOURS: Final = {"Enabled": "32", "Lowered": "33", "Disabled": "31", "Failed": "1;31", "Pending": "2"}
_OUTCOMES: Final = {
    OutcomeStatus.FAILED: "failed",
    OutcomeStatus.SKIPPED: "not done",
    OutcomeStatus.RECORDED: "dry run, not done",
}
#: A tick that only holds for one of these says nothing that the table does not show.
_QUIET: Final = frozenset({Reason.WITHIN_LIMITS, Reason.STABILIZING, Reason.RESTORED})


class Seen(Protocol):
    """What the console shows of a controller."""

    def integrations(self) -> tuple[Integration, ...]:
        """All with their present status."""
        ...

    def policy(self) -> BrownoutPolicy:
        """The one in force."""
        ...

    def now(self) -> Instant:
        """Now."""
        ...


class Console:
    """An Observer that draws on a screen. It never waits for the terminal."""

    def __init__(self, screen: Screen, *, colour: bool) -> None:
        self._screen = screen
        self._paint = painter(_COLOURS) if colour else str
        self._colour = colour
        self._seen: Seen | None = None
        self._held = ""

    def take_log(self, level: int) -> None:
        """Show what the log says at this level and above on the screen, in place of where it went."""
        logging.getLogger().handlers[:] = [
            LineHandler(lambda record: text_line(record, colour=self._colour), self._screen.say)
        ]
        logging.getLogger("brownout").setLevel(level)

    def welcome(self, seen: Seen, settings: Settings, *, why: str, listening: str) -> None:
        """Say what has begun, and what can be done with it."""
        self._seen = seen
        where = _short(settings.directory) if settings.directory else "the cluster"
        self._screen.say(f"Brownout {__version__} looks after {where} ({why}).")
        if settings.dry_run:
            self._screen.say("Dry run: it decides, records and shows, and switches nothing.")
        gateway = f"Gateway at {listening}." if listening else "No gateway (--listen none)."
        self._screen.say(f"State in {_short(settings.state)}. {gateway}")
        self._screen.say(f"In another terminal: {command_here()} get integrations{_state_option(settings)}")
        self._screen.say("Ctrl-C ends it, and with it every program that it started.\n")

    def ending(self, *, at_once: bool) -> None:
        """Say that it ends."""
        how = "at once" if at_once else "each program gets its time; a second Ctrl-C ends all now"
        self._say(f"Ending, {how}.")

    def ended(self) -> None:
        """The last word; the table would tell of what no longer is."""
        self._screen.pin(())
        self._say("Ended. Nothing that it started is left running.")

    def on_tick(self, details: TickDetails) -> None:
        """Draw the table, and say what the tick holds for where that is news."""
        if self._seen is None:
            return
        decision = details.decision
        news = decision.message if decision.holds and decision.reason not in _QUIET else ""
        if news and decision.reason != self._held:
            self._say(news)
        self._held = decision.reason if news else ""
        self._screen.pin(self._block(self._seen, details), self._paint)

    def on_step(self, details: StepDetails) -> None:
        """Say what was done, or why not."""
        step, outcome = details.step, details.outcome
        trouble = _OUTCOMES.get(outcome.status)
        because = f"; {outcome.detail}" if trouble and outcome.detail else ""
        self._say(f"{trouble}: {step.message}{because}" if trouble else step.message)

    def on_budget(self, details: BudgetDetails) -> None:
        """Say how a run stands to its limits from now on."""
        self._say(f"{details.name}: {details.message}")

    def on_fault(self, where: str, message: str) -> None:
        """Faults come with the log, which tells the same one only once a minute."""

    def _say(self, text: str) -> None:
        now = self._seen.now() if self._seen else 0.0
        self._screen.say(f"{datetime.fromtimestamp(now, tz=UTC).astimezone():%H:%M:%S}  {redacted_text(text)}")

    def _block(self, seen: Seen, details: TickDetails) -> list[str]:
        table = integration_table(sorted(seen.integrations(), key=place), now=seen.now())
        return ["", *table.splitlines(), "", *_memory_lines(seen.policy(), details)]


def _memory_lines(policy: BrownoutPolicy, details: TickDetails) -> tuple[str, str]:
    """`RAM 61.2 % of 12 GiB, forecast 63.0 % in 5 min`, and what happens at which."""
    status, limit_bytes = details.policy_status, details.sample.memory_limit_bytes
    limits = thresholds_in_force(policy)
    measured = "unknown" if status.memory_percent is None else percent(status.memory_percent)
    of = f" of {approximate_bytes(limit_bytes)}" if limit_bytes else ""
    ahead = duration(policy.spec.forecast.horizon)
    foretold = f", forecast {percent(status.forecast_percent)} in {ahead}" if status.forecast_percent else ""
    edges = f"gives way at {threshold(limits.disable)}, comes back below {threshold(limits.enable)}"
    return f"RAM {measured}{of}{foretold}", f"{edges}, emergency at {threshold(limits.emergency)}"


def console_of(settings: Settings, level: int, environ: Mapping[str, str] = os.environ) -> tuple[Console, LineWriter]:
    """A console on standard output, and the writer that has to be closed after it."""
    writer = LineWriter(1, dropped_line=lambda count: f"... {count} lines were lost while the terminal did not read")
    console = Console(Screen(writer.write, size=_size), colour=not environ.get("NO_COLOR"))
    if sys.stderr.isatty():
        console.take_log(level if settings.log_level == "debug" else max(level, logging.WARNING))
    return console, writer


def wanted(settings: Settings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a terminal that can be drawn on, and nobody asked for a log in its place."""
    return settings.table and settings.log_format == "auto" and environ.get("TERM", "dumb") != "dumb"


def command_here(python: str = sys.executable, *, path: str | None = None) -> str:
    """`brownout` as a person can type it in this folder: a `.venv` need not be on the path of each terminal."""
    beside = Path(python).with_name("brownout")
    return "brownout" if shutil.which("brownout", path=path) or not beside.is_file() else _short(str(beside))


def _size() -> os.terminal_size:
    return size_of(1) or USUAL_SIZE


def _short(path: str | None) -> str:
    """A path as a person would type it here."""
    place_of = Path(path or "")
    if place_of.is_relative_to(Path.cwd()) and place_of != Path.cwd():
        return str(place_of.relative_to(Path.cwd()))
    home = Path.home()
    return f"~/{place_of.relative_to(home)}" if place_of.is_relative_to(home) else str(place_of)


def _state_option(settings: Settings) -> str:
    """The option that finds this controller, where it is needed."""
    return "" if Path(settings.state) == default_state() else f" --state {_short(settings.state)}"

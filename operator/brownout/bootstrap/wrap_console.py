"""What a person sees of a wrapped run: sentences and a line with bars on standard error, a summary at the end.

Standard output belongs to the program. The line stands in the last row, which is taken out of the terminal's scrolling
meanwhile, so that nothing the program prints meets it. Nothing here ever waits for a terminal: one that is stopped
with Ctrl-S gets the sentences later and the line not at all.
"""

import os
import select
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from brownout.bootstrap.screen import painter, size_of
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import RunRecord
from brownout.core.budget.summary import TITLES, amount
from brownout.core.budget.wrapping import Standing
from brownout.telemetry.plain import inert

__all__ = ["StandardError", "StatusLine", "bar_line", "give_back_row", "line_wanted"]

_MOST_WAITING: Final = 200
_END_S: Final = 2.0
_BAR_CELLS: Final = 10
_SMALLEST_ROWS: Final = 4
#: A line that stays the same is drawn so seldom: whoever marks text with the mouse loses it at each draw.
_DRAWN_AGAIN_AFTER: Final = 10
_PAINT: Final = painter({"OK": "32", "Approaching": "33", "Exceeded": "31"})


class StandardError:
    """Sentences, in order. What cannot be written now waits; beyond 200 of them the oldest are lost."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._waiting: list[str] = []

    def say(self, text: str) -> None:
        """One line, marked as ours."""
        self._waiting = [*self._waiting, f"brownout: {inert(text)}\n"][-_MOST_WAITING:]
        self.flush()

    def block(self, text: str) -> None:
        """Lines that are not marked, below all that was said."""
        self._waiting += text.splitlines(keepends=True)

    def flush(self, *, within_s: float = 0.0) -> None:
        """Write what can be written without waiting longer than this for each line."""
        while self._waiting and self.ready(within_s):
            self.write(self._waiting.pop(0))

    def close(self) -> None:
        """Write whatever waits; a reader who does not come within 2 s misses it."""
        self.flush(within_s=_END_S)

    def ready(self, within_s: float = 0.0) -> bool:
        """Whether a write would not wait."""
        with suppress(OSError, ValueError):
            return bool(select.select((), (self._descriptor,), (), within_s)[1])
        return False

    def write(self, text: str) -> None:
        """All of it now; a reader who is gone is no fault."""
        view = memoryview(text.encode("utf-8", "backslashreplace"))
        with suppress(OSError):
            while view:
                view = view[os.write(self._descriptor, view) :]


class StatusLine:
    """The last row of a terminal. `text` makes what stands there, for so many columns."""

    def __init__(self, out: StandardError, text: Callable[[int], str], *, descriptor: int = 2) -> None:
        self._out = out
        self._text = text
        self._descriptor = descriptor
        self._shown = ""
        self._kept = 0

    def draw(self) -> None:
        """Draw it, unless we are in the background: the terminal is another's then."""
        size = size_of(self._descriptor)
        if size is None or size.lines < _SMALLEST_ROWS or not self._is_ours() or not self._out.ready():
            return
        # A line feed makes room where the cursor stands in the last row; then back up. The region is set at each draw:
        # a program that clears the terminal or a window that changes its size takes it away.
        room = "" if self._shown else "\n\x1b[A"
        text = _PAINT(inert(self._text(size.columns - 1))[: size.columns - 1])
        self._kept = self._kept + 1 if text == self._shown else 0
        if self._kept % _DRAWN_AGAIN_AFTER:
            return
        self._out.write(f"{room}\x1b7\x1b[1;{size.lines - 1}r\x1b[{size.lines};1H\x1b[2K{text}\x1b8")
        self._shown = text

    def erase(self) -> None:
        """Give the row back."""
        if self._shown:
            give_back_row(self._out, self._descriptor)
        self._shown = ""

    def _is_ours(self) -> bool:
        with suppress(OSError):
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        return False


def give_back_row(out: StandardError, descriptor: int = 2) -> None:
    """Let the whole terminal scroll again, and clear its last row."""
    size = size_of(descriptor)
    if size is not None:
        out.write(f"\x1b7\x1b[r\x1b[{size.lines};1H\x1b[2K\x1b8")


def line_wanted(*, quiet: bool, environ: Mapping[str, str] = os.environ, descriptor: int = 2) -> bool:
    """Whether there is a terminal that can be drawn on, and nobody asked for silence."""
    return not quiet and os.isatty(descriptor) and environ.get("TERM", "dumb") != "dumb"


def bar_line(standing: Standing, *, fancy: bool) -> str:
    """`agent  OK  time ###------- 31 %  tokens ########-- 81 %  API calls 12`. `fancy`: blocks in place of `#`."""
    run = standing.run
    assessment = run.assessment()
    parts = [run.name, str(assessment.state), *(_bar(run, measure, fancy=fancy) for measure in Measure)]
    if standing.progress is not None:
        parts.append(f"done {100 * standing.progress:.0f} %")
    return "  ".join(filter(None, parts))


def _bar(run: RunRecord, measure: Measure, *, fancy: bool) -> str:
    line = run.assessment().lines[measure]
    if line.percent is None:
        return f"{TITLES[measure]} {amount(measure, line.used)}" if line.used else ""
    percent = min(line.percent, 100.0 if line.percent == float("inf") else 999.0)
    full, empty = ("█", "░") if fancy else ("#", "-")
    cells = min(_BAR_CELLS, int(percent * _BAR_CELLS / 100))
    return f"{TITLES[measure]} {full * cells}{empty * (_BAR_CELLS - cells)} {percent:.0f} %"

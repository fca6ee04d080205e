"""Trace files: CSV as people and spreadsheets write it, into a trace, or into what is wrong with it, line by line."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from brownout.core.errors import InvalidInput
from brownout.simulate.traces import Trace

HEADER = "timestamp_s,value_percent"
# Nobody reads further: a file in another format is wrong in each of its lines.
MOST_TOLD = 10
LONGEST_SHOWN = 40


def read_trace(text: str, name: str) -> Trace:
    """The trace of a CSV `timestamp_s,value_percent`. InvalidInput has a line for each line that is wrong: its number,
    its value, and what is allowed.
    """
    problems: list[str] = []
    points: list[tuple[float, float]] = []
    for number, line in _rows(text, name):
        try:
            points.append(_point(line, points[-1][0] if points else -math.inf))
        except ValueError as wrong:
            problems.append(f"{name}, line {number}: {wrong}")
    if problems:
        raise InvalidInput("\n".join(_told(problems, name)))
    if len(points) < 2:
        raise InvalidInput(f"{name}: {len(points)} samples: a trace needs at least 2")
    return Trace(name=name, step_s=_step_s(points, name), values=tuple(value for _, value in points))


def _told(problems: Sequence[str], name: str) -> Sequence[str]:
    rest = len(problems) - MOST_TOLD
    return problems if rest <= 0 else [*problems[:MOST_TOLD], f"{name}: {rest} more lines are wrong"]


def _rows(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The lines that hold samples, with their numbers as an editor shows them."""
    lines = enumerate(text.lstrip("\ufeff").splitlines(), start=1)
    filled = ((number, line.strip()) for number, line in lines if not line.isspace() and line)
    _, first = next(filled, (1, ""))
    if "".join(first.split()).lower() != HEADER:
        raise InvalidInput(f"{name}, line 1: {_shown(first)}: the first line must be {HEADER}")
    return filled


def _point(line: str, before: float) -> tuple[float, float]:
    """Instant and value; a ValueError says what is wrong."""
    cells = line.split(",")
    if len(cells) != 2:
        raise ValueError(f"{_shown(line)}: must be two numbers, {HEADER}")
    at, value = _number(cells[0]), _number(cells[1])
    if not 0.0 <= value <= 100.0:
        raise ValueError(f"{_short(cells[1].strip())}: value_percent must be from 0 to 100")
    if at <= before:
        raise ValueError(f"{at:g}: timestamp_s must be after the one before it, {before:g}")
    return at, value


def _number(cell: str) -> float:
    try:
        # Python reads 1_000 and digits of every script; who wrote them may have meant something else.
        number = float(cell) if cell.isascii() and "_" not in cell else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{_shown(cell.strip())}: must be a finite number")
    return number


def _shown(text: str) -> str:
    """As it stands in the file, in quotes, on one line."""
    return repr(_short(text))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _step_s(points: Sequence[tuple[float, float]], name: str) -> float:
    """The median step: gaps and jitter of a recording do not stretch the rest of it."""
    step_s = median(after - before for (before, _), (after, _) in pairwise(points))
    if not math.isfinite(step_s):
        raise InvalidInput(f"{name}: its timestamps are too far apart")
    return step_s

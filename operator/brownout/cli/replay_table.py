"""The scores of a replay as people read them: a row for each policy, native and interpolated side by side."""

import sys
from collections.abc import Callable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from brownout.simulate.report import Row, Summary, summaries

#: Where nobody's terminal says how wide it is (a file, a pipe) nothing is cut.
UNBOUNDED = 240
_FIGURES: Mapping[str, Callable[[Summary], str]] = {
    "J": lambda it: f"{it.j:.0f}",
    "min >= 80 %": lambda it: f"{it.mean.minutes_80:.1f}",
    "min >= 95 %": lambda it: f"{it.mean.minutes_95:.1f}",
    "lost": lambda it: f"{it.mean.lost_weighted:.0f}",
    "needless": lambda it: f"{it.mean.lost_needlessly:.0f}",
    "flips": lambda it: f"{it.mean.flips:.0f}",
    "J/plain": lambda it: _ratio(it.j_over_plain),
    "J/oracle": lambda it: _ratio(it.j_over_oracle),
}


def print_scores(rows: Sequence[Row]) -> None:
    """The table on standard output, and under it what its words mean."""
    found = summaries(rows)
    modes = list(dict.fromkeys(each.mode for each in found))
    table = Table(box=SIMPLE_HEAD, caption=_caption(rows, modes), caption_justify="left")
    table.add_column("policy")
    for title in _FIGURES:
        table.add_column(title, justify="right", no_wrap=True)
    for policy in dict.fromkeys(each.policy for each in found):
        of = {each.mode: each for each in found if each.policy == policy}
        table.add_row(policy, *(_cell(title, of, modes) for title in _FIGURES))
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=UNBOUNDED)
    console.print(table)


def _cell(title: str, of: dict[str, Summary], modes: Sequence[str]) -> str:
    return " / ".join(_FIGURES[title](of[mode]) for mode in modes)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _caption(rows: Sequence[Row], modes: Sequence[str]) -> str:
    traces = len({row.trace for row in rows})
    mean = "" if traces == 1 else f", the mean of {traces} traces"
    return (
        f"Per day{mean}; {' / '.join(modes)}. J is what a day costs, less is better: 5 for a minute at or above 80 %, "
        "20 more at 95 %, a lost minute its weight, a flip 1. Needless is what was lost while all would have fitted."
    )

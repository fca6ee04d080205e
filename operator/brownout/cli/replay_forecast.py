"""`brownout replay --forecast`: how good the forecasts are on a load, each candidate beside what the product says."""

import sys
from collections.abc import Callable, Sequence

from brownout.cli.options import print_json
from brownout.cli.progress import progress
from brownout.core.errors import InvalidInput
from brownout.core.table import plain_table
from brownout.simulate.forecasts import AHEAD_TICKS, ForecastRow, forecast_rows, forecast_steps
from brownout.simulate.traces import Base

_HEADER = ("TRACE", "HORIZON", "MODEL", "ERROR/LAST-VALUE", "COVERAGE 90 %", "WIDTH 90 %", "VOTES")


def print_forecasts(bases: Sequence[Base], *, as_json: bool) -> None:
    """Score the forecasts on these base loads, and print a row for each model."""
    with progress("forecasting", sum(map(forecast_steps, bases))) as tick:
        rows = [row for base in bases for row in _rows(base, tick)]
    if not rows:
        raise InvalidInput("no trace is left to forecast", advice="give one with an hour at least")
    if as_json:
        print_json({"rows": [row.document() for row in rows]})
        return
    sys.stdout.write(plain_table(_HEADER, [_cells(row) for row in rows]) + "\n")


def _rows(base: Base, tick: Callable[[], None] | None) -> Sequence[ForecastRow]:
    rows = forecast_rows(base, on_tick=tick)
    if not rows:
        sys.stderr.write(f"note: {base.name} ({base.mode}) is left out: nothing of it lies {AHEAD_TICKS} ticks ahead\n")
    return rows


def _cells(row: ForecastRow) -> tuple[str, ...]:
    figures = (_figure(row.mase), _figure(row.coverage_90), _figure(row.width_90), _figure(row.votes))
    return (row.trace, row.horizon, row.model, *figures)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

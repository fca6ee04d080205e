"""Figures as a table for people and as JSON for programs: each with its unit, and the goal it is held against."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from brownout.core.table import plain_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number. `goal` and `floor` are upper bounds in the same unit, where there are any: what is aimed at,
    and what must be kept.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    floor: float | None = None
    note: str = ""


def show(figures: Sequence[Figure], path: Path) -> None:
    """Print the table and write the JSON."""
    rows = [
        (it.name, f"{it.value:.4g}", it.unit, _bound(it.floor), _bound(it.goal), _verdict(it), it.note)
        for it in figures
    ]
    print(plain_table(("FIGURE", "VALUE", "UNIT", "FLOOR", "GOAL", "", "NOTE"), rows))
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    path.write_text(json.dumps({**machine, "figures": [asdict(it) for it in figures]}, indent=2) + "\n")
    print(f"\nalso in {path}")


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _verdict(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    if figure.value <= figure.goal:
        return "ok"
    return "OVER" if figure.floor is None or figure.value > figure.floor else "floor kept"


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]

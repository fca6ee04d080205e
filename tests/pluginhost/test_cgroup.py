"""Laws of control groups: each worker has its own while it lives, of what we may make, and none is left."""

import os
from pathlib import Path

import pytest

from brownout.pluginhost import cgroup
from brownout.pluginhost.cgroup import ControlGroup
from brownout.pluginhost.cpu_group import CpuGroup
from brownout.pluginhost.host import PluginHost
from tests.pluginhost.groups import groups_of, may_make
from tests.pluginhost.stage import Stage


def unified(root: Path, monkeypatch: pytest.MonkeyPatch, *files: str) -> Path:
    """A unified hierarchy in which the kernel has put these files into the folder of the group `one`; that folder."""
    folder = root / "box" / "brownout-plugin-one"
    folder.mkdir(parents=True)
    (root / "cgroup.controllers").touch()
    for name in files:
        (folder / name).touch()
    (root / "self").write_text("0::/box\n")
    monkeypatch.setattr(cgroup, "_ROOT", root)
    monkeypatch.setattr(cgroup, "_OURS", root / "self")
    return folder


def made() -> ControlGroup:
    """The group `one`."""
    group = ControlGroup.make("one", memory_bytes=2**20, processes=3)
    assert isinstance(group, ControlGroup)
    return group


def test_in_the_unified_hierarchy_one_folder_is_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process is there in one group only: its limits and its place are told to the same."""
    folder = unified(tmp_path, monkeypatch, "memory.max", "pids.max", "cpu.idle", "cpu.weight")
    group = made()
    assert (group.folders, group.cpu) == ((folder,), CpuGroup(folder, "cpu.weight", idle=True))
    assert group.add(7) == group
    for behind, yields, idle, weight in ((True, True, "1", ""), (True, False, "0", "10"), (False, False, "0", "100")):
        assert group.cpu is not None
        group.cpu.place(behind=behind, yields=yields)
        assert ((folder / "cpu.idle").read_text(), (folder / "cpu.weight").read_text()) == (idle, weight)
    told = [(folder / name).read_text() for name in ("memory.max", "pids.max", "cgroup.procs")]
    assert told == [str(2**20), "3", "7"]


def test_before_a_group_may_be_idle_its_weight_says_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 5.15: a tenth."""
    folder = unified(tmp_path, monkeypatch, "memory.max", "pids.max", "cpu.weight")
    cpu = made().cpu
    assert cpu is not None
    cpu.place(behind=True, yields=True)
    assert (folder / "cpu.weight").read_text() == "10"


def test_without_the_cpu_controller_the_limits_hold_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who delegates memory and pids alone gets what it got before; without those there is no group."""
    unified(tmp_path / "two", monkeypatch, "memory.max", "pids.max")
    assert made().cpu is None
    unified(tmp_path / "one", monkeypatch, "memory.max", "cpu.weight")
    assert isinstance(ControlGroup.make("one", memory_bytes=2**20, processes=3), str)


def test_where_the_cpu_controller_refuses_a_process_its_limits_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one with real time is refused. Nobody then takes the group for what says its place."""
    folder = unified(tmp_path / "limits", monkeypatch, "memory.max", "pids.max")
    empty = tmp_path / "cpu"
    (empty / "cgroup.procs").mkdir(parents=True)  # nothing can be written into it
    group = ControlGroup(made().folders, CpuGroup(empty, "cpu.shares", idle=False)).add(7)
    assert (group.cpu, (folder / "cgroup.procs").read_text()) == (None, "7")


def test_a_run_has_groups_while_it_lives_and_none_afterwards(stage: Stage) -> None:
    """Here, in whatever hierarchy they are: as many as of the next run."""

    async def story(host: PluginHost) -> None:
        for _ in range(2):
            await host.start(stage.launch("one"))
            groups = groups_of(os.getpid())
            assert bool(groups) == (may_make() is not None)
            await host.stop("one", grace_s=1.0)
            assert groups_of(os.getpid()) == []

    stage.live(story)

"""Room in our own cgroups: the tightest limit counts, and what cannot be read is no limit."""

import asyncio
from pathlib import Path

import pytest

from brownout.training import child
from brownout.training.room import room_bytes
from tests.training.series import autoregressive, make_request
from tests.training.state import make_trainer, names, python

MIB = 2**20


def make_group(folder: Path, *, limit: str, used_mib: int = 0, cache_mib: int = 0) -> None:
    """A cgroup as the kernel shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used_mib * MIB}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache_mib * MIB}\nactive_file 5\n")


def room(folder: Path, ours: str) -> int | None:
    """The room of a process in this cgroup, in MiB."""
    (folder / "self").write_text(ours)
    found = room_bytes(mount=folder / "cgroup", ours=folder / "self")
    return None if found is None else found // MIB


def test_in_a_container_the_mount_is_ours(tmp_path: Path) -> None:
    """Limit less use; page cache that is not looked at can be had back."""
    make_group(tmp_path / "cgroup", limit=str(256 * MIB), used_mib=100, cache_mib=20)
    assert room(tmp_path, "0::/\n") == 176


def test_the_tightest_above_us_counts(tmp_path: Path) -> None:
    """A slice may allow less than the service in it."""
    make_group(tmp_path / "cgroup/user.slice", limit=str(512 * MIB), used_mib=500)
    make_group(tmp_path / "cgroup/user.slice/brownout.service", limit=str(400 * MIB), used_mib=60)
    assert room(tmp_path, "1:name=systemd:/x\n0::/user.slice/brownout.service\n") == 12


@pytest.mark.parametrize("ours", ["", "0::/\n", "0::/../../etc\n", "5:memory:/x\n", "\x00\xff"])
def test_without_a_limit_there_is_room(tmp_path: Path, ours: str) -> None:
    """`max`, no such file, an older kernel, garbage: nothing speaks against it."""
    assert room(tmp_path, ours) is None
    make_group(tmp_path / "cgroup", limit="max")
    assert room(tmp_path, ours) is None


def test_without_room_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that breaks the limit of our container would take us along: it is not begun, and that is said."""
    monkeypatch.setattr(child, "room_bytes", lambda: 120 * MIB)
    trainer = make_trainer(tmp_path, python("open('was-here', 'w')"))
    report = asyncio.run(trainer.train(make_request(autoregressive(10))))
    assert report is not None
    assert report.fault == "our own memory limit leaves 120 MiB, and a training needs up to 300"
    assert names(tmp_path) == []

"""What the machine has, from made-up trees of /proc and /sys and from a made-up nvidia-smi, a real child process."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brownout.api.policy import Scope
from brownout.core.tiers import Hardware
from brownout.sensing.hardware import MachineHardware, Roots
from tests.sensing.trees import NO_LIMIT_V1, Machine

GIB = 2**30


@dataclass
class Bench:
    """A sensor on a machine of files with 4 cores, and what it complained of."""

    machine: Machine
    faults: list[str] = field(default_factory=list)
    patience_s: float = 10.0
    sensor: MachineHardware | None = None

    @property
    def program(self) -> Path:
        """Where the made-up nvidia-smi stands."""
        return self.machine.root / "bin" / "nvidia-smi"

    def nvidia_smi(self, script: str) -> None:
        """Install a tool that does this."""
        self.machine.write(self.program, f"#!/bin/sh\n{script}\n")
        self.program.chmod(0o755)

    def amd_card(self, number: int, vram: str) -> None:
        """Install an AMD card."""
        folder = self.machine.root / "sys" / "class" / "drm" / f"card{number}" / "device"
        self.machine.write(folder / "mem_info_vram_total", vram)

    def look(self) -> Hardware:
        """What a first look finds."""
        self.sensor = self.sensor or MachineHardware(
            on_fault=lambda where, message: self.faults.append(f"{where}: {message}"),
            roots=Roots(proc=self.machine.proc, cgroup=self.machine.cgroup, sys=self.machine.root / "sys"),
            nvidia_smi=str(self.program) if self.program.exists() else None,
            allowed=lambda: 4,
            patience_s=self.patience_s,
        )
        asyncio.run(self.sensor.refresh())
        return self.sensor.known(scope=Scope.AUTO, budget_bytes=None)


@pytest.fixture
def bench(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench; this machine's own nvidia-smi is out of sight."""
    monkeypatch.setenv("PATH", "/bin:/usr/bin" if not Path("/usr/bin/nvidia-smi").exists() else "/bin")
    bench = Bench(machine)
    yield bench
    if bench.sensor is not None:
        bench.sensor.close()


def test_a_plain_machine(bench: Bench) -> None:
    """12 GiB, the cores that the scheduler allows, and no GPU: looked for and not there."""
    assert bench.look() == Hardware(memory_bytes=12 * GIB, cores=4.0, gpu=False)
    assert bench.faults == []


# --- memory --------------------------------------------------------------------------------------------------------


def test_memory_is_the_least_limit_in_force(bench: Bench) -> None:
    """Of node, cgroups and budget; it does not follow the level that happens to be fullest."""
    bench.machine.member_of("0::/pod/voice\n")
    bench.machine.v2("pod/voice", current=1 * GIB, limit=4 * GIB)
    bench.machine.v2("pod", current=7 * GIB, limit=8 * GIB)
    assert bench.look().memory_bytes == 4 * GIB
    assert bench.sensor is not None
    assert bench.sensor.known(scope=Scope.NODE, budget_bytes=None).memory_bytes == 12 * GIB
    assert bench.sensor.known(scope=Scope.NODE, budget_bytes=3 * GIB).memory_bytes == 3 * GIB
    assert bench.sensor.known(scope=Scope.CGROUP, budget_bytes=3 * GIB).memory_bytes == 3 * GIB


def test_memory_on_v1_counts_limits_out_of_sight(bench: Bench) -> None:
    """`hierarchical_memory_limit` tells of ancestors that a container cannot see."""
    bench.machine.member_of("4:memory:/docker/abc\n")
    bench.machine.v1("docker/abc", usage=GIB, limit=NO_LIMIT_V1, above=2 * GIB)
    assert bench.look().memory_bytes == 2 * GIB


def test_memory_that_cannot_be_read_is_what_it_was(bench: Bench) -> None:
    """A tier must not change because one reading failed; what was never read is unknown."""
    assert bench.look().memory_bytes == 12 * GIB
    bench.machine.write(bench.machine.proc / "meminfo", "garbage\n")
    assert bench.look().memory_bytes == 12 * GIB
    assert bench.sensor is not None
    assert bench.sensor.known(scope=Scope.NODE, budget_bytes=None).memory_bytes is None


# --- cores ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "above", "cores"),
    [
        ("max 100000", "max 100000", 4.0),
        ("150000 100000", "max 100000", 1.5),
        ("800000 100000", "200000 100000", 2.0),
        ("50000 100000", "200000 100000", 0.5),
        ("900000 100000", "max 100000", 4.0),
    ],
)
def test_the_least_quota_of_v2_counts(bench: Bench, own: str, above: str, cores: float) -> None:
    """Up the chain, and never more than the cores that there are."""
    bench.machine.member_of("0::/pod/voice\n")
    bench.machine.write(bench.machine.cgroup / "cgroup.controllers", "cpu memory\n")
    bench.machine.write(bench.machine.cgroup / "pod" / "cpu.max", f"{above}\n")
    bench.machine.write(bench.machine.cgroup / "pod" / "voice" / "cpu.max", f"{own}\n")
    assert bench.look().cores == cores
    assert bench.faults == []


@pytest.mark.parametrize(("quota", "cores"), [("-1", 4.0), ("250000", 2.5)])
@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_the_quota_of_v1_counts(bench: Bench, mount: str, quota: str, cores: float) -> None:
    """Under either name of its mount; -1 is none."""
    bench.machine.member_of("3:cpu,cpuacct:/docker/abc\n")
    folder = bench.machine.cgroup / mount / "docker" / "abc"
    bench.machine.write(folder / "cpu.cfs_quota_us", f"{quota}\n")
    bench.machine.write(folder / "cpu.cfs_period_us", "100000\n")
    assert bench.look().cores == cores


@pytest.mark.parametrize("garbage", ["", "0 100000", "100000 0", "many 100000", "-5 100000"])
def test_a_garbled_quota_makes_the_cores_unknown(bench: Bench, garbage: str) -> None:
    """Taking it for none would call a small machine large. An empty file is none: v2 writes `max`."""
    bench.machine.member_of("0::/voice\n")
    bench.machine.write(bench.machine.cgroup / "cgroup.controllers", "cpu memory\n")
    bench.machine.write(bench.machine.cgroup / "voice" / "cpu.max", f"{garbage}\n")
    found = bench.look()
    assert found.cores == (4.0 if not garbage else None)
    assert found.gpu is False
    assert bool(garbage) is any("cores cannot be found out" in fault for fault in bench.faults)


# --- GPUs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "gpu", "memory"),
    [
        ("echo 8192", True, 8 * GIB),
        ("printf '8192\\n24576\\n'", True, 24 * GIB),
        ("echo '[N/A]'", True, None),
        ("printf '8192\\n[N/A]\\n'", True, None),
        ("echo 'No devices were found'; exit 6", False, None),
        ("echo 'No devices were found'", False, None),
        ("exit 9", None, None),
        ("printf '\\377\\376'; exit 9", None, None),
    ],
)
def test_what_nvidia_smi_says(bench: Bench, script: str, gpu: bool | None, memory: int | None) -> None:  # noqa: FBT001
    """The largest GPU counts; one that does not say leaves it unknown, and a tool that fails leaves all unknown."""
    bench.nvidia_smi(script)
    found = bench.look()
    assert (found.gpu, found.gpu_memory_bytes, found.cores) == (gpu, memory, 4.0)
    assert bool(bench.faults) is (gpu is None)


def test_it_is_asked_in_one_way(bench: Bench) -> None:
    """For the memory alone, as plain numbers, in no language."""
    bench.nvidia_smi(
        '[ "$*" = "--query-gpu=memory.total --format=csv,noheader,nounits" ] && [ "$LC_ALL" = C ] && echo 1'
    )
    assert bench.look().gpu_memory_bytes == 2**20


def test_a_tool_that_hangs_is_ended(bench: Bench) -> None:
    """It costs its patience, and its GPUs are unknown; the next look is made."""
    bench.patience_s = 0.2
    bench.nvidia_smi("exec sleep 600")
    assert bench.look().gpu is None
    assert "timed out" in bench.faults[0]
    bench.nvidia_smi("echo 4096")
    bench.faults.clear()
    assert (bench.look().gpu_memory_bytes, bench.faults) == (4 * GIB, [])


def test_a_tool_that_cannot_be_run_tells_nothing(bench: Bench) -> None:
    """Not executable: unknown, not absent."""
    bench.nvidia_smi("echo 4096")
    bench.program.chmod(0o644)
    assert bench.look().gpu is None
    assert "NVIDIA GPUs cannot be found out" in bench.faults[0]


def test_a_driver_without_its_tool_tells_that_there_is_one(bench: Bench) -> None:
    """In a container the tool may be missing: a GPU of unknown memory."""
    (bench.machine.proc / "driver" / "nvidia" / "gpus" / "0000:01:00.0").mkdir(parents=True)
    found = bench.look()
    assert (found.gpu, found.gpu_memory_bytes) == (True, None)


def test_amd_cards_are_read_from_sys(bench: Bench) -> None:
    """The largest of them; connectors of a card have no memory of their own."""
    bench.amd_card(0, f"{2 * GIB}\n")
    bench.amd_card(1, f"{16 * GIB}\n")
    (bench.machine.root / "sys" / "class" / "drm" / "card1-DP-1" / "device").mkdir(parents=True)
    found = bench.look()
    assert (found.gpu, found.gpu_memory_bytes) == (True, 16 * GIB)


def test_garbage_in_sys_is_a_card_of_unknown_memory(bench: Bench) -> None:
    """It is there, and nobody knows how large the largest is."""
    bench.amd_card(0, f"{2 * GIB}\n")
    bench.amd_card(1, "?\n")
    found = bench.look()
    assert (found.gpu, found.gpu_memory_bytes) == (True, None)


def test_what_is_lost_is_unknown_and_not_what_it_was(bench: Bench) -> None:
    """A GPU whose driver was unloaded is not there any more."""
    bench.nvidia_smi("echo 8192")
    assert bench.look().gpu is True
    bench.nvidia_smi("exit 9")
    assert bench.look().gpu is None


def test_makers_are_counted_together(bench: Bench) -> None:
    """One that is there is there, also where the other's tool fails; but then the largest is not known."""
    bench.amd_card(0, f"{2 * GIB}\n")
    bench.nvidia_smi("exit 9")
    found = bench.look()
    assert (found.gpu, found.gpu_memory_bytes) == (True, None)

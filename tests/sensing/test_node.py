"""One look at the machine: every part by itself, whatever the others do."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from brownout.api.policy import Scope
from brownout.core.sample import Sample, Witness
from brownout.sensing.node import PsutilSensor
from tests.eventually import eventually_async
from tests.sensing.trees import Machine

NOW = 1_767_323_045.0
PSI = "some avg10=3.25 avg60=1.00 avg300=0.50 total=1\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=0\n"


class Bench:
    """A sensor on a machine of files, and what it complained of."""

    def __init__(self, machine: Machine, *, patience_s: float = 5.0) -> None:
        self.machine = machine
        self.faults: list[str] = []
        self.sensor = PsutilSensor(
            folder=machine.root,
            on_fault=self._on_fault,
            proc_root=machine.proc,
            cgroup_root=machine.cgroup,
            patience_s=patience_s,
        )
        machine.write(machine.proc / "pressure" / "memory", PSI)

    def _on_fault(self, where: str, message: str) -> None:
        assert where == "sensing"
        self.faults.append(message)

    async def read(self) -> Sample:
        """One sample of the node."""
        return await self.sensor.read(now=NOW, scope=Scope.NODE, budget_bytes=None)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Do it, and end the threads."""

        async def main() -> None:
            try:
                await scenario()
            finally:
                self.sensor.close()

        asyncio.run(main())


def test_a_sample_holds_every_part(machine: Machine) -> None:
    """CPU since the last look, memory, disk and stall; the first look has no CPU to compare with."""
    bench = Bench(machine)

    async def scenario() -> None:
        first, second = await bench.read(), await bench.read()
        assert (first.cpu_percent, second.cpu_percent is not None) == (None, True)
        assert (second.at, second.witness) == (NOW, Witness.NODE)
        assert second.memory_percent == pytest.approx(100 / 3)
        assert (second.memory_used_bytes, second.memory_limit_bytes) == (4 * 2**30, 12 * 2**30)
        assert second.stall_percent == 3.25
        assert second.disk_percent is not None
        assert 0.0 <= second.disk_percent <= 100.0
        free = os.statvfs(machine.root)
        assert second.disk_free_bytes == pytest.approx(free.f_bavail * free.f_frsize, rel=0.05)
        assert bench.faults == []

    bench.run(scenario)


FAILURES = [OSError(5, "Input/output error"), KeyError("Buffers:"), psutil.AccessDenied(1), psutil.NoSuchProcess(1)]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize(
    ("function", "field"), [("cpu_percent", "cpu_percent"), ("disk_usage", "disk_percent")], ids=["cpu", "disk"]
)
def test_a_part_that_raises_fails_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, function: str, field: str, failure: Exception
) -> None:
    """The library raises: that part is unknown and told of, the others are measured, and it is back when that stops."""
    bench = Bench(machine)

    def fail(*_arguments: object, **_options: object) -> None:
        raise failure

    async def scenario() -> None:
        await bench.read()
        with monkeypatch.context() as patched:
            patched.setattr(psutil, function, fail)
            sample = await bench.read()
        known = {
            name: getattr(sample, name) for name in ("cpu_percent", "memory_percent", "disk_percent", "stall_percent")
        }
        assert [name for name, value in known.items() if value is None] == [field]
        (fault,) = bench.faults
        assert type(failure).__name__ in fault
        assert getattr(await bench.read(), field) is not None

    bench.run(scenario)


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -1.0, 1e308])
def test_an_absurd_figure_is_unknown(machine: Machine, monkeypatch: pytest.MonkeyPatch, absurd: float) -> None:
    """NaN, infinite, negative or beyond sense: not data."""
    bench = Bench(machine)

    async def scenario() -> None:
        await bench.read()
        monkeypatch.setattr(psutil, "cpu_percent", lambda interval: absurd)
        assert (await bench.read()).cpu_percent is None

    bench.run(scenario)


def test_unreadable_memory_is_unknown_and_told(machine: Machine) -> None:
    """Without a sensible /proc/meminfo the sample has no memory, no witness, and all the rest."""
    bench = Bench(machine)
    machine.write(machine.proc / "meminfo", "MemTotal: 0 kB\n")

    async def scenario() -> None:
        sample = await bench.read()
        assert (sample.memory_percent, sample.memory_used_bytes, sample.witness) == (None, None, Witness.NONE)
        assert sample.disk_percent is not None
        assert "makes no sense" in bench.faults[0]

    bench.run(scenario)


def test_a_part_that_hangs_is_not_asked_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that does not answer costs its own value and one thread, however often we look; then it is back."""
    bench = Bench(machine, patience_s=0.2)
    answers, asked = threading.Event(), threading.Semaphore(0)
    usage = psutil.disk_usage

    def hang(path: str) -> object:
        asked.release()
        answers.wait(30)
        return usage(path)

    async def scenario() -> None:
        await bench.read()
        threads = threading.active_count()
        monkeypatch.setattr(psutil, "disk_usage", hang)
        samples = [await bench.read() for _ in range(5)]
        assert [sample.disk_percent for sample in samples] == [None] * 5
        assert all(sample.memory_percent is not None and sample.cpu_percent is not None for sample in samples)
        assert (asked.acquire(blocking=False), asked.acquire(blocking=False)) == (True, False)
        assert threading.active_count() == threads
        assert len(bench.faults) == 5
        answers.set()

        async def back() -> bool:
            return (await bench.read()).disk_percent is not None

        await eventually_async(back)

    bench.run(scenario)


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("some avg10=12.50 avg60=1 avg300=0 total=5\n", 12.5),
        ("full avg10=9.00 avg60=0 avg300=0 total=0\n", None),
        ("some avg60=1.00\n", None),
        ("some avg10=nan avg60=1\n", None),
        ("some avg10= avg60\n", None),
        ("", None),
        ("\x00\xff garbage", None),
    ],
)
def test_stall_is_what_the_kernel_says_or_unknown(machine: Machine, text: str, percent: float | None) -> None:
    """The "some" avg10, or None for anything else."""
    bench = Bench(machine)
    machine.write(machine.proc / "pressure" / "memory", text)

    async def scenario() -> None:
        assert (await bench.read()).stall_percent == percent

    bench.run(scenario)


def test_a_kernel_without_psi_is_no_fault(machine: Machine) -> None:
    """No /proc/pressure: stall is unknown, and nothing is wrong."""
    bench = Bench(machine)
    (machine.proc / "pressure" / "memory").unlink()

    async def scenario() -> None:
        assert (await bench.read()).stall_percent is None
        assert bench.faults == []

    bench.run(scenario)


def test_a_state_folder_that_went_away_is_a_fault_of_the_disk_alone(machine: Machine, tmp_path: Path) -> None:
    """The folder is deleted while we run: its disk is unknown, memory is not."""
    sensor_faults: list[str] = []
    sensor = PsutilSensor(folder=tmp_path / "gone", on_fault=lambda _where, message: sensor_faults.append(message))

    async def main() -> None:
        sample = await sensor.read(now=NOW, scope=Scope.AUTO, budget_bytes=None)
        sensor.close()
        assert (sample.disk_percent, sample.disk_free_bytes) == (None, None)
        assert sample.memory_percent is not None
        assert "disk cannot be read" in sensor_faults[0]

    asyncio.run(main())

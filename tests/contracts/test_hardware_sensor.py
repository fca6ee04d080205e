"""What every HardwareSensor promises: on this machine, on one that nobody can look at, and on the fake."""

import asyncio
from collections.abc import Iterator

import pytest

from brownout.api.policy import Scope
from brownout.core.tiers import Hardware
from brownout.engine.hardware import UnknownHardware
from brownout.engine.ports import HardwareSensor
from brownout.sensing.hardware import MachineHardware
from tests.fakes import FakeHardware

GIB = 2**30


@pytest.fixture(params=["machine", "unknown", "fake"])
def sensor(request: pytest.FixtureRequest) -> Iterator[HardwareSensor]:
    """Each kind of sensor."""
    machine = MachineHardware(on_fault=lambda _where, _message: None)
    fake = FakeHardware(Hardware(memory_bytes=8 * GIB, cores=4.0, gpu=False))
    kinds: dict[str, HardwareSensor] = {"machine": machine, "unknown": UnknownHardware(), "fake": fake}
    yield kinds[request.param]
    machine.close()


def test_before_the_first_look_cores_and_gpus_are_unknown(sensor: HardwareSensor) -> None:
    """Nobody has looked: that is no machine without a GPU."""
    found = sensor.known(scope=Scope.NODE, budget_bytes=None)
    assert (found.cores, found.gpu, found.gpu_memory_bytes) == (None, None, None)


def test_nothing_that_is_known_is_nothing(sensor: HardwareSensor) -> None:
    """Unknown is None: no size and no number of cores is ever zero."""
    asyncio.run(sensor.refresh())
    found = sensor.known(scope=Scope.NODE, budget_bytes=None)
    assert all(figure is None or figure > 0 for figure in (found.memory_bytes, found.cores, found.gpu_memory_bytes))
    assert found.gpu or found.gpu_memory_bytes is None


def test_a_budget_is_a_limit(sensor: HardwareSensor) -> None:
    """The memory is the limit in force: at most what the owner allows."""
    found = sensor.known(scope=Scope.NODE, budget_bytes=GIB)
    assert found.memory_bytes in (None, GIB)


def test_it_is_known_at_once_and_again(sensor: HardwareSensor) -> None:
    """Asking changes nothing."""
    asyncio.run(sensor.refresh())
    first = sensor.known(scope=Scope.AUTO, budget_bytes=None)
    assert sensor.known(scope=Scope.AUTO, budget_bytes=None) == first

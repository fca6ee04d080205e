"""The sentinel's eye says what the sensor says, and works where little else does."""

import os
import tracemalloc

import pytest

from brownout.api.policy import Scope
from brownout.sensing.gauge import Gauge
from brownout.sensing.memory import MemoryReader, Reading
from tests.sensing.trees import Machine

GIB = 2**30


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("budget", [None, GIB, 6 * GIB])
def test_it_agrees_with_the_sensor(machine: Machine, scope: Scope, budget: int | None) -> None:
    """The same files give the same percentage to both, for every scope and budget."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=3 * GIB, inactive=GIB, limit=5 * GIB)
    reading = machine.reader().read(scope=scope, budget_bytes=budget)
    assert isinstance(reading, Reading)
    assert machine.gauge().used_percent(scope=scope, budget_bytes=budget) == reading.percent


def test_what_cannot_be_read_is_none_until_it_can(machine: Machine) -> None:
    """A failed reading is None, and the next one opens the files anew."""
    gauge = machine.gauge()
    machine.write(machine.proc / "meminfo", "garbage")
    assert gauge.used_percent(scope=Scope.NODE, budget_bytes=None) is None
    machine.meminfo(total=4 * GIB, available=GIB)
    assert gauge.used_percent(scope=Scope.NODE, budget_bytes=None) == 75.0


def test_a_percentage_beyond_all_sense_is_none(machine: Machine) -> None:
    """A budget of one byte makes no percentage that anything should act on."""
    assert machine.gauge().used_percent(scope=Scope.NODE, budget_bytes=1) is None


def test_it_reads_without_opening_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine: once made, it needs no further descriptor, which could fail when they have run out."""
    gauge = Gauge()
    for scope in Scope:
        gauge.used_percent(scope=scope, budget_bytes=None)

    def refuse(*_arguments: object, **_options: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", refuse)
    for scope in Scope:
        percent = gauge.used_percent(scope=scope, budget_bytes=GIB)
        assert percent is not None
        assert percent >= 0.0


def test_it_allocates_next_to_nothing() -> None:
    """On this machine: a thousand readings leave nothing behind, and none holds more than 4 KiB at a time."""
    gauge = Gauge()
    gauge.used_percent(scope=Scope.AUTO, budget_bytes=None)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(1000):
            gauge.used_percent(scope=Scope.AUTO, budget_bytes=None)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 4096
    assert after - before < 1024


def test_it_sees_this_machine() -> None:
    """The real /proc and cgroups give a percentage that a real machine can have."""
    percent = Gauge().used_percent(scope=Scope.AUTO, budget_bytes=None)
    assert percent is not None
    assert 0.0 < percent < 100.0
    assert isinstance(MemoryReader().read(scope=Scope.AUTO, budget_bytes=None), Reading)

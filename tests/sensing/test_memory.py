"""What memory in use is measured against: the node, a budget, or the cgroup that will hit its limit first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.api.policy import Scope
from brownout.core.sample import Witness
from brownout.sensing.kept_file import Buffer
from brownout.sensing.memory import Reading, Unreadable
from tests.sensing.trees import Machine

GIB = 2**30
V1_DEEP = "4:memory:/box/voice\n0::/\n"


def read(machine: Machine, scope: Scope = Scope.AUTO, budget: int | None = None) -> Reading:
    """A reading that must succeed."""
    reading = machine.reader().read(scope=scope, budget_bytes=budget)
    assert isinstance(reading, Reading), reading
    return reading


def test_the_node_is_what_is_not_available(machine: Machine) -> None:
    """Scope Node: MemTotal - MemAvailable, of MemTotal."""
    assert read(machine, Scope.NODE) == Reading(4 * GIB, 12 * GIB, Witness.NODE)
    assert read(machine, Scope.NODE).percent == pytest.approx(100 / 3)


def test_a_budget_takes_the_place_of_the_machine(machine: Machine) -> None:
    """The same use, of the budget; more than all of it is a fact, too."""
    assert read(machine, Scope.NODE, budget=8 * GIB).percent == 50.0
    assert read(machine, Scope.NODE, budget=2 * GIB).percent == 200.0


def test_nothing_is_larger_than_the_machine(machine: Machine) -> None:
    """A budget or a limit above RAM is RAM (sysinfo 1054)."""
    machine.member_of(V1_DEEP)
    machine.v1("box/voice", usage=3 * GIB, limit=64 * GIB)
    assert read(machine, Scope.NODE, budget=64 * GIB).limit_bytes == 12 * GIB
    assert read(machine, Scope.CGROUP).limit_bytes == 12 * GIB
    assert read(machine, Scope.AUTO).witness is Witness.NODE


def test_page_cache_that_can_go_is_not_in_use(machine: Machine) -> None:
    """Scope Cgroup: usage without inactive file cache (kubernetes 43916), in both versions."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=3 * GIB, inactive=1 * GIB, limit=4 * GIB)
    assert read(machine) == Reading(2 * GIB, 4 * GIB, Witness.CGROUP_V2)
    machine.member_of("4:memory:/box\n0::/\n")
    machine.v1("box", usage=3 * GIB, inactive=2 * GIB, limit=4 * GIB)
    assert read(machine) == Reading(1 * GIB, 4 * GIB, Witness.CGROUP_V1)


def test_cache_that_grew_between_two_files_is_no_negative_use(machine: Machine) -> None:
    """The files are read one after the other; use never falls below nothing."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=1 * GIB, inactive=2 * GIB, limit=4 * GIB)
    assert read(machine).used_bytes == 0


def test_the_level_nearest_to_its_limit_decides(machine: Machine) -> None:
    """Each level is its own use of its own limit; the highest percentage is what will kill us."""
    machine.member_of("0::/slice/box/voice\n")
    machine.v2("slice/box/voice", current=1 * GIB, limit=4 * GIB)
    machine.v2("slice/box", current=5 * GIB, limit=6 * GIB)
    machine.v2("slice", current=6 * GIB)
    assert read(machine) == Reading(5 * GIB, 6 * GIB, Witness.CGROUP_V2)
    machine.v2("slice/box/voice", current=4 * GIB, limit=4 * GIB)
    assert read(machine) == Reading(4 * GIB, 4 * GIB, Witness.CGROUP_V2)


def test_a_budget_below_the_limits_decides(machine: Machine) -> None:
    """Scope Cgroup: of the least of the budget and the limits."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=1 * GIB, limit=8 * GIB)
    assert read(machine, budget=2 * GIB).percent == 50.0
    assert read(machine, budget=10 * GIB).percent == 12.5


def test_without_a_limit_auto_is_the_node_and_cgroup_is_of_the_machine(machine: Machine) -> None:
    """Auto is Cgroup only under a limit smaller than the machine; asked for by name, Cgroup needs none."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=3 * GIB)
    assert read(machine, Scope.AUTO).witness is Witness.NODE
    assert read(machine, Scope.AUTO, budget=6 * GIB).used_bytes == 4 * GIB
    assert read(machine, Scope.CGROUP) == Reading(3 * GIB, 12 * GIB, Witness.CGROUP_V2)
    assert read(machine, Scope.CGROUP, budget=6 * GIB) == Reading(3 * GIB, 6 * GIB, Witness.CGROUP_V2)


def test_a_limit_that_changes_counts_at_the_next_look(machine: Machine) -> None:
    """Raised, lowered or taken away while we run."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=1 * GIB, limit=2 * GIB)
    reader = machine.reader()
    percents = []
    for limit in (2 * GIB, 4 * GIB, 1 * GIB, None):
        machine.v2("box", current=1 * GIB, limit=limit)
        reading = reader.read(scope=Scope.AUTO, budget_bytes=None)
        assert isinstance(reading, Reading)
        percents.append(round(reading.percent, 1))
    assert percents == [50.0, 25.0, 100.0, 33.3]


def test_a_hybrid_machine_counts_memory_by_v1(machine: Machine) -> None:
    """Where v1 has the memory controller, the unified mount says nothing of memory and is not asked."""
    machine.member_of("9:name=systemd:/\n4:memory:/box\n0::/elsewhere\n")
    machine.v1("box", usage=1 * GIB, limit=2 * GIB)
    machine.write(machine.cgroup / "unified" / "cgroup.controllers", "hugetlb\n")
    assert read(machine) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V1)


def test_a_unified_mount_beside_v1_is_found(machine: Machine) -> None:
    """v2 with the memory controller, mounted below /sys/fs/cgroup/unified."""
    machine.member_of("1:cpu:/\n0::/box\n")
    machine.v2("box", mount="unified", current=1 * GIB, limit=2 * GIB)
    assert read(machine) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V2)


@pytest.mark.parametrize("path", ["/docker/4711", "/kubepods/pod-1/4711", "/../../outside", "/gone (deleted)", "/"])
def test_a_container_that_sees_its_own_subtree_only_is_measured(machine: Machine, path: str) -> None:
    """The path is the host's, the mount is ours: the files at its root are those of our cgroup."""
    machine.member_of(f"0::{path}\n")
    machine.v2("", current=1 * GIB, limit=2 * GIB)
    assert read(machine) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V2)
    machine.member_of(f"4:memory:{path}\n")
    machine.v1("", usage=1 * GIB, limit=4 * GIB)
    assert read(machine) == Reading(1 * GIB, 4 * GIB, Witness.CGROUP_V1)


def test_a_part_of_the_path_that_is_visible_is_used(machine: Machine) -> None:
    """A pod sees its own subtree: the tail of the path that exists there is ours."""
    machine.member_of("0::/kubepods/pod-1/voice\n")
    machine.v2("", current=3 * GIB, limit=4 * GIB)
    machine.v2("voice", current=1 * GIB, limit=2 * GIB)
    assert read(machine) == Reading(3 * GIB, 4 * GIB, Witness.CGROUP_V2)


def test_a_limit_out_of_sight_counts(machine: Machine) -> None:
    """v1 tells the least limit of all ancestors, those that a container cannot see included."""
    machine.member_of("4:memory:/docker/4711\n")
    machine.v1("", usage=1 * GIB, above=2 * GIB)
    assert read(machine) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V1)


def test_levels_without_the_controller_are_passed_over(machine: Machine) -> None:
    """In v2 a level can lack memory files; those above it count."""
    machine.member_of("0::/box/threads\n")
    machine.v2("box", current=1 * GIB, limit=2 * GIB)
    (machine.cgroup / "box" / "threads").mkdir()
    assert read(machine) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V2)


def test_a_confined_process_needs_no_meminfo(machine: Machine) -> None:
    """One source fails alone: under a limit the cgroup answers although /proc/meminfo does not."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=1 * GIB, limit=2 * GIB)
    machine.write(machine.proc / "meminfo", "nothing of use\n")
    assert read(machine).percent == 50.0


def test_moved_to_another_cgroup_the_process_is_measured_there(machine: Machine) -> None:
    """Where the process lives is looked at each time."""
    machine.member_of("0::/box\n")
    machine.v2("box", current=1 * GIB, limit=2 * GIB)
    machine.v2("other", current=3 * GIB, limit=4 * GIB)
    reader = machine.reader()
    assert reader.read(scope=Scope.AUTO, budget_bytes=None) == Reading(1 * GIB, 2 * GIB, Witness.CGROUP_V2)
    machine.member_of("0::/other\n")
    assert reader.read(scope=Scope.AUTO, budget_bytes=None) == Reading(3 * GIB, 4 * GIB, Witness.CGROUP_V2)


MEMINFO_GARBAGE = {
    "empty": "",
    "binary": "\x00\x01\x02" * 50,
    "MemAvailable missing": "MemTotal: 100 kB\nMemFree: 50 kB\n",
    "MemTotal missing": "MemAvailable: 100 kB\n",
    "MemTotal 0": "MemTotal: 0 kB\nMemAvailable: 0 kB\n",
    "no number": "MemTotal: lots kB\nMemAvailable: 50 kB\n",
    "negative": "MemTotal: 100 kB\nMemAvailable: -5 kB\n",
    "more available than there is": "MemTotal: 100 kB\nMemAvailable: 18446744073709551612 kB\n",
    "not at the beginning of a line": "xMemTotal: 100 kB\nxMemAvailable: 50 kB\n",
    "half a line": "MemTotal: 100 kB\nMemAvail",
    "digits without end": f"MemTotal: {'9' * 5000} kB\nMemAvailable: 50 kB\n",
}


@pytest.mark.parametrize("text", MEMINFO_GARBAGE.values(), ids=MEMINFO_GARBAGE.keys())
def test_garbage_in_meminfo_is_unknown(machine: Machine, text: str) -> None:
    """Whatever /proc/meminfo says, the answer is "unknown" and why, and the next good one is read (earlyoom 378)."""
    reader = machine.reader()
    machine.write(machine.proc / "meminfo", text)
    reading = reader.read(scope=Scope.AUTO, budget_bytes=None)
    assert isinstance(reading, Unreadable)
    assert "meminfo makes no sense" in reading.why
    machine.meminfo(total=12 * GIB, available=6 * GIB)
    assert reader.read(scope=Scope.AUTO, budget_bytes=None) == Reading(6 * GIB, 12 * GIB, Witness.NODE)


def test_missing_files_are_unknown_until_they_are_back(machine: Machine) -> None:
    """No /proc: unknown and why; when it is there again, it is read again."""
    reader = machine.reader()
    away = machine.proc.rename(machine.root / "away")
    for scope in Scope:
        assert isinstance(reader.read(scope=scope, budget_bytes=None), Unreadable)
    away.rename(machine.proc)
    assert isinstance(reader.read(scope=Scope.NODE, budget_bytes=None), Reading)


@pytest.mark.parametrize("name", ["memory.current", "memory.stat"])
def test_a_limited_level_that_makes_no_sense_is_unknown(machine: Machine, name: str) -> None:
    """To leave a level out would say that it is fine: unknown is not low."""
    machine.member_of("0::/slice/box\n")
    machine.v2("slice/box", current=1 * GIB, limit=4 * GIB)
    machine.v2("slice", current=5 * GIB, limit=6 * GIB)
    machine.write(machine.cgroup / "slice" / name, "?\n")
    reading = machine.reader().read(scope=Scope.AUTO, budget_bytes=None)
    assert isinstance(reading, Unreadable)
    assert "slice make no sense" in reading.why


def test_no_cgroup_at_all_is_said(machine: Machine) -> None:
    """Scope Cgroup on a machine that accounts none: unknown and why, never the node's figure under its name."""
    reading = machine.reader().read(scope=Scope.CGROUP, budget_bytes=None)
    assert isinstance(reading, Unreadable)
    assert "no cgroup" in reading.why


@given(text=st.binary(max_size=300), more=st.binary(max_size=40))
def test_any_bytes_are_a_number_or_none(text: bytes, more: bytes) -> None:
    """No file content raises, and a number is never negative."""
    buffer = Buffer()
    content = b"key: " + more + b"\n" + text
    buffer.text[: len(content)] = content
    buffer.length = len(content)
    for answer in (buffer.number_after(b"key: "), buffer.number_after(b"none "), buffer.whole_number()):
        assert answer is None or answer >= 0


def test_what_an_earlier_and_longer_text_left_is_not_read(machine: Machine) -> None:
    """The buffer is used again: only what the last reading filled counts."""
    reader = machine.reader()
    machine.meminfo(total=12 * GIB, available=8 * GIB, more="x" * 2000)
    assert isinstance(reader.read(scope=Scope.NODE, budget_bytes=None), Reading)
    machine.write(machine.proc / "meminfo", "MemTotal: 100 kB\n")
    assert isinstance(reader.read(scope=Scope.NODE, budget_bytes=None), Unreadable)

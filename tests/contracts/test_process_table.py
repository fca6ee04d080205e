"""What every ProcessTable promises, on real processes and on the fake."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from brownout.engine.ports import ProcessId, ProcessTable
from brownout.sensing.processes import ProcTable
from tests.eventually import eventually
from tests.fakes import FakeProcessTable
from tests.sensing.children import Child, Nursery


class Place(Protocol):
    """Where a contract's processes live: started, asked about, ended."""

    table: ProcessTable

    def family(self, *, mark: str) -> tuple[int, int, int]:
        """A session leader with a child, and a grandchild in a session of its own; all carry the mark."""
        ...

    def end(self, pid: int) -> None:
        """End one of them, and wait until it is gone."""
        ...


class RealPlace:
    """Real processes, the real table."""

    def __init__(self, nursery: Nursery) -> None:
        self.table: ProcessTable = ProcTable()
        self._nursery = nursery
        self._children: dict[int, Child] = {}

    def family(self, *, mark: str) -> tuple[int, int, int]:
        """Three processes."""
        family = self._nursery.family(mark=mark)
        self._children |= {child.pid: child for child in family}
        leader, child, grandchild = family
        return leader.pid, child.pid, grandchild.pid

    def end(self, pid: int) -> None:
        """SIGKILL."""
        self._children[pid].kill()
        eventually(lambda: self.table.identify(pid) is None)


class FakePlace:
    """Made-up processes, the fake table."""

    def __init__(self) -> None:
        self.fake = FakeProcessTable()
        self.table: ProcessTable = self.fake

    def family(self, *, mark: str) -> tuple[int, int, int]:
        """Three entries."""
        marks = {"BROWNOUT_MARK": mark, "HOME": "/"}
        self.fake.spawn(10, leads_session=True, environment=marks, memory_bytes=5)
        self.fake.spawn(11, parent=10, environment=marks, memory_bytes=None)
        self.fake.spawn(12, parent=11, environment=marks, leads_session=True, memory_bytes=7)
        return 10, 11, 12

    def end(self, pid: int) -> None:
        """Take it out."""
        self.fake.end(pid)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """Real children, all ended after the test."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(params=["real", "fake"])
def place(request: pytest.FixtureRequest, nursery: Nursery) -> Place:
    """A place of each kind."""
    return RealPlace(nursery) if request.param == "real" else FakePlace()


def known(place: Place, *pids: int) -> tuple[ProcessId, ...]:
    """Their identities; all must live."""
    found = tuple(process for process in map(place.table.identify, pids) if process is not None)
    assert len(found) == len(pids)
    return found


def test_a_live_pid_has_an_identity_that_stays(place: Place) -> None:
    """The same process is the same identity, and one that ended has none."""
    leader, _, _ = place.family(mark="a")
    (first,) = known(place, leader)
    assert place.table.identify(leader) == first
    place.end(leader)
    assert place.table.identify(leader) is None


def test_the_mark_finds_exactly_those_that_carry_it(place: Place) -> None:
    """All three are found by variable and value, with our variables and no others; another value finds none."""
    pids = place.family(mark="this-one")
    found = place.table.marked("BROWNOUT_MARK", "this-one")
    assert set(found) == set(known(place, *pids))
    assert [dict(variables) for variables in found.values()] == [{"BROWNOUT_MARK": "this-one"}] * 3
    assert place.table.marked("BROWNOUT_MARK", "this") == {}
    assert place.table.marked("BROWNOUT_OTHER", "this-one") == {}


def test_a_tree_is_all_that_descends(place: Place) -> None:
    """From the leader all three are found, a session of its own or not; from the middle two; oldest first."""
    pids = place.family(mark="b")
    leader, child, grandchild = known(place, *pids)
    assert place.table.tree([leader]) == (leader, child, grandchild)
    assert place.table.tree([child]) == (child, grandchild)
    assert place.table.tree([]) == ()


def test_what_a_dead_leader_left_in_its_session_is_found(place: Place) -> None:
    """The leader has ended; the child in its session and what descends from that are still its tree."""
    pids = place.family(mark="c")
    leader, child, grandchild = known(place, *pids)
    place.end(pids[0])
    assert place.table.tree([leader]) == (child, grandchild)


def test_a_reused_pid_is_somebody_else(place: Place) -> None:
    """An identity with the pid of a live process and another start time is in no answer."""
    pids = place.family(mark="d")
    stranger = ProcessId(pids[0], known(place, pids[0])[0].started - 1)
    assert place.table.tree([stranger]) == ()
    assert place.table.memory_bytes([stranger]) is None


def test_memory_is_that_of_those_that_live(place: Place) -> None:
    """The sum over all that can be measured; None where there is nothing to measure."""
    leader, child, grandchild = known(place, *place.family(mark="e"))
    alone, together = place.table.memory_bytes([leader]), place.table.memory_bytes([leader, child, grandchild])
    assert alone is not None
    assert together is not None
    assert 0 < alone < together
    place.end(leader.pid)
    assert place.table.memory_bytes([leader]) is None
    assert place.table.memory_bytes([]) is None

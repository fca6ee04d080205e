"""Real processes, as they really behave: forking, leaving their session, ending by halves, being somebody else's."""

import os
from pathlib import Path

import pytest

from brownout.engine.ports import ProcessId
from brownout.sensing.processes import ProcTable
from brownout.sensing.procfs import ProcFs
from tests.eventually import eventually
from tests.sensing.children import MIB, Child, Nursery
from tests.sensing.trees import Machine

# Its main thread ends, another lives on and holds 32 MiB: to a superficial look it is a zombie.
HALF_DEAD = """
import ctypes, os, threading
held = bytearray(32 * 2**20)
threading.Thread(target=threading.Event().wait).start()
print("ready", flush=True)
ctypes.CDLL(None).syscall({number}, 0)
"""

# A chain of processes, each of which forks the next and ends: the tree that is there is never the one that was listed.
RUNAWAY = """
import os, signal
print("ready", flush=True)
for _ in range(200):
    if os.fork():
        os._exit(0)
print("end", os.getpid(), flush=True)
signal.pause()
"""


def table_of(machine: Machine) -> ProcTable:
    """A table of a fake /proc."""
    return ProcTable(proc_root=machine.proc)


def stat_line(pid: int, name: str, *, state: str = "S", parent: int = 1, session: int = 1, started: int = 100) -> str:
    """A line of /proc/PID/stat."""
    return f"{pid} ({name}) {state} {parent} {pid} {session} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {started} 0 0\n"


def test_memory_that_a_child_takes_is_measured(nursery: Nursery) -> None:
    """64 MiB taken are 64 MiB more, within 10 %."""
    holder, table = nursery.holder(), ProcTable()
    process = table.identify(holder.pid)
    assert process is not None
    before = table.memory_bytes([process])
    holder.hold(64 * MIB)
    after = table.memory_bytes([process])
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(64 * MIB, rel=0.1)


def test_shared_memory_is_counted_once(nursery: Nursery) -> None:
    """PSS: a family that was forked holds little more than one of them, where RSS would say three times as much."""
    leader, child, grandchild = nursery.family(mark="pss")
    table, proc = ProcTable(), ProcFs()
    tree = [process for process in map(table.identify, (leader.pid, child.pid, grandchild.pid)) if process]
    together = table.memory_bytes(tree)
    resident = [proc._resident_bytes(process.pid) for process in tree]
    assert together is not None
    assert together < 0.75 * sum(held or 0 for held in resident)


def test_a_child_that_left_its_session_and_its_parent_is_found_by_its_mark(nursery: Nursery) -> None:
    """A daemon that forked twice is nobody's descendant any more; the environment still says whose it is."""
    leader, child, grandchild = nursery.family(mark="daemon")
    table = ProcTable()
    roots = [process for process in [table.identify(leader.pid)] if process]
    last = table.identify(grandchild.pid)
    child.kill()
    leader.kill()
    eventually(lambda: table.identify(leader.pid) is None and table.identify(child.pid) is None)
    assert table.tree(roots) == ()
    assert list(table.marked("BROWNOUT_MARK", "daemon")) == [last]


def test_a_zombie_is_not_alive(nursery: Nursery) -> None:
    """Ended but not waited for: it holds nothing and is in no answer."""
    process, table = nursery.run("print('x')"), ProcTable()
    eventually(lambda: Path(f"/proc/{process.pid}/stat").read_text().split(") ")[1][0] == "Z")
    assert table.identify(process.pid) is None
    zombie = ProcFs().stat(process.pid)
    assert zombie is not None
    assert table.tree([zombie.id]) == ()
    assert table.memory_bytes([zombie.id]) is None


def test_a_process_whose_main_thread_ended_is_alive(nursery: Nursery) -> None:
    """It looks like a zombie and is none: another of its threads holds its memory."""
    number = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit(2) is not known on this machine")
    process, table = nursery.run(HALF_DEAD.format(number=number)), ProcTable()
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    eventually(lambda: Path(f"/proc/{process.pid}/stat").read_text().split(") ")[1][0] == "Z")
    assert table.identify(process.pid) is not None
    nursery.others.append(Child(process.pid))


def test_a_tree_that_forks_while_we_look_is_caught(nursery: Nursery) -> None:
    """200 processes one after the other: the one that is left is found from the session that it began in."""
    process, table = nursery.run(RUNAWAY), ProcTable()
    root = table.identify(process.pid)
    assert root is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    seen_while_forking = table.tree([root])
    _, pid = process.stdout.readline().split()
    nursery.others.append(Child(int(pid)))
    assert all(found.started >= root.started for found in seen_while_forking)
    last = table.identify(int(pid))
    assert last in table.tree([root])


def test_we_are_in_no_answer() -> None:
    """Whoever ends what is found here never ends us, nor what descends from us alone."""
    table = ProcTable()
    own = table.identify(os.getpid())
    parent = table.identify(os.getppid())
    assert own is not None
    assert own not in table.tree([own])
    assert parent is None or own not in table.tree([parent])
    variable, value = next((name, text) for name, text in os.environ.items() if text and "\n" not in text)
    assert own not in table.marked(variable, value)


def test_a_session_that_a_root_only_joined_is_not_its_own(machine: Machine) -> None:
    """A root started from a login shell is in the shell's session: the shell and its other children stay out."""
    (machine.proc / "self").joinpath("cgroup").unlink()
    for pid, parent, session, started in [
        (500, 1, 500, 10),
        (600, 500, 500, 20),
        (700, 600, 500, 30),
        (800, 500, 500, 40),
    ]:
        line = stat_line(pid, "sh", parent=parent, session=session, started=started)
        machine.write(machine.proc / str(pid) / "stat", line)
    assert [process.pid for process in table_of(machine).tree([ProcessId(600, 20)])] == [600, 700]


def test_a_name_can_hold_anything(machine: Machine) -> None:
    """Spaces, parentheses, line breaks and bytes of no encoding in a program's name change nothing."""
    for name in (") S 1 (", "a b", "(((", "x\ny", ") Z 1 1 1"):
        machine.write(machine.proc / "77" / "stat", stat_line(77, name, started=4711))
        assert table_of(machine).identify(77) == ProcessId(77, 4711)


@pytest.mark.parametrize("line", ["", "77", "77 (x)", "77 (x) S", "77 (x) S a b c", "\x00" * 100])
def test_garbage_is_no_process(machine: Machine, line: str) -> None:
    """A line that makes no sense is a process that we know nothing of."""
    machine.write(machine.proc / "77" / "stat", line)
    table = table_of(machine)
    assert table.identify(77) is None
    assert table.tree([ProcessId(77, 1)]) == ()
    assert table.marked("A", "b") == {}


def test_rss_stands_in_where_pss_cannot_be_read(machine: Machine) -> None:
    """Without smaps_rollup (another user's process, an old kernel) it is what is resident; without both, nothing."""
    machine.write(machine.proc / "77" / "stat", stat_line(77, "x"))
    table, process = table_of(machine), ProcessId(77, 100)
    assert table.memory_bytes([process]) is None
    machine.write(machine.proc / "77" / "statm", "900 256 100 1 0 50 0\n")
    assert table.memory_bytes([process]) == 256 * os.sysconf("SC_PAGE_SIZE")
    machine.write(machine.proc / "77" / "smaps_rollup", "00-ff ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss:  5 kB\n")
    assert table.memory_bytes([process]) == 5 * 1024
    assert table.memory_bytes([process, ProcessId(78, 1)]) == 5 * 1024


def test_without_proc_there_are_no_processes(tmp_path: Path) -> None:
    """No /proc at all: empty answers, no error."""
    table = ProcTable(proc_root=tmp_path / "none")
    assert table.identify(1) is None
    assert table.marked("A", "b") == {}
    assert table.tree([ProcessId(1, 1)]) == ()
    assert table.memory_bytes([ProcessId(1, 1)]) is None

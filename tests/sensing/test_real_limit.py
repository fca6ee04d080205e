"""A real memory cgroup, made for the test, with a real process in it that really takes memory.

Where this user may make none, the trees of files in test_memory.py are all there is; that is said.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.sensing.cgroup import V1, V2, Layout, levels_of
from tests.sensing.children import MIB, Nursery

# Imports the gauge in a process inside the cgroup, and answers each line of input with its percentage.
MEASURED = """
import sys
sys.path[:] = {path!r}
from brownout.api.policy import Scope
from brownout.sensing.gauge import Gauge
gauge, held = Gauge(), []
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() != "0":
        block = bytearray(int(line))
        block[::4096] = b"x" * len(block[::4096])
        held.append(block)
    print(gauge.used_percent(scope=Scope.AUTO, budget_bytes=None), flush=True)
"""


def made(own: Path) -> Path | None:
    """A cgroup below ours, in which memory can be limited; None where that is not allowed."""
    folder = own / f"brownout-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    if (folder / V1.limit).exists() or (folder / V2.limit).exists():
        return folder
    folder.rmdir()
    return None


@pytest.fixture
def limited() -> Iterator[tuple[Path, Layout]]:
    """A cgroup of our own and its version."""
    levels = levels_of(Path("/proc/self/cgroup").read_bytes(), Path("/sys/fs/cgroup"))
    folder = made(levels[0].folder) if levels else None
    if folder is None:
        pytest.skip("this user cannot make a memory cgroup here")
    yield folder, levels[0].layout
    folder.rmdir()


def test_a_process_under_a_real_limit_sees_that_limit(limited: tuple[Path, Layout], nursery: Nursery) -> None:
    """Auto measures against the cgroup; what is taken shows; a limit that is raised counts at once."""
    folder, layout = limited
    (folder / layout.limit).write_text(str(256 * MIB))
    process = nursery.run(MEASURED.format(path=[path for path in sys.path if path]), cgroup=folder)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    def percent(take_bytes: int = 0) -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{take_bytes}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    at_first = percent()
    assert 0.0 < at_first < 60.0
    with_more = percent(64 * MIB)
    assert with_more - at_first == pytest.approx(25.0, abs=3.0)
    (folder / layout.limit).write_text(str(512 * MIB))
    assert percent() == pytest.approx(with_more / 2, abs=2.0)
    process.kill()
    process.wait()

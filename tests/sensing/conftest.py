"""Children of the tests, and fake trees of /proc and /sys/fs/cgroup."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensing.children import Nursery
from tests.sensing.trees import Machine


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """Real children, all ended after the test."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine of files with 12 GiB, 4 of them in use, and no cgroups."""
    machine = Machine(tmp_path)
    machine.meminfo(total=12 * 2**30, available=8 * 2**30)
    machine.member_of("")
    return machine

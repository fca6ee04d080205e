"""What `explain` finds out by itself: file-backed memory of real processes, and who grows."""

import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

from brownout.cli.explain import explanation
from brownout.cli.helping import file_shares, growth_of
from brownout.core.measurements import TRAIL
from brownout.core.sample import Sample
from tests.builders import make_integration

MIB = 2**20
#: Maps a file of 60 MiB, touches each page of it, and waits.
MAPS = (
    "import mmap, sys; file = open(sys.argv[1], 'r+b'); held = mmap.mmap(file.fileno(), 0)\n"
    "sum(held[::4096]); print('ready', flush=True); sys.stdin.read()"
)


def test_a_mapped_file_is_told_from_memory_of_its_own(tmp_path: Path) -> None:
    """Most of what a process holds that has mapped a large file is backed by that file."""
    (tmp_path / "model").write_bytes(b"\x01" * (60 * MIB))
    marks = {"BROWNOUT_STATE": str(tmp_path.resolve()), "BROWNOUT_INTEGRATION": "discord", "BROWNOUT_SPEC": "x"}
    argv = [sys.executable, "-I", "-S", "-c", MAPS, str(tmp_path / "model")]
    with subprocess.Popen(argv, env=marks, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        shares = file_shares(tmp_path)
        child.communicate()
    if not shares:
        pytest.skip("this kernel does not say what is backed by files")
    assert 0.7 < shares["discord"] <= 1.0


def test_who_grows_is_told_with_its_speed() -> None:
    """A mebibyte each half minute is 120 an hour; what breathes, or is new, does not grow."""
    samples = [
        Sample(at=30.0 * at, footprints=MappingProxyType({"leak": at * MIB, "calm": (100 + at % 2) * MIB}))
        for at in range(TRAIL)
    ]
    late = Sample(at=30.0 * TRAIL, footprints=MappingProxyType({"leak": TRAIL * MIB, "new": MIB}))
    found = growth_of([*samples, late])
    assert found["leak"] == pytest.approx(120.0 * MIB)
    assert (found["calm"], found["new"]) == (0.0, 0.0)


def test_an_explanation_shows_each_level_and_what_would_help() -> None:
    """What a level takes and how its requests fare; why one is passed over; each suggestion on a line of its own."""
    levels = [
        {"name": "large", "memory": "1Gi", "responseMs": 80.0, "p95Ms": 120.0, "failurePercent": 2.0},
        {"name": "small", "message": "it ended with status 1"},
    ]
    voice = make_integration("voice", levels=[{"name": "large"}, {"name": "small"}], status={"levels": levels})
    lines = list(explanation(voice, (voice,), (), at=0.0, helps=("less", "more")))
    assert (
        "Its level large: 1 GiB; answers in 80 ms, 95 % within 120 ms; 2 % of its requests or checks failed." in lines
    )
    assert "Its level small: passed over for now: it ended with status 1." in lines
    assert [line for line in lines if line.startswith("What would help")] == [
        "What would help: less.",
        "What would help: more.",
    ]

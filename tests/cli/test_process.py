"""The process that `brownout run` becomes, and commands that go on until somebody ends them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import psutil

from brownout.bootstrap.settings import LEAN, NO_AUTHORITIES
from tests.box.stage import brownout_argv
from tests.cli.conftest import Seen
from tests.eventually import eventually

#: In MiB; what is measured stands in the bench, this is the promise.
SMALL_MIB = 50.0


def test_the_controller_has_nothing_of_the_command_line_in_it(running: Seen) -> None:
    """Neither typer nor rich, kopf nor numpy is loaded, and all of it takes less than 50 MiB."""
    pid = running.stage.controllers[0].process.pid
    program = (
        "import sys, brownout.bootstrap.__main__, brownout.local.command, brownout.gateway.app;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [*brownout_argv()[:1], "-c", program], env=running.stage.env, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"typer", "rich", "click", "kopf", "kubernetes", "numpy", "sklearn"}
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert not re.search(r"numpy|sklearn|kubernetes", mapped)
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    print(f"PSS of the controller: {int(found[1]) / 1024:.1f} MiB")
    assert int(found[1]) / 1024 < SMALL_MIB


def test_what_it_starts_knows_nothing_of_its_thrift(running: Seen) -> None:
    """A workload gets the environment that the controller was started from, not what that does without itself."""
    started = psutil.Process(running.stage.controllers[0].process.pid).children(recursive=True)
    assert started
    for process in started:
        assert not process.environ().keys() & (NO_AUTHORITIES | LEAN).keys()


def test_watching_prints_changes_and_ends_with_130(running: Seen) -> None:
    """`get --watch` prints what is new until Ctrl-C."""
    command = brownout_argv("get", "integrations", "--watch", "--state", running.stage.state)
    with subprocess.Popen(command, env=running.stage.env, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().split()[:2] == ["NAME", "STATE"]
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
        assert watching.wait(60) == 130


def test_a_command_works_from_any_folder(running: Seen, tmp_path: Path) -> None:
    """A file of the working directory never takes the place of one of ours."""
    (tmp_path / "yaml.py").write_text("raise SystemExit('mine')\n")
    stage = running.stage
    done = subprocess.run(
        [*brownout_argv()[:1], "-P", *brownout_argv("get", "policy", "--state", stage.state)[1:]],
        env=stage.env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    eventually(lambda: stage.policy_status()["memoryPercent"])

"""The stage of the demo: its files, its controller, and the load that comes and goes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from brownout.bootstrap.settings import HomeMode, Settings
from brownout.cli.run import controller_command
from brownout.disk.atomic import replace
from brownout.disk.documents import dump_yaml

MIB = 1024 * 1024
# Every page is written to, so that it is really taken. It ends on SIGTERM as any program does.
_HOLDER = (
    "import sys, signal; held = bytearray(int(sys.argv[1])); held[::4096] = b'x' * len(held[::4096]); signal.pause()"
)
END_S = 20.0

# Name, priority, MiB that it holds, essential. An interpreter adds some 8 MiB to each.
CAST = (("voice", 10, 120, False), ("android", 20, 80, False), ("discord", 30, 50, False), ("stubs", 100, 5, True))

# All in MiB above what is in use before the play. With the four on (about 290) it stands below `enable` plus voice;
# 240 of load lift it over `disable` by less than voice frees; 100 more by less than android frees.
ENABLE, DISABLE, EMERGENCY, BUDGET = 350, 450, 640, 700
FIRST_LOAD, SECOND_LOAD = 240, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the play reckons with, in bytes."""

    budget_bytes: int
    first_load_bytes: int = FIRST_LOAD * MIB
    second_load_bytes: int = SECOND_LOAD * MIB


def write_stage(folder: Path, *, used_bytes: int) -> Sizes:
    """Write the integrations and the policy of the play."""
    folder.mkdir(parents=True)
    budget = write_policy(folder, used_bytes=used_bytes)
    for name, priority, mib, essential in CAST:
        document = _integration(name, priority, mib, essential=essential)
        (folder / f"{name}.yaml").write_text(dump_yaml(document), encoding="utf-8")
    return Sizes(budget_bytes=budget)


def write_policy(folder: Path, *, used_bytes: int) -> int:
    """Write the policy of the play above what others have in use; its budget in bytes."""
    budget = used_bytes + BUDGET * MIB
    replace(folder / "policy.yaml", dump_yaml(_policy(used_bytes, budget)).encode(), durable=False)
    return budget


def _policy(used_bytes: int, budget_bytes: int) -> dict[str, Any]:
    """The thresholds of the play, as percent of its budget; short times, so that two minutes are enough."""

    def percent(above_mib: int) -> float:
        # A tenth of a per cent of a budget of 16 GiB is 16 MiB: less than any step of the play.
        return round(100.0 * (used_bytes + above_mib * MIB) / budget_bytes, 1 if budget_bytes < 2**34 else 2)

    thresholds = {"disable": percent(DISABLE), "enable": percent(ENABLE), "emergency": percent(EMERGENCY)}
    spec = {
        "interval": "1s",
        "window": "2m",
        "scope": "Node",
        "memoryBudget": str(budget_bytes),
        "thresholds": thresholds,
        "forecast": {"horizon": "5s"},
        "stabilization": {"enable": "3s", "settle": "3s"},
    }
    return {
        "apiVersion": "brownout.dev/v1alpha1",
        "kind": "BrownoutPolicy",
        "metadata": {"name": "default"},
        "spec": spec,
    }


def _integration(name: str, priority: int, mib: int, *, essential: bool) -> dict[str, Any]:
    argv = [sys.executable, "-I", "-c", _HOLDER, str(mib * MIB)]
    spec = {
        "priority": priority,
        "essential": essential,
        "workload": {"command": {"argv": argv}},
        "memory": f"{mib + 8}Mi",
        "stop": {"grace": "3s"},
    }
    return {"apiVersion": "brownout.dev/v1alpha1", "kind": "Integration", "metadata": {"name": name}, "spec": spec}


@contextmanager
def controller(directory: Path, state: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A real controller on these files, ended with the play."""
    settings = Settings(
        mode=HomeMode.LOCAL, directory=str(directory), state=str(state), listen="none", log_level="warning"
    )
    argv, environment = controller_command(settings)
    process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 - our own argv
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # asked twice, it ends at once
            process.wait(END_S)


class Load:
    """Memory that is really taken, by a process of its own that goes when the play is over, however that ends."""

    _PROGRAM = (
        "import sys\nheld = []\nfor line in sys.stdin:\n"
        "    block = bytearray(int(line)); block[::4096] = b'x' * len(block[::4096]); held.append(block)\n"
    )

    def __init__(self) -> None:
        argv = [sys.executable, "-I", "-c", self._PROGRAM]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=dict(os.environ))  # noqa: S603 - as above
        self.pid = self._process.pid

    def take(self, size_bytes: int) -> None:
        """Take so much more."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.write(f"{size_bytes}\n".encode())
            pipe.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.kill()
        self._process.wait(END_S)

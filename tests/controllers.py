"""Real controllers for black-box tests and measurements: started as `brownout run` starts them, asked over HTTP."""

from __future__ import annotations

import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brownout.bootstrap.settings import HomeMode, Settings
from brownout.cli.run import controller_command
from tests.eventually import eventually

MIB = 2**20
START_S = 30.0


class Running:
    """A controller that runs: its memory and its metrics."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._port = port

    @property
    def pss_mib(self) -> float:
        """Its proportional share of memory, threads and libraries included."""
        text = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="ascii")
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        return int(found.group(1)) / 1024 if found else float("nan")

    def metrics(self) -> dict[str, float]:
        """Every series by its name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def ticks(self) -> float:
        """How many ticks it has made."""
        return sum(value for name, value in self.metrics().items() if name.startswith("brownout_ticks_total"))

    def wait_for_ticks(self, count: float, *, within_s: float) -> None:
        """Wait until it has made so many. AssertionError where it does not."""
        eventually(lambda: self.ticks() >= count, within_s=within_s, every_s=0.2)

    def tick_ms(self) -> dict[str, float]:
        """The mean duration of each part of a tick."""
        found = self.metrics()
        sums = {name: value for name, value in found.items() if name.startswith("brownout_tick_seconds_sum")}
        return {
            re.sub(r'.*="(.*)"}', r"\1", name): 1e3 * total / found[name.replace("_sum", "_count")]
            for name, total in sums.items()
            if found[name.replace("_sum", "_count")]
        }


@contextmanager
def running(
    mode: HomeMode,
    state: Path,
    *,
    directory: Path | None = None,
    kubeconfig: Path | None = None,
    plugins: Path | None = None,
) -> Iterator[Running]:
    """A controller for as long as the block lasts."""
    port = free_port()
    settings = Settings(
        mode=mode,
        directory=str(directory) if directory else None,
        plugins=str(plugins) if plugins else None,
        state=str(state),
        listen=f"127.0.0.1:{port}",
        kubeconfig=str(kubeconfig) if kubeconfig else None,
        log_level="warning",
    )
    argv, environment = controller_command(settings)
    process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(port, process), within_s=START_S)
        yield Running(process, port)
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the controller ended with {process.returncode}")
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=2).close()
    except OSError:
        return False
    return True

"""A box for black-box tests: a folder of files, a state folder, real controllers, a real load, and an orderly end.

Everything is done as a person would do it: through the command line, the files and the signals of the system.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from brownout.engine.ports import ProcessId
from brownout.sensing.processes import ProcTable
from tests.box.rooms import MIB, Room
from tests.builders import integration_document, policy_document
from tests.checkout import ROOT
from tests.eventually import eventually

BEHAVING = ROOT / "tests" / "programs" / "behaving.py"
START_S = 30.0
#: For a switch that is due within seconds, on a machine that has much else to do.
PATIENCE_S = 60.0
END_S = 40.0

#: Short times, so that a test is short; thresholds that nothing reaches by chance.
QUICK: Mapping[str, Any] = {
    "interval": "1s",
    "window": "2m",
    "forecast": {"horizon": "5s"},
    "stabilization": {"enable": "3s", "settle": "2s"},
}

#: Each line is how many bytes to take, in how many pieces, and how many seconds between two of them.
_LOAD = (
    "import sys, time\nheld = []\nfor line in sys.stdin:\n"
    "    size, pieces, pause = line.split()\n"
    "    for _ in range(int(pieces)):\n"
    "        block = bytearray(int(size) // int(pieces)); block[::4096] = b'x' * len(block[::4096])\n"
    "        held.append(block); time.sleep(float(pause))\n"
    "    print('taken', flush=True)\n"
)


def argv(*acts: object) -> list[str]:
    """The command line of a program that does these things (see tests/programs/behaving.py)."""
    return [sys.executable, "-I", "-S", str(BEHAVING), *(str(act) for act in acts)]


def brownout_argv(*words: object) -> list[str]:
    """The command line of `brownout` with these words."""
    return [sys.executable, "-m", "brownout", *(str(word) for word in words)]


@dataclass
class Stage:
    """One box. Names of integrations are names of files."""

    root: Path
    room: Room | None = None
    controllers: list[Controller] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True)
        self.file("home").mkdir()

    @property
    def directory(self) -> Path:
        """What is watched."""
        return self.root / "integrations"

    @property
    def state(self) -> Path:
        """What the controller keeps."""
        return self.root / "state"

    @property
    def env(self) -> dict[str, str]:
        """The environment of a user who has nothing but this checkout."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "XDG_", "BROWNOUT"))}
        home = str(self.file("home"))
        return {**kept, "HOME": home, "KUBECONFIG": f"{home}/none", "PYTHONPATH": str(ROOT / "operator")}

    def file(self, name: str) -> Path:
        """A file beside the two folders."""
        return self.root / name

    # --- what its owner writes -----------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> Path:
        """Put a file into the directory, whole at once."""
        beside = self.directory / f".{name}"
        beside.write_text(text)
        return beside.replace(self.directory / name)

    def integrate(self, name: str, *acts: object, **spec: Any) -> Path:
        """Declare an integration whose workload is a program that does these things."""
        workload = {"command": {"argv": argv(*acts)}}
        document = integration_document(name, **{"workload": workload, "stop": {"grace": "5s"}, **spec})
        return self.write(f"{name}.yaml", yaml.safe_dump(document))

    def policy(self, *, edges_mib: tuple[int, int, int] | None = None, **spec: Any) -> Path:
        """Declare the policy. `edges_mib`: what is in use of the room at enable, disable and emergency."""
        words: dict[str, Any] = {**QUICK, **spec}
        if edges_mib is not None and self.room is not None:
            enable, disable, emergency = (self.room.percent(mib) for mib in edges_mib)
            thresholds = {"enable": enable, "disable": disable, "emergency": emergency}
            words = {**words, **self.room.scope(), "thresholds": thresholds}
        return self.write("policy.yaml", yaml.safe_dump(policy_document(**words)))

    # --- what runs -----------------------------------------------------------------------------------------------

    def run(self, *options: object) -> Controller:
        """A controller in a process group of its own, in the room if there is one; no gateway unless asked for."""
        listen = () if "--listen" in options else ("--listen", "none")
        words = brownout_argv("run", self.directory, "--state", self.state, *listen, *options)
        log = self.file(f"log-{len(self.controllers)}")
        with log.open("wb") as standard_error:
            process = subprocess.Popen(
                self.room.enter(words) if self.room else words,
                env=self.env, stdin=subprocess.DEVNULL, stdout=standard_error, stderr=standard_error,
                start_new_session=True, cwd=self.root,
            )  # fmt: skip
        self.controllers.append(Controller(process, log))
        return self.controllers[-1]

    def ask(self, *words: object, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """`brownout` with these words, on this state; what it printed and how it ended."""
        command = brownout_argv(*words, "--state", self.state)
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=False, timeout=within_s, cwd=self.root
        )

    def asked(self, *words: object) -> Any:
        """The JSON that `brownout` answers."""
        done = self.ask(*words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # --- what is seen --------------------------------------------------------------------------------------------

    def status(self, name: str) -> dict[str, Any]:
        """The status that stands in the state folder; empty where there is none yet."""
        path = self.state / "status" / f"{name}.yaml"
        return dict(yaml.safe_load(path.read_text()).get("status") or {}) if path.exists() else {}

    def states(self, *names: str) -> dict[str, str]:
        """The state of each in one word."""
        return {name: self.status(name).get("state", "") for name in names}

    def until(self, **states: str) -> None:
        """Wait until these integrations are so."""
        eventually(lambda: self.states(*states) == states or _said(self.states(*states)), within_s=PATIENCE_S)

    def policy_status(self) -> dict[str, Any]:
        """The policy's status; empty where there is none yet."""
        path = self.state / "policy.yaml"
        return dict(yaml.safe_load(path.read_text()).get("status") or {}) if path.exists() else {}

    def processes(self, name: str | None = None) -> tuple[ProcessId, ...]:
        """Everything that controllers of this state have started, or that of one integration."""
        found = ProcTable().marked("BROWNOUT_STATE", os.path.realpath(self.state))
        return tuple(one for one, marks in found.items() if name in (None, marks.get("BROWNOUT_INTEGRATION")))

    def pid(self, name: str) -> int:
        """The one process of an integration; waits until it is there."""
        return eventually(lambda: _only(self.processes(name)).pid)

    def end(self) -> tuple[ProcessId, ...]:
        """End the controllers and whatever is left then; what that was."""
        for controller in self.controllers:
            controller.end()
        left = self.processes()
        for one in left:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        eventually(lambda: not self.processes())
        return left


@dataclass
class Controller:
    """A controller's process, and what it says."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self.log_file.read_text(errors="replace")

    def command_line(self) -> bytes:
        """What it runs as now; empty once it has ended."""
        return Path(f"/proc/{self.process.pid}/cmdline").read_bytes()

    def events(self, message: str) -> list[dict[str, Any]]:
        """The fields of the log's lines with this message."""
        lines = (json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}"))
        return [line["fields"] for line in lines if line["msg"] == message]

    def works(self) -> None:
        """Wait until it has made its first tick: what stands in the state folder is its own from then on."""
        eventually(lambda: self.events("decision"), within_s=START_S)

    def url(self) -> str:
        """Where its gateway listens; waits until it does."""
        return str(eventually(lambda: self.events("listening")[0]["address"], within_s=START_S))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    def exit_code(self, within_s: float = END_S) -> int:
        """Wait for its end."""
        return self.process.wait(within_s)

    def kill(self) -> None:
        """End it as the kernel does that has no memory left: it can write nothing more."""
        self.signal(signal.SIGKILL)
        self.exit_code()

    def end(self) -> None:
        """End it as a supervisor would; killed where that does not help."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Load:
    """Memory that is really taken, in the room, until the block ends."""

    def __init__(self, room: Room) -> None:
        command = room.enter([sys.executable, "-I", "-S", "-c", _LOAD])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def take(self, mib: float) -> None:
        """Take so much more; returns once it is taken."""
        self.begin_to_take(mib, pieces=1, pause_s=0.0)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"taken\n"

    def begin_to_take(self, mib: float, *, pieces: int, pause_s: float) -> None:
        """Take so much more in so many pieces; returns at once."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{int(mib * MIB)} {pieces} {pause_s}\n".encode())
        self._process.stdin.flush()

    def leave(self) -> None:
        """Give all of it back."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def a_load(room: Room) -> Iterator[Load]:
    """A load that is gone with the block, however that ends."""
    load = Load(room)
    try:
        yield load
    finally:
        load.leave()


def _only(found: tuple[ProcessId, ...]) -> ProcessId:
    assert len(found) == 1, found
    return found[0]


def _said(states: dict[str, str]) -> bool:
    raise AssertionError(f"the states are {states}")

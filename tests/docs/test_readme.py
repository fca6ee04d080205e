"""Every command of the README is run here as it stands there, and does what is said of it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.kubectl import Kubectl
from tests.box.stage import END_S, PATIENCE_S
from tests.checkout import ROOT
from tests.docs.readme import blocks, commands, on_the_path
from tests.eventually import eventually

TWO_MINUTES_S = 120.0
GATEWAY_PORT = 8321
OWN_NAMESPACE = "brownout-system"

BOX = (
    "brownout validate companion",
    "brownout run companion --state ./state",
    "brownout get integrations --state ./state",
    "brownout explain voice --state ./state",
    "brownout history --state ./state --since 1h",
)
PLUGIN = (
    "brownout plugins new greeter --plugins companion/plugins",
    "brownout plugins check greeter --plugins companion/plugins",
    "brownout plugins trust greeter --state ./state",
)
WRAPPED = "sh -c 'echo tokens=120 progress=1 >&$BROWNOUT_BUDGET_FD'"
BUDGET = (
    f"brownout budget run --name hello --duration 10m --tokens 1000 -- {WRAPPED}",
    "brownout budget show hello",
)
CLUSTER = (
    "kubectl apply -k manifests/base",
    "kubectl apply -k manifests/samples/cluster",
    "kubectl get integrations",
    "kubectl describe integration voice",
)
MAKE = ("make run", "make demo")
#: What `make setup` makes is not made here: this suite runs in it.
SETUP = (". .venv/bin/activate",)


class Reader:
    """Somebody who types what stands in the README, in an empty home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = on_the_path(folder / "bin")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "XDG_", "MAKE"))}
        self._env = {
            **kept,
            "HOME": str(folder),
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
        }

    def types(self, command: str, *, within_s: float = PATIENCE_S) -> str:
        """Type it, and read what it prints; it has to succeed."""
        done = subprocess.run(
            self._argv(command), cwd=self._place(command), env=self._env, capture_output=True, text=True,
            check=False, timeout=within_s,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Type it and leave it running; at the end Ctrl-C, which goes to all that the terminal runs."""
        if _taken(GATEWAY_PORT):
            pytest.skip(f"port {GATEWAY_PORT}, where the gateway of the README listens, is taken by somebody else")
        process = subprocess.Popen(
            self._argv(command), cwd=self._place(command), env=self._env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(END_S)

    def states(self, state: Path) -> dict[str, str]:
        """What the status files say."""
        files = sorted((state / "status").glob("[!.]*.yaml"))
        return {file.stem: yaml.safe_load(file.read_text())["status"]["state"] for file in files}

    def _argv(self, command: str) -> list[str]:
        words = shlex.split(command)
        return [*words, "-o", "setup", f"BIN={self._bin}"] if words[0] == "make" else words

    def _place(self, command: str) -> Path:
        return ROOT if command.startswith("make ") else self.folder


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """One with nothing but a checkout."""
    return Reader(tmp_path)


def test_every_command_of_the_readme_is_run_below() -> None:
    """A command that is added to the README is added here."""
    assert sorted(commands()) == sorted((*MAKE, *SETUP, *BOX, *BUDGET, *PLUGIN, *CLUSTER))


def test_make_run_starts_four_and_leaves_none(reader: Reader) -> None:
    """The four samples are on, as the README says; Ctrl-C ends them."""
    state = reader.folder / ".local" / "state" / "brownout"
    with reader.running("make run"):  # which waits for its end; what make makes of Ctrl-C is make's own affair
        wanted = dict.fromkeys(("android", "discord", "stubs", "voice"), "Enabled")
        eventually(lambda: reader.states(state) == wanted, within_s=PATIENCE_S)
    eventually(lambda: not _marked(state), within_s=PATIENCE_S)


def test_a_term_to_make_ends_all_that_it_started(reader: Reader) -> None:
    """Who ends make, as a supervisor does, ends the controller: make waits for it, and nothing is left running."""
    state = reader.folder / ".local" / "state" / "brownout"
    with reader.running("make run") as make:
        eventually(lambda: reader.states(state).get("voice") == "Enabled", within_s=PATIENCE_S)
        make.terminate()
        make.wait(END_S)
        assert not _marked(state)
    assert make.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_make_demo_shows_them_go_and_come_back(reader: Reader) -> None:
    """Within two minutes: voice goes, then android, then both come back, each with its sentence."""
    said = reader.types("make demo", within_s=TWO_MINUTES_S)
    print(said)
    acts = ("A load comes and takes 240 MiB.", "It grows by 100 MiB.", "It leaves.", "That was real memory.")
    load, growth, leaving, end = (said.find(act) for act in acts)
    # What others on the machine do meanwhile may bring a switch forward, but not change who goes before whom.
    voice, android = (said.find(f"disabled {name}, which frees about") for name in ("voice", "android"))
    assert -1 < load < voice < android < leaving, said
    assert load < growth < leaving < end, said
    assert all(leaving < said.rfind(f"enabled {name} again") < end for name in ("voice", "android")), said


def test_the_first_integration_works_as_it_is_told(reader: Reader) -> None:
    """Checked, run, looked at, explained: each command of a box, in its order."""
    text, _ = blocks("yaml")
    file = reader.folder / "companion" / "voice.yaml"
    file.parent.mkdir()
    file.write_text(text.replace('"9000"', f'"{_free_port()}"'))
    state = reader.folder / "state"
    validate, run, get, explain, history = BOX
    assert reader.types(validate) == "ok: 1 integration in 1 file\n"
    with reader.running(run) as running:
        eventually(lambda: reader.states(state) == {"voice": "Enabled"}, within_s=PATIENCE_S)
        header, row = reader.types(get).splitlines()
        assert header.split() == blocks("text")[2].splitlines()[0].split()
        assert row.split()[:2] == ["voice", "Enabled"]
        assert reader.types(explain).startswith("voice is Enabled since ")
        assert "its owner wants it on: started voice" in reader.types(history)
    assert running.returncode == 130
    assert not _marked(state)


def test_the_first_plugin_works_as_it_is_told(reader: Reader) -> None:
    """Made, checked, run by an integration, and trusted: after that another byte in it does not run."""
    _, text = blocks("yaml")
    new, check, trust = PLUGIN
    state, folder = reader.folder / "state", reader.folder / "companion"
    reader.types(new)
    assert reader.types(check).startswith("greeter 1.0.0: can run\n")
    (folder / "greeter.yaml").write_text(text)
    with reader.running(BOX[1]):
        eventually(lambda: reader.states(state) == {"greeter": "Enabled"}, within_s=PATIENCE_S)
    assert not _marked(state)
    assert reader.types(trust).endswith("  greeter 1.0.0\n")
    (folder / "plugins" / "greeter" / "greeter.py").write_text("raise SystemExit\n")
    listed = reader.types("brownout plugins list --state ./state")
    assert listed.splitlines()[1].endswith("no: not trusted")


def test_a_program_runs_under_a_budget_and_the_run_is_kept(reader: Reader) -> None:
    """What stands below the two commands is what the second one prints; the time is an example."""
    run, show = BUDGET
    assert reader.types(run) == ""
    shown = next(block for block in blocks("text") if block.startswith("Run hello"))
    without_time = [line for line in shown.splitlines() if not line.startswith("  time")]
    assert [line for line in reader.types(show).splitlines() if not line.startswith("  time")] == without_time


@pytest.mark.cluster
def test_the_cluster_takes_what_the_readme_applies(own_api_server: ApiServer, tmp_path: Path) -> None:
    """CRDs, the agent and its rights, then samples; the table and the description are there."""
    kubectl = kubectl_for(own_api_server, own_api_server.admin_kubeconfig, tmp_path / "home")
    # An old server knows no CEL rules, and a newer kubectl then refuses CRDs that have them.
    lenient = () if own_api_server.supports_cel else ("--validate=false",)
    base, samples, get, describe = (command.split()[1:] for command in CLUSTER)
    # The tests' kubectl always names a namespace; a person's does not, and takes that of the manifest.
    kubectl(f"--namespace={OWN_NAMESPACE}", *_from_root(base), *lenient)
    eventually(lambda: _served(kubectl), within_s=PATIENCE_S)
    kubectl(*_from_root(samples), *lenient)
    header, *rows = kubectl(*get).splitlines()
    assert header.split()[:3] == ["NAME", "STATE", "LEVEL"]
    assert sorted(row.split()[0] for row in rows) == ["android", "discord", "stubs", "voice"]
    assert "Kind:         Integration" in kubectl(*describe)


def _from_root(words: list[str]) -> list[str]:
    return [str(ROOT / word) if word.startswith("manifests/") else word for word in words]


def _served(kubectl: Kubectl) -> bool:
    return kubectl.attempt("get", "integrations,brownoutpolicies").returncode == 0


def _marked(state: Path) -> list[str]:
    """Processes that a controller of this state has started."""
    mark = f"BROWNOUT_STATE={os.path.realpath(state)}".encode()
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and mark in _environment(pid)]  # noqa: PTH208


def _environment(pid: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _taken(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

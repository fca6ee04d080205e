"""What every Hook promises: on a real HTTP server, a real program, a desktop's stand-in, and the fake."""

import asyncio
import json
import os
import stat
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol

import pytest

from brownout.api.notify import WebhookHook
from brownout.engine.hook import Delivery, Hook
from brownout.telemetry.hooks import CommandHook, DesktopHook, Refused
from brownout.telemetry.webhook import Webhook
from tests.eventually import eventually
from tests.fakes import FakeHook
from tests.local.loops import run
from tests.telemetry.test_notify import SMALL, notice

SECRET = "T0PSECRET"


class Ear(Protocol):
    """Where a hook arrives. `heard` is what did; `answer` is what the next one is told."""

    def hook(self) -> Hook:
        """A hook that arrives here."""
        ...

    def deaf(self) -> Hook:
        """One that cannot arrive now, and may later."""
        ...

    def heard(self) -> str:
        """All that arrived."""
        ...


class Server:
    """A real server on loopback. `status` is what it answers, after `wait` was set if there is one."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.wait: Event | None = None
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if outer.wait is not None:
                    outer.wait.wait(20.0)
                outer.paths.append(self.path)
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is, with a path that must stay secret."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/{SECRET}?token={SECRET}"

    def hook(self) -> Hook:
        """A webhook."""
        return Webhook(url=self.url, patience_s=10.0)

    def deaf(self) -> Hook:
        """One whose server refuses for now."""
        self.status = 503
        return self.hook()

    def heard(self) -> str:
        """What was posted."""
        return b"".join(self.bodies).decode()

    def close(self) -> None:
        """The end."""
        if self.wait is not None:
            self.wait.set()
        self._server.shutdown()
        self._server.server_close()


class Programs:
    """A program that keeps what it reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hook(self) -> Hook:
        """Keeps its standard input and its environment."""
        script = f"cat > {self._folder}/heard; env > {self._folder}/env"
        return CommandHook(argv=("sh", "-c", script, SECRET))

    def deaf(self) -> Hook:
        """One that fails."""
        return CommandHook(argv=("sh", "-c", f"exit 3 # {SECRET}"))

    def heard(self) -> str:
        """What it read."""
        return (self._folder / "heard").read_text()


class Desktop:
    """A stand-in for notify-send."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _install(self, script: str) -> Hook:
        program = self._folder / "notify-send"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return DesktopHook()

    def hook(self) -> Hook:
        """Keeps its arguments."""
        return self._install(f'echo "$@" > {self._folder}/heard')

    def deaf(self) -> Hook:
        """One whose desktop is locked."""
        return self._install("exit 1")

    def heard(self) -> str:
        """What it was to show."""
        return (self._folder / "heard").read_text()


class MadeUp:
    """The fake."""

    def __init__(self) -> None:
        self._hook = FakeHook()

    def hook(self) -> Hook:
        """Remembers."""
        return self._hook

    def deaf(self) -> Hook:
        """One that does not arrive."""
        return FakeHook(Delivery(failure="it is away", again=True))

    def heard(self) -> str:
        """What was told."""
        return "".join(each.text for each in self._hook.told)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server, ended with the test."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["webhook", "program", "desktop", "fake"])
def ear(request: pytest.FixtureRequest, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Ear:
    """Each kind."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    kinds: dict[str, Ear] = {
        "webhook": server, "program": Programs(tmp_path), "desktop": Desktop(tmp_path), "fake": MadeUp(),
    }  # fmt: skip
    return kinds[request.param]


def tell(hook: Hook) -> Delivery:
    """Tell it once."""
    return run(hook.tell(notice()))


def test_what_is_told_arrives(ear: Ear) -> None:
    """The sentence for people, whole."""
    assert tell(ear.hook()) == Delivery()
    assert "voice now small" in ear.heard()


def test_what_cannot_arrive_now_may_be_tried_again(ear: Ear) -> None:
    """A failure is a value, with a reason, and without a secret in it."""
    hook = ear.deaf()
    delivery = tell(hook)
    assert (delivery.arrived, delivery.again, bool(delivery.failure)) == (False, True, True)
    assert SECRET not in f"{delivery.failure} {hook.name} {hook!r}" or isinstance(hook, CommandHook)
    assert SECRET not in f"{delivery.failure} {hook.name}"


def test_equal_hooks_are_one(ear: Ear) -> None:
    """A policy that is written anew with the same hook keeps its lane."""
    hook = ear.hook()
    assert hook == ear.hook()
    assert hash(hook) == hash(ear.hook())


# --- what is the webhook's own ---------------------------------------------------------------------------------------


def test_a_webhook_is_json_for_programs_and_a_text_for_chats(server: Server) -> None:
    """One POST to the very path."""
    tell(server.hook())
    message = json.loads(server.heard())
    assert (message["text"], message["state"], message["level"]) == ("voice now small", *map(str, SMALL))
    assert server.paths == [f"/hooks/{SECRET}?token={SECRET}"]


def test_redirects_are_not_followed(server: Server) -> None:
    """S-16: an answer that points elsewhere is a failure, and nobody else is asked."""
    server.status, server.headers = 302, {"Location": server.url}
    delivery = tell(server.hook())
    assert delivery == Delivery(failure="it answers 302, and redirects are not followed")
    assert len(server.bodies) == 1


def test_a_webhook_that_does_not_answer_is_cut_off(server: Server) -> None:
    """Bounded in time; its thread ends with it."""
    server.wait = Event()
    delivery = tell(Webhook(url=server.url, patience_s=0.2))
    assert delivery == Delivery(failure="it has not answered within 0.2 s", again=True)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "0xA9FEA9FE"])
def test_addresses_of_the_link_are_not_asked(host: str) -> None:
    """S-16: where clouds hand out credentials nothing is posted, however the address is written."""
    delivery = tell(Webhook(url=f"http://{host}/latest", patience_s=5.0))
    assert not delivery.arrived
    assert "own network link" in delivery.failure or "cannot be reached" in delivery.failure


def test_nobody_listening_may_be_tried_again() -> None:
    """A host that refuses is away, not wrong."""
    delivery = tell(Webhook(url="http://127.0.0.1:9/"))
    assert (delivery.failure, delivery.again) == ("it cannot be reached: Connection refused", True)


# --- what is the program's own ---------------------------------------------------------------------------------------


def test_a_program_gets_the_message_and_little_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON on its standard input; no secret of the controller."""
    monkeypatch.setenv("BROWNOUT_TEST_TOKEN", SECRET)
    ear = Programs(tmp_path)
    tell(ear.hook())
    assert json.loads(ear.heard())["integration"] == "voice"
    assert SECRET not in (tmp_path / "env").read_text()


def test_what_a_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    """A hook is no place for a daemon, and one that is missing is a reason."""
    hook = CommandHook(argv=("sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pid"))
    assert tell(hook).arrived
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not _lives(pid))
    missing = tell(CommandHook(argv=(str(tmp_path / "none"),)))
    assert missing == Delivery(failure="it cannot be run: No such file or directory")


def test_a_home_that_runs_no_programs_says_so() -> None:
    """S-02: who may edit an object of the cluster does not thereby run programs."""
    delivery = asyncio.run(Refused(what="notify.command").tell(notice()))
    assert delivery == Delivery(failure="programs are not run for an object of the cluster")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("example.org", True), ("a_b", True), ("[::1]", True), ("127.0.0.1", True), ("h:1", True), ("h:65535", True),
        ("h:65536", False), ("h:0", False), ("h:x", False), ("a:b:1", False), ("", False), (":80", False),
        ("[::1", False), ("::1", False), ("[zz]", False), ("u@h", False), ("-h", False), ("..", False),
    ],
)  # fmt: skip
def test_only_an_address_that_can_be_asked_is_accepted(host: str, accepted: bool) -> None:  # noqa: FBT001
    """It is told when it is written, and not when somebody should have been."""
    for scheme in ("http", "https"):
        url = f"{scheme}://{host}/hook"
        try:
            WebhookHook.from_wire({"url": url})
        except ValueError:
            assert not accepted
        else:
            assert accepted
            assert Webhook(url=url).name


@pytest.mark.parametrize("host", ["[:::]", "[1:2]"])
def test_an_address_that_only_looks_like_one_is_told_and_stops_nothing(host: str) -> None:
    """It is no reason to try again, and none to tell nobody else."""
    hook = Webhook(url=f"http://{host}/{SECRET}")
    delivery = run(hook.tell(notice(SMALL)))
    assert not delivery.arrived
    assert SECRET not in hook.name + delivery.failure

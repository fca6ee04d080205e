"""Laws of the sandbox: what the check calls enforced is refused, and what it does not is not: both ways, never skipped.

Each attempt is made by a real plugin in a real worker on this machine, whatever its kernel can do.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest

from brownout.pluginhost import seccomp
from brownout.pluginhost.answers import Answer
from brownout.pluginhost.cgroup import ControlGroup
from brownout.pluginhost.confining import MEASURES
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.needs import granted
from brownout.pluginhost.sandbox import Aspect, Guarantee, _Told, _Tried, enforcement
from tests.checkout import PACKAGE, ROOT
from tests.eventually import eventually, eventually_async
from tests.pluginhost.groups import groups_of
from tests.pluginhost.stage import Stage, found

#: A plugin that does what the request says, and tells whether it could.
ATTEMPTS = """
import ctypes, os, resource, signal, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def watch(path):
    return libc.inotify_add_watch(libc.inotify_init(), path.encode(), 0x100)

def eat(size, then=lambda: None):
    held = bytearray(size)
    held[::4096] = b"x" * len(held[::4096])
    then()

def forks(count):
    for _ in range(count):
        if os.fork() == 0: signal.pause()

def burn():
    while True: pass

def handle_request(request):
    try:
        exec(request.body, globals())
    except (OSError, MemoryError, RuntimeError, ValueError) as error:
        return "refused: " + repr(error)
    return "done"
"""
LIMITS = {"memory": "64Mi", "processes": 8, "cpuTime": "1s", "disk": "1Mi"}


@dataclass(frozen=True)
class Attempt:
    """One attempt, at what the aspect is about."""

    name: str
    aspect: Aspect
    does: str
    needs: Mapping[str, Any] | None = None


PROGRAMS = {"programs": ["sh"]}
ONE_DOOR = {"network": {"connect": [9]}}
OWN_DOOR = {"network": {"listen": [9]}}
ATTEMPTED = (
    Attempt("reads a foreign file", Aspect.FILES, "open(FOREIGN).read()"),
    Attempt("reads the users' secrets", Aspect.FILES, "open('/etc/passwd').read()"),
    Attempt("lists a foreign folder", Aspect.FILES, "os.listdir(os.path.dirname(FOREIGN))"),
    Attempt("writes a foreign file", Aspect.FILES, "open(FOREIGN + '.new', 'w')"),
    Attempt("cuts a foreign file off", Aspect.FILES, "os.truncate(FOREIGN, 0)"),
    Attempt("follows its own link out", Aspect.FILES, "os.symlink(FOREIGN, 'link'); open('link').read()"),
    Attempt("opens a foreign file to everybody", Aspect.ATTRIBUTES, "os.chmod(FOREIGN, 0o666)"),
    Attempt("gives a foreign file away", Aspect.ATTRIBUTES, "os.chown(FOREIGN, -1, os.getegid())"),
    Attempt("backdates a foreign file", Aspect.ATTRIBUTES, "os.utime(FOREIGN, (0, 0))"),
    Attempt("marks a foreign file", Aspect.ATTRIBUTES, "os.setxattr(FOREIGN, 'user.mark', b'x')"),
    Attempt("changes what it may read", Aspect.ATTRIBUTES, "os.fchmod(os.open(os.__file__, 0), 0o644)"),
    Attempt("watches a foreign folder", Aspect.ATTRIBUTES, "checked(watch(os.path.dirname(FOREIGN)))"),
    Attempt("opens a foreign socket", Aspect.NETWORK, "socket.create_connection(('127.0.0.1', PORT))"),
    Attempt("sends a datagram", Aspect.NETWORK, "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORT))"),
    Attempt("talks to a local service", Aspect.NETWORK, "socket.socket(socket.AF_UNIX).connect(SOCKET)"),
    Attempt("listens", Aspect.LISTENING, "socket.create_server(('127.0.0.1', 0))"),
    Attempt("opens another door", Aspect.NETWORK, "socket.create_connection(('127.0.0.1', PORT))", ONE_DOOR),
    Attempt("listens at a door", Aspect.LISTENING, "socket.create_server(('127.0.0.1', PORT + 1))", ONE_DOOR),
    Attempt("listens where the kernel likes", Aspect.LISTENING, "socket.socket().listen()", ONE_DOOR),
    Attempt("listens where the kernel likes, and may", Aspect.LISTENING, "socket.socket().listen()", OWN_DOOR),
    Attempt("goes around by UDP", Aspect.NETWORK, "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORT))", ONE_DOOR),
    Attempt("goes around by MPTCP", Aspect.NETWORK, "socket.socket(2, 1, 262)", ONE_DOOR),
    Attempt("talks to a service beside", Aspect.NETWORK, "socket.socket(socket.AF_UNIX).connect(SOCKET)", ONE_DOOR),
    Attempt("runs a program", Aspect.PROGRAMS, "subprocess.run(['/bin/cat', '/dev/null'], check=True)"),
    Attempt("runs another program", Aspect.PROGRAMS, "subprocess.run(['/bin/cat', '/dev/null'], check=True)", PROGRAMS),
    Attempt("traces the host", Aspect.TRACING, "checked(libc.ptrace(16, os.getppid(), 0, 0))"),
    Attempt("limits the host", Aspect.TRACING, "resource.prlimit(os.getppid(), resource.RLIMIT_CORE)"),
    Attempt("reads the host's environment", Aspect.TRACING, "open(f'/proc/{os.getppid()}/environ').read()"),
    Attempt("reads the host's memory", Aspect.TRACING, "open(f'/proc/{os.getppid()}/mem', 'rb')"),
    Attempt("moves the host", Aspect.TRACING, "os.sched_setaffinity(os.getppid(), {0})"),
    Attempt("signals the host", Aspect.SIGNALS, "os.kill(os.getppid(), 0)"),
    Attempt("becomes somebody else", Aspect.PRIVILEGES, "os.chown('.', 1, 1)"),
    Attempt("changes its root", Aspect.PRIVILEGES, "os.chroot('.')"),
    Attempt("makes a namespace", Aspect.PRIVILEGES, "checked(libc.unshare(0x10000000))"),
    Attempt("eats memory", Aspect.MEMORY, "eat(100 * 2**20)"),
    Attempt("forks", Aspect.PROCESSES, "forks(1)"),
    Attempt("forks without end", Aspect.PROCESSES, "forks(15)", PROGRAMS),
    Attempt("writes a large file", Aspect.FILE_SIZE, "open('file', 'wb').truncate(2**21)"),
    Attempt("writes many files", Aspect.DISK, "[open(name, 'wb').truncate(2**20) for name in 'abc']"),
    Attempt("takes its end back", Aspect.OUTLIVING, "checked(libc.prctl(1, 0, 0, 0, 0))"),
    Attempt("leaves its group", Aspect.OUTLIVING, "forks(1)"),
)


@pytest.mark.parametrize("attempt", ATTEMPTED, ids=lambda attempt: attempt.name)
def test_what_is_called_enforced_is_refused_and_what_is_not_is_not(stage: Stage, attempt: Attempt) -> None:
    """The check and the kernel say the same."""
    foreign = stage.root / "foreign"
    foreign.write_text("secret")
    manifest: dict[str, Any] = {"needs": dict(attempt.needs or {}), "limits": LIMITS}

    async def story(host: PluginHost) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door, socket.socket(socket.AF_UNIX) as local:
            local.bind(str(stage.root / "socket"))
            local.listen()
            facts = (
                f"FOREIGN, PORT, SOCKET = {str(foreign)!r}, {door.getsockname()[1]}, {str(stage.root / 'socket')!r}\n"
            )
            outcome = await host.start(stage.launch("wild", facts + ATTEMPTS, **manifest))
            answer = await stage.ask(host, "wild", attempt.does)
        assert answer.ok or "memory" in answer.detail, (outcome, answer)
        promise = _promise(attempt.aspect, manifest)
        assert _refused(answer) == promise.enforced, (answer, promise)

    stage.live(story)


@pytest.mark.parametrize("grouped", [True, False])
def test_memory_that_is_spread_is_held_to_the_same_limit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, grouped: bool
) -> None:
    """Three processes of 50 MiB each, of which 64 in all are allowed: ended by the kernel, or by the host's look."""
    if not grouped:
        monkeypatch.setattr(ControlGroup, "make", lambda *_, **__: "there are none")
    eats = "if os.fork() == 0: eat(50 * 2**20, signal.pause)\n" * 2
    launch = stage.launch("wild", ATTEMPTS, needs=PROGRAMS, limits={**LIMITS, "requestTimeout": "1s"})

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        await stage.ask(host, "wild", eats + "eat(50 * 2**20, signal.pause)")
        (process,) = host._keepers["wild"].processes or (None,)

        async def held_to() -> bool:
            await host._watch.look()
            held_bytes = await host.memory_bytes("wild")
            return held_bytes is None or held_bytes <= 64 * 2**20

        assert await eventually_async(held_to)
        if process is not None and not process.counted:
            assert "may hold 64" in await process.ended

    stage.live(story)


def test_the_processes_that_a_plugin_may_have_are_beside_its_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the host counts them: with one allowed, one that it starts is none too many, and two are."""
    monkeypatch.setattr(ControlGroup, "make", lambda *_, **__: "there are none")
    launch = stage.launch("wild", ATTEMPTS, needs=PROGRAMS, limits={"processes": 1})
    forks = "if os.fork() == 0: signal.pause()"

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        (process,) = host._keepers["wild"].processes
        await stage.ask(host, "wild", forks)
        assert len(await process.members()) == 2
        await host._watch.look()
        assert (await stage.ask(host, "wild", forks)).ok
        await host._watch.look()
        assert await process.ended == "it has 2 processes beside its own, and may have 1"

    stage.live(story)


def test_cpu_time_is_used_up_and_said_so(stage: Stage) -> None:
    """Ended by the kernel, and started anew like anything that ended."""
    patient = {**LIMITS, "requestTimeout": "60s"}  # who computes gives way, and gets little where others compute too
    launch = stage.launch("wild", ATTEMPTS, limits=patient)

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        answer = await stage.ask(host, "wild", "burn()")
        enforced = _promise(Aspect.CPU, {"limits": LIMITS}).enforced
        assert ("used up its 1 s of CPU time" in answer.detail) == enforced

    stage.live(story)


def test_it_ends_with_the_host_and_what_it_started_with_the_next_host(stage: Stage) -> None:
    """A worker dies when its host is killed; what it may start, and did, is ended at the next start."""
    (stage.root / "plugin.py").write_text(ATTEMPTS)
    command = [sys.executable, "-m", "tests.pluginhost.killed", str(stage.root)]
    search = {**os.environ, "PYTHONPATH": f"{PACKAGE.parent}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=search) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == "done\n"
        assert len(stage.processes()) == 3
        groups = groups_of(host.pid)
        host.kill()
    assert eventually(lambda: len(stage.processes()) == 2)
    stage.live(PluginHost.recover)
    assert (stage.processes(), groups_of(host.pid)) == ((), [])
    assert bool(groups) == (_promise(Aspect.MEMORY, {"needs": PROGRAMS}).enforced)
    told = [_promise(Aspect.OUTLIVING, {"needs": needs}).enforced for needs in ({}, PROGRAMS)]
    assert told == [bool(seccomp.machine()), False]


KEEPING = """
import os, shelve, shutil, sqlite3
from pathlib import Path
def handle_request(request):
    with shelve.open("kept") as kept: kept["a"] = 1
    with sqlite3.connect("kept.db") as kept: kept.execute("pragma journal_mode=WAL")
    Path("one").write_text("x"); Path("one").touch(); Path("one").chmod(0o600)
    Path("folder").mkdir(); Path("folder/inner").write_text("x")
    shutil.copy2("one", "two"); shutil.copytree("folder", "copy"); shutil.move("two", "copy/two")
    os.symlink(request.body, "link")
    refused = []
    for path in (request.body, "link", "missing", Path("..")):
        try: os.chmod(path, 0o777)
        except OSError as error: refused.append(type(error).__name__)
    return sorted(os.listdir("copy")), refused
"""


def test_libraries_that_set_modes_and_times_go_on_with_its_own_files(stage: Stage) -> None:
    """What lies in its folder is passed over; what lies elsewhere, also behind a link of its own, is not."""
    foreign = stage.root / "foreign"
    foreign.write_text("secret")
    mode = foreign.stat().st_mode

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("keeper", KEEPING))
        answer = await stage.ask(host, "keeper", str(foreign))
        assert answer.ok, answer
        copied, refused = answer.body
        assert copied == ["inner", "two"]
        enforced = _promise(Aspect.ATTRIBUTES, {}).enforced
        assert (refused == ["PermissionError"] * 4) or not enforced

    stage.live(story)
    if _promise(Aspect.ATTRIBUTES, {}).enforced:
        assert foreign.stat().st_mode == mode


def test_it_inherits_no_descriptor(stage: Stage) -> None:
    """Standard input, its output, its socket, and what it opens itself."""
    launch = stage.launch("wild", ATTEMPTS + "\ndef handle_request(r): return sorted(os.listdir('/proc/self/fd'))\n")

    async def story(host: PluginHost) -> None:
        kept, _ = os.pipe()
        os.set_inheritable(kept, True)
        await host.start(launch)
        assert len((await stage.ask(host, "wild")).body) == 5
        os.close(kept)
        os.close(_)

    stage.live(story)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("udp", [True, False])
def test_a_filter_only_jumps_forward_and_always_ends_in_a_verdict(machine: str, *, fork: bool, udp: bool) -> None:
    """As the kernel demands; and a foreign architecture is killed before anything is asked."""
    lines = seccomp.program(machine, fork=fork, network=udp, udp=udp, listen=fork)
    assert len(lines) <= 4096
    assert lines[-1][0] == 0x06
    for at, (code, yes, no, value) in enumerate(lines):
        if code in (0x15, 0x45, 0x35):
            assert at + 1 + max(yes, no) < len(lines)
        assert 0 <= max(yes, no) < 256
        assert 0 <= value < 2**32
    assert lines[2] == (0x06, 0, 0, 0x80000000)


def test_what_cannot_be_enforced_is_told_with_its_reason() -> None:
    """Nothing is hidden: each aspect is spoken of for every plugin, and each has a how or a why not."""
    for needs in ({}, PROGRAMS, ONE_DOOR, {"network": {"connect": [443], "resolve": True}}):
        told = enforcement(_manifest({"needs": needs}))
        assert [each.aspect for each in told] == list(Aspect)
        assert all(bool(each.how) == each.enforced != bool(each.why_not) for each in told)


@pytest.mark.parametrize("needs", [{}, PROGRAMS, ONE_DOOR])
def test_on_a_kernel_that_offers_nothing_nothing_is_called_enforced(needs: Mapping[str, Any]) -> None:
    """But what needs no kernel: that the environment is made anew."""
    manifest = _manifest({"needs": needs})
    bare = _Tried(MappingProxyType(dict.fromkeys(MEASURES, "not here")), 0, "no groups", "")
    told = _Told(manifest, granted(manifest.needs, {}), bool(needs == ONE_DOOR), bare).all()
    assert {each.aspect for each in told if each.enforced} == {Aspect.ENVIRONMENT}


def _manifest(document: Mapping[str, Any]) -> Manifest:
    return found("wild", "", **document).manifest


def _promise(aspect: Aspect, document: Mapping[str, Any]) -> Guarantee:
    return next(each for each in enforcement(_manifest(document)) if each.aspect is aspect)


def _refused(answer: Answer) -> bool:
    return not answer.ok or str(answer.body).startswith("refused")

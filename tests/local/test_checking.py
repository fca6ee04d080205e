"""Checks on this machine, on real servers and programs: what passes, what fails and in which words, and its bounds."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from brownout.api.integration import Integration
from brownout.core.health import Answer, Checked
from brownout.engine.ports import ProcessId
from brownout.local.checking.http import MOST_BODY_BYTES
from brownout.local.checking.prober import LocalProber
from brownout.local.checking.sweeping import CHECKS_MARK
from brownout.sensing.processes import ProcTable
from tests.checkout import ROOT
from tests.eventually import eventually_async
from tests.local.servers import (
    GOOD,
    Serve,
    a_server,
    by_http,
    by_program,
    by_tcp,
    dripping,
    endless_body,
    endless_head,
    saying,
    silent,
    unused_port,
)

T = TypeVar("T")
BEHAVING = str(ROOT / "tests" / "programs" / "behaving.py")
PYTHON = (sys.executable, "-I", "-S", BEHAVING)


def checking(folder: Path, story: Callable[[LocalProber], Awaitable[T]]) -> T:
    """Tell a story with a prober, which leaves no program behind."""

    async def told() -> T:
        prober = LocalProber(folder, ProcTable(), directory=folder, on_fault=lambda _, said: pytest.fail(said))
        try:
            return await story(prober)
        finally:
            await prober.close()
            assert left_of(folder) == ()

    return asyncio.run(told())


def left_of(folder: Path) -> tuple[ProcessId, ...]:
    """Programs of checks that still live."""
    return tuple(ProcTable().marked(CHECKS_MARK, os.path.realpath(folder)))


def checked(folder: Path, serve: Serve, *, within_s: float = 5.0, host: str = "127.0.0.1") -> Checked | None:
    """What a check by HTTP says of such a server; None where it has not answered in time."""

    async def story(prober: LocalProber) -> Checked | None:
        async with a_server(serve, host=host) as server:
            try:
                async with asyncio.timeout(within_s):
                    return await prober.check(by_http(server.port))
            except TimeoutError:
                return None
            finally:
                await prober.close()
                await eventually_async(lambda: _holds(lambda: server.connections == 0))

    return checking(folder, story)


async def _holds(true: Callable[[], bool]) -> bool:
    return true()


def status_line(status: int) -> bytes:
    """An answer with this status."""
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [200, 204, 301, 302, 399])
def test_from_200_to_399_it_passes(tmp_path: Path, status: int) -> None:
    """Redirects included; they are not followed."""
    assert checked(tmp_path, saying(status_line(status))) == Checked(answer=Answer.OK)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503, 599])
def test_other_statuses_fail_and_are_named(tmp_path: Path, status: int) -> None:
    """The status is said, and nothing of the body."""
    body = b"HTTP/1.1 %d No\r\n\r\npassword=hunter2" % status
    found = checked(tmp_path, saying(body))
    assert found is not None
    assert (found.answer, found.why.split(" ", 2)[2]) == (Answer.FAILED, f"answers {status}")


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """Not even on this machine: where it points to is never asked (fault S-16)."""

    async def story(prober: LocalProber) -> None:
        async with a_server(saying(GOOD)) as victim:
            moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{victim.port}/secret\r\n\r\n".encode()
            async with a_server(saying(moved)) as server:
                assert (await prober.check(by_http(server.port))).answer is Answer.OK
                assert server.requests[0].startswith(b"GET /healthz HTTP/1.1\r\nHost: localhost:")
            assert victim.requests == []

    checking(tmp_path, story)


@pytest.mark.parametrize(
    ("serve", "how"),
    [
        (saying(), "closed the connection without an answer"),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "does not speak HTTP"),
        (saying(b"\x16\x03\x01\x02\x00"), "does not speak HTTP"),
        (saying(b"HTTP/9.9 200 OK\r\n\r\n"), "does not speak HTTP"),
        (saying(b"HTTP/1.1 2000 OK\r\n\r\n"), "does not speak HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nX: y"), "closed the connection without an answer"),
        (endless_head, "answers with an endless head"),
    ],
    ids=["nothing", "ssh", "tls", "version", "status", "half", "endless"],
)
def test_what_is_no_answer_fails(tmp_path: Path, serve: Serve, how: str) -> None:
    """Whatever listens there, it is bounded and named."""
    found = checked(tmp_path, serve)
    assert found is not None
    assert (found.answer, found.why.split(" ", 2)[2]) == (Answer.FAILED, how)


def test_an_answer_in_small_pieces_is_an_answer(tmp_path: Path) -> None:
    """Also with a provisional one before it, one byte at a time."""
    text = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + GOOD
    pieces = [text[index : index + 1] for index in range(len(text))]
    assert checked(tmp_path, saying(*pieces)) == Checked(answer=Answer.OK)


def test_an_old_server_may_end_lines_as_it_likes(tmp_path: Path) -> None:
    """HTTP/1.0, without carriage returns and without words behind the status."""
    assert checked(tmp_path, saying(b"HTTP/1.0 200\n\nok")) == Checked(answer=Answer.OK)


@pytest.mark.parametrize("serve", [silent, dripping], ids=["silent", "dripping"])
def test_what_never_comes_to_the_point_ends_with_its_timeout(tmp_path: Path, serve: Serve) -> None:
    """A head that drips is no answer; cancelled, the connection is gone (fault P-16)."""
    assert checked(tmp_path, serve, within_s=0.3) is None


def test_an_endless_body_is_hung_up_on(tmp_path: Path) -> None:
    """It answered 200 and passes; no more of it is read than 64 KiB, and the server is rid of us."""

    async def story(prober: LocalProber) -> None:
        async with a_server(endless_body) as server:
            assert await prober.check(by_http(server.port)) == Checked(answer=Answer.OK)
            await eventually_async(lambda: _holds(lambda: server.connections == 0))

    assert MOST_BODY_BYTES <= 64 * 1024
    checking(tmp_path, story)


def test_a_server_of_ipv6_is_found(tmp_path: Path) -> None:
    """A program that listens on localhost may have taken ::1."""
    try:
        found = checked(tmp_path, saying(GOOD), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert found == Checked(answer=Answer.OK)


def test_a_port_that_nobody_has_refuses(tmp_path: Path) -> None:
    """By HTTP and by TCP, in the same words."""
    port = unused_port()

    async def story(prober: LocalProber) -> list[Checked]:
        return [await prober.check(by_http(port)), await prober.check(by_tcp(port))]

    assert checking(tmp_path, story) == [
        Checked(answer=Answer.FAILED, why=f"connection refused on port {port}") for _ in range(2)
    ]


def test_a_port_that_listens_accepts(tmp_path: Path) -> None:
    """Also where nobody ever answers: by TCP nothing more is asked."""

    async def story(prober: LocalProber) -> Checked:
        async with a_server(silent) as server:
            return await prober.check(by_tcp(server.port))

    assert checking(tmp_path, story) == Checked(answer=Answer.OK)


def test_without_a_descriptor_nothing_is_known(tmp_path: Path) -> None:
    """That we have no descriptor left says nothing of the integration: not failed, but blocked."""

    async def story(prober: LocalProber) -> Checked:
        async with a_server(silent) as server:
            used = max(int(entry.name) for entry in os.scandir("/proc/self/fd")) + 1
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            spare: list[int] = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
            try:
                while True:
                    spare.append(os.dup(0))
            except OSError:
                return await prober.check(by_http(server.port))
            finally:
                for descriptor in spare:
                    os.close(descriptor)
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    found = checking(tmp_path, story)
    assert (found.answer, found.why) == (Answer.BLOCKED, "no connection can be made: Too many open files")


# --- by a program --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("integration", "found"),
    [
        (by_program("true"), Checked(answer=Answer.OK)),
        (by_program("false"), Checked(answer=Answer.FAILED, why="false exited with 1")),
        (by_program("/nowhere/x"), Checked(answer=Answer.FAILED, why="/nowhere/x was not found")),
        (by_program("/etc/passwd"), Checked(answer=Answer.FAILED, why="/etc/passwd is not executable by this user")),
        (by_program("sh", "-c", "kill -9 $$"), Checked(answer=Answer.FAILED, why="sh was ended by SIGKILL")),
        (by_program("true; false"), Checked(answer=Answer.FAILED, why="true; false was not found")),
    ],
    ids=["true", "false", "missing", "not executable", "killed", "no shell"],
)
def test_a_program_passes_with_0(tmp_path: Path, integration: Integration, found: Checked) -> None:
    """And fails with anything else, which is said; nothing of it goes through a shell."""
    assert checking(tmp_path, lambda prober: prober.check(integration)) == found


def test_it_sees_what_its_workload_sees(tmp_path: Path) -> None:
    """The variables and the folder of the command, and none of the controller's secrets."""
    (tmp_path / "inner").mkdir()
    workload = {"command": {"argv": ["sleep", "1"], "env": {"WORD": "swordfish"}, "workingDirectory": "inner"}}
    asks = 'test "$WORD" = swordfish && test "$(basename "$PWD")" = inner && test -z "$BROWNOUT_SECRET_OF_TEST"'
    integration = by_program("sh", "-c", asks, workload=workload)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWNOUT_SECRET_OF_TEST", "x")
        found = checking(tmp_path, lambda prober: prober.check(integration))
    assert found == Checked(answer=Answer.OK)


@pytest.mark.parametrize("acts", [["child"], ["ignore", "child"], ["hide"], ["hide", "child"]], ids=" ".join)
def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path, acts: list[str]) -> None:
    """Cancelled at its timeout; also what forked twice, left the session and is deaf to SIGTERM is gone soon after."""
    said = tmp_path / "said"

    async def story(prober: LocalProber) -> None:
        check = asyncio.create_task(prober.check(by_program(*PYTHON, *acts, "say", str(said))))
        await eventually_async(lambda: _holds(said.exists))
        assert left_of(tmp_path)
        check.cancel()
        await asyncio.gather(check, return_exceptions=True)
        await eventually_async(lambda: _holds(lambda: left_of(tmp_path) == ()))

    checking(tmp_path, story)


def test_what_a_program_leaves_in_its_group_goes_with_it(tmp_path: Path) -> None:
    """A check every 5 s that leaves a child behind each time would fill the box."""

    async def story(prober: LocalProber) -> None:
        found = await prober.check(by_program("sh", "-c", "sleep 60 & exit 0"))
        assert found == Checked(answer=Answer.OK)
        await eventually_async(lambda: _holds(lambda: left_of(tmp_path) == ()))

    checking(tmp_path, story)


def test_what_a_killed_controller_left_is_swept_up(tmp_path: Path) -> None:
    """The first check of the next one ends the programs of the last one's checks."""
    real = os.path.realpath(tmp_path)

    async def story(prober: LocalProber) -> None:
        environment = {**os.environ, CHECKS_MARK: real, "BROWNOUT_CHECK": "1-of-a-dead-one"}
        left = await asyncio.create_subprocess_exec("sleep", "60", env=environment, start_new_session=True)
        assert await prober.check(by_program("true")) == Checked(answer=Answer.OK)
        async with asyncio.timeout(10.0):
            assert await left.wait() == -signal.SIGKILL

    checking(tmp_path, story)

"""How a wrapped program reports and is told: a descriptor, a socket, HTTP, a file, a signal. Real ones, each."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli_budget.wrapped import Wrapped, saving
from tests.eventually import eventually


def test_all_channels_count_into_one_run_and_answer(wrapped: Wrapped) -> None:
    """Three channels, one sum; what is answered is on disk; what is not understood is named and costs nothing else."""
    done = wrapped.run(
        saving(
            wrapped.file("result"),
            "line", "tokens=100 api_call=1", "raw", b"tokens=1\nnonsense\ntok".hex(), "raw", b"ens=2\n".hex(),
            "ask", '{"tokens": 200, "checkpoint": {"page": 3}}', "ask", "",
            "post", "tokens=300 progress=0.25\ntokens=400", "post", "tokens=-1", "exit", 0,
        ),
        tokens=10_000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    socket_answer, asked_again, http_answer, http_refusal = done.stdout.splitlines()
    # The descriptor is not answered, so it may be heard after the socket.
    assert re.fullmatch(r"Continue (200|30[0-3]) True", socket_answer)
    assert re.fullmatch(r"Continue (200|30[0-3]) True", asked_again)
    assert http_answer == "Continue 1003 True"
    assert http_refusal.startswith("400 line 1: tokens must be a whole number from 0 to ")
    assert "brownout: line 3 on the descriptor was dropped: a word in it is no name=value\n" in done.stderr
    found = wrapped.record()
    assert (found.usage.tokens, found.usage.api_calls, found.checkpoints) == (1003, 1, 1)


def test_no_count_of_eight_processes_at_once_is_lost(wrapped: Wrapped) -> None:
    """By the one descriptor they share and by a connection each: the sum of the parts is the whole."""
    done = wrapped.run(saving(wrapped.file("result"), "crowd", 40, "exit", 0), tokens=100_000)
    assert done.returncode == 0, done.stderr
    usage = wrapped.record().usage
    assert (usage.tokens, usage.api_calls) == (8 * 40 * 2, 8 * 40 * 2)


def test_the_file_and_the_signal_tell_as_well(wrapped: Wrapped) -> None:
    """Who only looks at the file learns it there; a signal comes to who has asked for it."""
    command = saving(wrapped.file("result"), "told", "line", "tokens=85", "until", "Finish", "exit", 0)
    done = wrapped.run(command, tokens=100, signal="USR1")
    assert (done.returncode, done.stderr.count("approaching a limit")) == (0, 1), done.stderr
    assert sorted(done.stdout.splitlines()) == ["read Finish", "told"]


def test_nothing_but_the_token_opens_the_door(wrapped: Wrapped) -> None:
    """Another user of the machine finds a port that answers nobody; the folder of socket and file is ours alone."""
    with wrapped.running(saving(wrapped.file("result"))) as process:
        environ = _environment(wrapped)
        url = environ["BROWNOUT_BUDGET_URL"]
        assert answer_of(url) == (200, True)
        for other in (url.rpartition("/")[0] + "/" + "0" * 32, url + "/other", url.rpartition("/")[0]):
            assert answer_of(other) == (404, None)
        assert answer_of(url, host="evil.example") == (421, None)
        assert url.startswith("http://127.0.0.1:")
        folder = Path(environ["BROWNOUT_BUDGET_SOCKET"]).parent
        assert folder.stat().st_mode & 0o077 == 0
        process.terminate()
        assert process.wait(60) == 7
    assert not folder.exists()


def _environment(wrapped: Wrapped) -> dict[str, str]:
    (process,) = eventually(wrapped.processes, within_s=30)
    entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if entry)


def answer_of(url: str, *, host: str | None = None) -> tuple[int, bool | None]:
    """The status of a GET, and whether the program should continue where it says so."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request("GET", parts.path or "/", headers={"Host": host or parts.netloc})
        reply = connection.getresponse()
        return reply.status, json.load(reply).get("advice", {}).get("continue")

"""A gateway as the store of a run: what its network and its refusals do to a program. What it counts: test_run.py."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brownout.budget import Advice, AsyncRun, Ending, HistoryUnavailable, InvalidInput, Limits, NoSuchRun, Run, remote
from brownout.budget.remote import RemoteBudgets
from tests.budget.desks import SECRET, SetClock, gateway
from tests.worlds import NOW

ADVICE = "start the controller there (brownout run --listen), or give the address that it listens on"


def test_a_run_through_a_gateway_from_its_opening_to_its_end(tmp_path: Path) -> None:
    """As the page says: the same calls, and the gateway's store has the run."""
    with gateway(tmp_path, SetClock()) as url:
        with Run.open("nightly", Limits(tokens=100), server=url, token=SECRET) as run:
            run.record(tokens=85, api_call=True)
            assert run.advice(0.9) is Advice.FINISH
            run.checkpoint(b"\x00bytes")
            other = Run.open("nightly", Limits(), server=url, token=SECRET)
            assert other.joined
            assert other.usage()["tokens"].used == 85  # type: ignore[index]
            last = other.last_checkpoint
            assert last is not None
            assert last.state == b"\x00bytes"
            other.leave()
        store = RemoteBudgets(url, token=SECRET)
        (kept,) = store.runs(now=NOW, name="nightly")
        assert (kept.stopped_by, kept.checkpoints) == (Ending.COMPLETED, 1)
        assert store.end(kept.id, now=NOW, ending=Ending.ABANDONED) == kept
        with pytest.raises(NoSuchRun, match="was completed"):
            Run.resume("nightly", server=url, token=SECRET)


@pytest.mark.asyncio
async def test_a_gateway_can_be_awaited(tmp_path: Path) -> None:
    """The same for asyncio."""
    with gateway(tmp_path, SetClock()) as url:
        async with AsyncRun.open("nightly", Limits(tokens=10), server=url, token=SECRET) as run:
            await run.record(tokens=10)
            assert not await run.should_continue(0.99)
        assert (await run.end()).stopped_by is Ending.STOPPED_EXCEEDED


@pytest.mark.parametrize("token", [None, "another-token-of-32-characters-!"])
def test_without_the_token_nothing_is_opened(tmp_path: Path, token: str | None) -> None:
    """The refusal says so, and shows no token."""
    with gateway(tmp_path, SetClock()) as url, pytest.raises(InvalidInput, match="token") as refusal:
        Run.open("nightly", Limits(), server=url, token=token)
    assert str(token) not in str(refusal.value)


def test_a_gateway_that_is_gone_stops_no_work(tmp_path: Path) -> None:
    """Records raise and are owed; questions are answered from what is known, and the budget still holds."""
    with gateway(tmp_path, SetClock()) as url:
        run = Run.open("nightly", Limits(tokens=100), server=url, token=SECRET)
        run.record(tokens=50)
        assert run.should_continue(0.1)
    with pytest.raises(HistoryUnavailable, match="cannot be asked"):
        run.record(tokens=50)
    assert run.advice(0.99) is Advice.STOP_EXCEEDED
    with pytest.raises(HistoryUnavailable, match=r"start the controller there") as refusal:
        Run.open("nightly", Limits(), server=url, token=SECRET)
    assert str(refusal.value) == f"{url} cannot be asked: Connection refused: {ADVICE}"


@contextmanager
def stranger(says: bytes) -> Iterator[str]:
    """Something on loopback that is no gateway: it says this to whoever connects, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as caller:
                caller.recv(65536)
                caller.sendall(says)

        talking = threading.Thread(target=answer)
        talking.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        talking.join()


@pytest.mark.parametrize(
    ("scheme", "says", "why"),
    [
        ("http", b"", "it hung up without an answer"),
        ("http", b"220 mail ready\r\n", "what answers there does not speak HTTP"),
        ("https", b"220 mail ready\r\n", "no TLS connection came about (wrong version number)"),
    ],
)
def test_an_address_where_no_gateway_is_is_told_in_one_sentence(scheme: str, says: bytes, why: str) -> None:
    """Which address, what happened there and what to do; nothing of how Python writes its errors."""
    with stranger(says) as address, pytest.raises(HistoryUnavailable) as refusal:
        RemoteBudgets(f"{scheme}://{address}", token=SECRET).runs(now=NOW)
    assert str(refusal.value) == f"{scheme}://{address} cannot be asked: {why}: {ADVICE}"
    assert not re.search(r"\w\(|Errno|Error|'", str(refusal.value).replace(why, ""))


def test_one_that_keeps_silent_is_told_with_how_long_it_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the call and says nothing."""
    monkeypatch.setattr(remote, "_PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(HistoryUnavailable, match=r"cannot be asked: no answer within 0\.05 s: start"):
            RemoteBudgets(url, token=SECRET).runs(now=NOW)


@pytest.mark.parametrize("bad", ["two\nlines", "snow \u2603", "a blank"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(bad: str) -> None:
    """Before anything is sent, and without showing it."""
    with pytest.raises(InvalidInput, match="token") as refusal:
        RemoteBudgets("http://127.0.0.1:8321", token=bad)
    assert bad not in str(refusal.value)


def test_a_state_that_the_gateway_does_not_take_is_refused(tmp_path: Path) -> None:
    """64 KiB of a request; the state before stays."""
    with gateway(tmp_path, SetClock()) as url:
        run = Run.open("nightly", Limits(), server=url, token=SECRET)
        run.checkpoint("small")
        with pytest.raises(InvalidInput, match="too long"):
            run.checkpoint("x" * 70_000)
        last = run.last_checkpoint
        assert last is not None
        assert last.state == "small"
        run.leave()


def test_a_client_that_died_does_not_keep_a_run_open(tmp_path: Path) -> None:
    """After its lease of 10 minutes; the one who resumes has its usage, and no time in between."""
    clock = SetClock()
    with gateway(tmp_path, clock) as url:
        dead = Run.open("nightly", Limits(), server=url, token=SECRET)
        dead.record(tokens=5)
        clock.at += 3600
        assert RemoteBudgets(url, token=SECRET).find(dead.id, now=NOW).interrupted
        back = Run.resume("nightly", server=url, token=SECRET)
        assert (back.now().usage.tokens, back.now().usage.elapsed_s) == (5, 0)
        assert back.end().ended


@pytest.mark.parametrize(
    "bad", ["127.0.0.1:8321", "ftp://x", "http://", "http://x/y", "http://x?y=1", "http://x:99999", "http://[x"]
)
def test_a_server_that_is_no_url_is_refused(bad: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidInput, match="server"):
        RemoteBudgets(bad, token=None)

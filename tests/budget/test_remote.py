"""A gateway as the store of a run: what its network and its refusals do to a program. What it counts: test_run.py."""

from pathlib import Path

import pytest

from brownout.budget import Advice, AsyncRun, Ending, HistoryUnavailable, InvalidInput, Limits, NoSuchRun, Run
from brownout.budget.remote import RemoteBudgets
from tests.budget.desks import SECRET, SetClock, gateway
from tests.worlds import NOW


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
    with pytest.raises(HistoryUnavailable, match=r"is the controller running"):
        Run.open("nightly", Limits(), server=url, token=SECRET)


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


@pytest.mark.parametrize("bad", ["127.0.0.1:8321", "ftp://x", "http://", "http://x/y", "http://x?y=1"])
def test_a_server_that_is_no_url_is_refused(bad: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidInput, match="server"):
        RemoteBudgets(bad, token=None)

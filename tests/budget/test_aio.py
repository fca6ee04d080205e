"""The same run for asyncio. Real time: what it does is wait for a thread."""

import asyncio
from pathlib import Path

import pytest

from brownout.budget import AsyncRun, BudgetState, Ending, InvalidInput, Limits, NoSuchRun, Run


def test_tasks_share_a_run_and_lose_no_count(tmp_path: Path) -> None:
    """Twenty tasks, one run, in a file."""

    async def scenario() -> None:
        async with AsyncRun.open("agent", Limits(tokens=1000), store=tmp_path) as run:

            async def work() -> None:
                for _ in range(5):
                    await run.record(tokens=1, api_call=True)

            await asyncio.gather(*(work() for _ in range(20)))
            assert (await run.usage())["tokens"].used == 100  # type: ignore[index]
            assert await run.should_continue(0.1)
            assert await run.state() is BudgetState.OK
            assert (await run.checkpoint({"n": 1})).number == 1
            assert not run.due()
            assert (await run.raise_limits(tokens=2000)).tokens == 2000
            assert (await run.completion_possible(0.5)).possible is None
        assert (await run.end()).stopped_by is Ending.COMPLETED
        assert (await run.summary()).startswith("Run agent: completed")

    asyncio.run(scenario())


def test_a_cancelled_block_can_be_resumed(tmp_path: Path) -> None:
    """What was recorded before is there; the run was not ended."""

    async def cancelled() -> None:
        async with AsyncRun.open("agent", Limits(), store=tmp_path) as run:
            await run.record(tokens=7)
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())

    async def resumed() -> None:
        async with AsyncRun.resume("agent", store=tmp_path) as run:
            assert (await run.usage())["tokens"].used == 7  # type: ignore[index]
            assert run.run.joined
            assert await run.last_checkpoint() is None

    asyncio.run(resumed())
    with pytest.raises(NoSuchRun):
        Run.resume("agent", store=tmp_path)


def test_an_opening_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """The error is the library's own; no thread stays."""

    async def scenario() -> None:
        async with AsyncRun.open("a\nb", Limits(), store=tmp_path):
            pytest.fail("it should not open")

    with pytest.raises(InvalidInput, match="name"):
        asyncio.run(scenario())

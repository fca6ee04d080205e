"""The same run for asyncio: every call that may wait is awaited, and made in a thread of the run's own, in order."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from brownout.budget.run import Run, Saved
from brownout.core.budget.advice import Advice
from brownout.core.budget.assessment import Assessment, BudgetState, Line
from brownout.core.budget.limits import Limits
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import Ending, RunRecord
from brownout.core.errors import BrownoutError

if TYPE_CHECKING:
    from brownout.core.budget.completion import Completion

T = TypeVar("T")


class AsyncRun:
    """`async with AsyncRun.open(...) as run: await run.record(tokens=120, api_call=True)`.

    It is opened when the block begins. A call that is cancelled is carried out all the same: a record that was given is
    never lost. Tasks may share it.
    """

    @classmethod
    def open(
        cls,
        name: str,
        limits: Limits,
        *,
        store: str | Path | None = None,
        server: str | None = None,
        token: str | None = None,
        fresh: bool = False,
    ) -> Self:
        """As Run.open."""
        return cls(lambda: Run.open(name, limits, store=store, server=server, token=token, fresh=fresh))

    @classmethod
    def resume(
        cls, name: str, *, store: str | Path | None = None, server: str | None = None, token: str | None = None
    ) -> Self:
        """As Run.resume."""
        return cls(lambda: Run.resume(name, store=store, server=server, token=token))

    def __init__(self, open_run: Callable[[], Run]) -> None:
        self._open_run = open_run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="budget")
        self._over = False
        self._run: Run

    async def __aenter__(self) -> Self:
        try:
            self._run = await self._do(self._open_run)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, also while the task is being cancelled: what it recorded before is written first."""
        try:
            await asyncio.shield(self._do(lambda: self._run.__exit__(kind, error, trace)))
        finally:
            self._over = True
            self._thread.shutdown(wait=False)

    @property
    def run(self) -> Run:
        """The run itself: its name, its number, whether it was joined."""
        return self._run

    async def record(self, tokens: int = 0, api_call: bool | int = False) -> None:  # noqa: FBT001, FBT002 - as Run
        """As Run.record."""
        await self._do(lambda: self._run.record(tokens, api_call))

    async def usage(self) -> Mapping[Measure, Line]:
        """As Run.usage."""
        return await self._do(self._run.usage)

    async def state(self) -> BudgetState:
        """As Run.state."""
        return (await self.assessment()).state

    async def assessment(self) -> Assessment:
        """As Run.assessment."""
        return await self._do(self._run.assessment)

    async def should_continue(self, progress: float | None = None) -> bool:
        """As Run.should_continue."""
        return await self._do(lambda: self._run.should_continue(progress))

    async def advice(self, progress: float | None = None) -> Advice:
        """As Run.advice."""
        return await self._do(lambda: self._run.advice(progress))

    async def completion_possible(self, progress: float) -> "Completion":
        """As Run.completion_possible."""
        return await self._do(lambda: self._run.completion_possible(progress))

    async def raise_limits(self, **limits: Any) -> Limits:
        """As Run.raise_limits."""
        return await self._do(lambda: self._run.raise_limits(**limits))

    async def checkpoint(self, state: Any) -> Saved:
        """As Run.checkpoint."""
        return await self._do(lambda: self._run.checkpoint(state))

    def due(self) -> bool:
        """As Run.due; it waits for nothing."""
        return self._run.due()

    async def last_checkpoint(self) -> Saved | None:
        """As Run.last_checkpoint."""
        return await self._do(lambda: self._run.last_checkpoint)

    async def end(self, ending: Ending | None = None) -> RunRecord:
        """As Run.end."""
        return await self._do(lambda: self._run.end(ending))

    async def leave(self) -> RunRecord:
        """As Run.leave."""
        return await self._do(self._run.leave)

    async def summary(self) -> str:
        """As Run.summary."""
        return await self._do(self._run.summary)

    def _do(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """In the run's thread; after its block, when nothing waits any more, at once."""
        loop = asyncio.get_running_loop()
        if not self._over:
            return loop.run_in_executor(self._thread, work)
        done = loop.create_future()
        try:
            done.set_result(work())
        except BrownoutError as error:
            done.set_exception(error)
        return done

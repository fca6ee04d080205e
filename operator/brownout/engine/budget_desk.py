"""The desk: the store of budgets as an event loop may use it. Opened when first asked, one thing at a time, bounded.

Nothing of budgets is imported or opened before somebody has one: a box without pays nothing for them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from brownout.engine.budgets import BudgetStore

T = TypeVar("T")

#: The store waits that long for other processes that write; a disk that takes longer hangs.
PATIENCE_S: Final = 10.0


class Disk(Protocol):
    """Does one thing after the other in a thread of its own."""

    async def run(self, work: Callable[[], T], *, within_s: float) -> T:
        """The result of `work`. Raises what it raises, and HomeUnavailable when it is not done in time."""
        ...


class BudgetDesk:
    """Asks the store of budgets. `kept` tells at once whether there is one already."""

    def __init__(self, disk: Disk, open_store: "Callable[[], BudgetStore]", *, kept: Callable[[], bool]) -> None:
        self._disk = disk
        self._open_store = open_store
        self._kept = kept
        self._store: BudgetStore | None = None

    @property
    def empty(self) -> bool:
        """Whether nobody has ever had a budget here."""
        return self._store is None and not self._kept()

    async def ask(self, work: "Callable[[BudgetStore], T]") -> T:
        """What `work` makes of the store. Raises BrownoutError where it cannot be used, or does not answer in time."""
        return await self._disk.run(lambda: work(self._opened()), within_s=PATIENCE_S)

    async def close(self) -> None:
        """Let go of the store: time that is counted ends here."""
        if self._store is not None:
            await self._disk.run(self._close, within_s=PATIENCE_S)

    def _opened(self) -> "BudgetStore":
        """In the thread: the store, which one that could not be opened before may be now."""
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def _close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

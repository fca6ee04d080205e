"""Accounts: the runs of integrations in the store of budgets. A run bears the key of its integration as its name.

While the integration runs, the controller has its run open, which counts the time. Programs and REST tell the rest, on
the same run. When a window is over its run ends as Renewed, and the next one of that name begins with nothing used.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from brownout.api.budget import Budget
from brownout.core.allowance import window_start
from brownout.core.budget.allowed import limits_of
from brownout.core.budget.run import Ending, NoSuchRun, RunRecord
from brownout.core.budget.usage import NOTHING_USED, Usage
from brownout.core.instant import Instant
from brownout.engine.budgets import BudgetStore
from brownout.engine.usage_counts import NOTHING_TOLD, Told

#: Time that passes without a durable sign of life is lost when the controller is killed.
SIGN_EVERY_S: Final = 30.0
#: Runs of one name that are looked at: more than one in a window are only there where programs completed runs while
#: no controller had them open.
_MOST_RUNS: Final = 100
_LONGEST_NAME: Final = 100
#: A run that ended so is over; any other is the run of its window still.
_OVER: Final = (Ending.COMPLETED, Ending.ABANDONED, Ending.RENEWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One integration at one look: what it may use, and whether it runs."""

    key: str
    budget: Budget
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """A run that the controller has open for an integration, and when it last gave a sign of life."""

    run: int
    number: int
    signed_at: Instant


class BudgetAccounts:
    """Keeps the accounts. It blocks and is used from one thread at a time; `tell` may be called from any."""

    def __init__(self) -> None:
        self._told: deque[tuple[str, Told]] = deque()
        self._waiting: dict[str, Told] = {}
        self._sessions: dict[str, _Session] = {}
        self._past: dict[str, RunRecord] = {}  # the last run of each that is over with its window

    def tell(self, told: Mapping[str, Told]) -> None:
        """Take in what was used; the next look writes it down."""
        self._told.extend(told.items())

    def look(self, store: BudgetStore, accounts: Iterable[Account], *, now: Instant) -> Mapping[str, Usage]:
        """Write down what was used until now; by key what that makes in this window. Raises BrownoutError."""
        while self._told:
            key, told = self._told.popleft()
            self._waiting[key] = self._waiting.get(key, NOTHING_TOLD) + told
        accounts = tuple(accounts)
        for key in self._sessions.keys() - {account.key for account in accounts}:
            self._leave(store, key, now=now)
        return {account.key: self._used(store, account, now=now) for account in accounts}

    def leave_all(self, store: BudgetStore, *, now: Instant) -> None:
        """The controller ends: no time counts any more."""
        for key in tuple(self._sessions):
            self._leave(store, key, now=now)

    def part_with(self, store: BudgetStore, keys: Iterable[str], *, now: Instant) -> None:
        """These integrations are no longer declared, or have no budget any more: their runs are complete."""
        for key in keys:
            self._sessions.pop(key, None)
            self._waiting.pop(key, None)
            self._past.pop(key, None)
            last = _newest(store, key, now=now)
            if last is not None and not last.ended:
                store.end(last.id, now=now, ending=Ending.COMPLETED)

    def _used(self, store: BudgetStore, account: Account, *, now: Instant) -> Usage:
        began = window_start(account.budget.per, now)
        current = self._renewed(store, account.key, began, now=now)
        self._take_late(store, account.key, now=now)
        if account.running or account.key in self._waiting:
            current = self._written(store, account, current, now=now)
        if current is not None and not current.ended and current.limits != limits_of(account.budget):
            current = store.set_limits(current.id, limits_of(account.budget), now=now)
        if not account.running:
            self._leave(store, account.key, now=now)
        return _sum(store, account, current, began, now=now)

    def _renewed(self, store: BudgetStore, key: str, began: Instant, *, now: Instant) -> RunRecord | None:
        """The last run where it is of this window; one of an earlier window ends."""
        runs = store.runs(now=now, name=run_name(key), most=2)
        last = runs[0] if runs else None
        if last is None or last.opened_at >= began:
            for before in runs[1:]:
                if before.stopped_by is Ending.RENEWED:
                    self._past.setdefault(key, before)
            return last
        past = self._past.get(key)
        if not last.ended:
            self._past[key] = store.end(last.id, now=now, ending=Ending.RENEWED)
        elif past is None or past.id != last.id:
            self._past[key] = last
        return None

    def _take_late(self, store: BudgetStore, key: str, *, now: Instant) -> None:
        """What somebody tells the run of the last window after its end is used in this one."""
        past = self._past.get(key)
        if past is None:
            return
        try:
            self._past[key] = found = store.find(past.id, now=now)
        except NoSuchRun:  # kept no longer
            return
        late = found.usage.tokens - past.usage.tokens, found.usage.api_calls - past.usage.api_calls
        if any(late):
            told = Told(tokens=late[0], api_calls=late[1])
            self._waiting[key] = self._waiting.get(key, NOTHING_TOLD) + told

    def _written(self, store: BudgetStore, account: Account, current: RunRecord | None, *, now: Instant) -> RunRecord:
        """The run of this window, open, with what was told of it, or a sign of life from time to time."""
        key = account.key
        session = self._sessions.get(key)
        if session is None or current is None or current.ended or session.run != current.id:
            session = self._sessions[key] = _joined(store, account, current, now=now)
        told = self._waiting.get(key)
        if told is not None or now - session.signed_at >= SIGN_EVERY_S:
            told = told or NOTHING_TOLD
            used = Usage(tokens=told.tokens, api_calls=told.api_calls)
            store.record(session.run, used, now=now, session=session.number)
            self._waiting.pop(key, None)
            self._sessions[key] = replace(session, signed_at=now)
        return store.find(session.run, now=now)

    def _leave(self, store: BudgetStore, key: str, *, now: Instant) -> None:
        """It does not run any more: from here on its time does not count."""
        if (session := self._sessions.pop(key, None)) is not None:
            store.leave(session.run, session.number, now=now, ending=None)


def run_name(key: str) -> str:
    """The name of an integration's run: its key; where that is too long, the most of it with its check sum."""
    return key if len(key) <= _LONGEST_NAME else f"{key[:90]}.{crc32(key.encode()):08x}"


def _newest(store: BudgetStore, key: str, *, now: Instant) -> RunRecord | None:
    return next(iter(store.runs(now=now, name=run_name(key), most=1)), None)


def _joined(store: BudgetStore, account: Account, current: RunRecord | None, *, now: Instant) -> _Session:
    """A session of the run of this window; one without a checkpoint takes over the last of the window before."""
    name = run_name(account.key)
    if current is not None and current.stopped_by not in _OVER:
        held = store.resume(name, now=now)
    else:
        held = store.open(name, limits_of(account.budget), now=now)
    before = [run for run in store.runs(now=now, name=name, most=2) if run.stopped_by is Ending.RENEWED]
    kept = store.last_checkpoint(before[0].id) if before and not held.run.checkpoints else None
    if kept is not None:
        store.checkpoint(held.run.id, kept.state, now=now, session=held.session)
    return _Session(run=held.run.id, number=held.session, signed_at=now)


def _sum(store: BudgetStore, account: Account, current: RunRecord | None, began: Instant, *, now: Instant) -> Usage:
    """What all runs of its name have used in this window; without windows what the present one has."""
    if account.budget.per is None:
        return current.usage if current is not None and current.stopped_by not in _OVER else NOTHING_USED
    runs = store.runs(now=now, name=run_name(account.key), most=_MOST_RUNS)
    return sum((run.usage for run in runs if run.opened_at >= began), NOTHING_USED)

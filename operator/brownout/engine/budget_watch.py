"""The budget watch: looks every few seconds at what integrations have used, and calls the planner when that matters.

What it knows stands in `allowances`, from memory; the store is asked in a thread. A store that cannot be asked changes
nothing: what was known stays in force, and what a restarted controller does not know yet its statuses tell.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from brownout.api.integration import Integration
from brownout.api.policy import Mode
from brownout.api.reasons import BudgetState, Reason
from brownout.core.allowance import Allowance, remembered
from brownout.core.instant import Instant
from brownout.core.member import Member, Observation, Presence
from brownout.engine.observers import BudgetDetails, RunFigures
from brownout.engine.ports import Inventory
from brownout.engine.world import World

if TYPE_CHECKING:
    from brownout.core.budget.run import RunRecord
    from brownout.core.budget.usage import Usage
    from brownout.engine.budget_accounts import Account, BudgetAccounts
    from brownout.engine.budgets import BudgetStore

#: A limit is noticed that much late at most. What a program uses meanwhile it uses; who must not pass a limit by a
#: single token asks `should_continue` before each call.
LOOK_EVERY_S: Final = 2.0
#: A tick waits that long for what a newcomer has used; a disk that takes longer is a disk in trouble.
FIRST_LOOK_S: Final = 2.0
#: Runs that are shown beside those of integrations, the newest ones.
MOST_RUNS: Final = 100
#: People are told on a best effort.
_TELLING_S: Final = 5.0

_RUNNING = (Presence.RUNNING, Presence.STARTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at the store found."""

    usage: "Mapping[str, Usage]"
    runs: "tuple[RunRecord, ...]"


class BudgetWatch:
    """Knows how each integration stands to its budget. `seen` gives what the last tick saw."""

    def __init__(self, world: World, seen: Callable[[], tuple[Inventory, Mapping[str, Observation]]]) -> None:
        self._world = world
        self._seen = seen
        self._accounts: BudgetAccounts | None = None
        self._kept: frozenset[str] = frozenset()
        self._asked: frozenset[str] = frozenset()
        self._states: Mapping[str, BudgetState] = {}
        self.allowances: Mapping[str, Allowance] = MappingProxyType({})
        self.runs: tuple[RunFigures, ...] = ()

    async def run(self, wake: Callable[[str], None]) -> None:
        """Look for ever; where budgets are not kept there is nothing to look at."""
        while self._world.budgets is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            with self._world.contained("budgets"):
                if await self.look():
                    wake("a budget has changed")

    async def catch_up(self) -> None:
        """Before a decision: of a newcomer with a budget it must be known what it has used already."""
        inventory, _ = self._seen()
        strangers = self._budgeted(inventory) - self._asked
        if not strangers:
            return
        self._asked |= strangers  # once: a disk that hangs must not hold up every tick
        with self._world.contained("budgets"):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self.look()

    def allowed(self, members: tuple[Member, ...]) -> tuple[Member, ...]:
        """The members with what their budgets let them have now."""
        return tuple(
            replace(member, allowance=self._allowance(member)) if member.integration.spec.budget else member
            for member in members
        )

    async def look(self) -> bool:
        """Look once; whether an integration is allowed something else than before."""
        inventory, observed = self._seen()
        budgeted = self._budgeted(inventory)
        desk = self._world.budgets
        told = self._world.usage.take()  # also where nobody is limited: a budget begins with what is used from then on
        if desk is None or (not budgeted and not self._kept and desk.empty):
            return False
        now, accounts, ledger = self._world.clock.now(), self._listed(inventory, observed), self._ledger()
        ledger.tell({key: used for key, used in told.items() if key in budgeted})
        gone = self._kept - budgeted - inventory.foreign
        found = await desk.ask(lambda store: _looked(store, ledger, accounts, gone, now))
        self._kept = budgeted
        self._asked &= budgeted
        return await self._take_in(inventory, found, now=now)

    async def close(self) -> None:
        """The controller ends: write down what was told, and let go of the store."""
        if self._world.budgets is None:
            return
        with self._world.contained("budgets"):
            await self.look()
            if (ledger := self._accounts) is not None:
                now = self._world.clock.now()
                await self._world.budgets.ask(lambda store: ledger.leave_all(store, now=now))
        with self._world.contained("budgets"):
            await self._world.budgets.close()

    @property
    def _dry_run(self) -> bool:
        return self._world.dry_run or self._seen()[0].policy.spec.mode is Mode.DRY_RUN

    # --- what is declared ----------------------------------------------------------------------------------------

    def _budgeted(self, inventory: Inventory) -> frozenset[str]:
        """Keys of those of ours that have a budget."""
        return frozenset(
            key
            for key, found in inventory.integrations.items()
            if found.spec.budget is not None and key not in inventory.foreign
        )

    def _listed(self, inventory: Inventory, observed: Mapping[str, Observation]) -> "tuple[Account, ...]":
        from brownout.engine.budget_accounts import Account  # noqa: PLC0415 - only who has a budget pays for it

        return tuple(
            Account(key=key, budget=found.spec.budget, running=key in observed and observed[key].presence in _RUNNING)
            for key, found in sorted(inventory.integrations.items())
            if found.spec.budget is not None and key not in inventory.foreign
        )

    def _ledger(self) -> "BudgetAccounts":
        from brownout.engine.budget_accounts import BudgetAccounts  # noqa: PLC0415 - as above

        self._accounts = self._accounts or BudgetAccounts()
        return self._accounts

    def _allowance(self, member: Member) -> Allowance:
        """What is known; until it is, what its status remembers of it."""
        known = self.allowances.get(member.key)
        return known or remembered(member.integration.status, now=self._world.clock.now())

    # --- what was found ------------------------------------------------------------------------------------------

    async def _take_in(self, inventory: Inventory, found: _Look, *, now: Instant) -> bool:
        from brownout.core.budget.allowed import allowance_of  # noqa: PLC0415 - as above

        before = {key: self._before(inventory, key, now=now) for key in found.usage}
        budgets = {key: one.spec.budget for key, one in inventory.integrations.items() if one.spec.budget is not None}
        allowances = {key: allowance_of(budgets[key], usage, now=now) for key, usage in found.usage.items()}
        self.allowances = MappingProxyType(allowances)
        self._show(found.runs, now=now)
        changed = {key: one for key, one in allowances.items() if one.state is not before[key].state}
        for key, allowance in changed.items():
            await self._tell(inventory.integrations[key], key, allowance, now=now)
        return bool(changed)

    def _before(self, inventory: Inventory, key: str, *, now: Instant) -> Allowance:
        return self.allowances.get(key) or remembered(inventory.integrations[key].status, now=now)

    async def _tell(self, integration: Integration, key: str, allowance: Allowance, *, now: Instant) -> None:
        """Tell people how an integration stands from now on; where a step follows, that one is announced."""
        reason, message = allowance.reason or Reason.WITHIN_LIMITS, allowance.message or "within its budget again"
        details = BudgetDetails(at=now, name=key, integration=key, state=allowance.state, message=message)
        self._world.observers.on_budget(details)
        told_only = integration.spec.essential or (
            allowance.state is BudgetState.APPROACHING and len(integration.spec.levels) <= 1
        )
        if (
            self._dry_run or not told_only or not self._world.home.may_act(key)
        ):  # in a dry run an event would be a trace in the cluster
            return
        with self._world.contained("home"):
            async with asyncio.timeout(_TELLING_S):
                await self._world.home.announce(key, reason.value, message, warning=allowance.reason is not None)

    def _show(self, runs: "tuple[RunRecord, ...]", *, now: Instant) -> None:
        """Keep the figures of all runs that have not ended, and tell of those that are nobody's integration."""
        from brownout.engine.budget_figures import figures_of, standing_text  # noqa: PLC0415 - as above

        shown = {run.name: run for run in reversed(runs)}
        self.runs = tuple(figures_of(run) for _, run in sorted(shown.items()))
        for figures in self.runs:
            known = self._states.get(figures.name, BudgetState.OK)
            if figures.state is not known and figures.name not in self.allowances:
                message = standing_text(shown[figures.name])
                details = BudgetDetails(at=now, name=figures.name, state=figures.state, message=message)
                self._world.observers.on_budget(details)
        self._states = {figures.name: figures.state for figures in self.runs}


def _looked(
    store: "BudgetStore", ledger: "BudgetAccounts", accounts: "tuple[Account, ...]", gone: frozenset[str], now: Instant
) -> _Look:
    """In a thread: what was used, and which runs there are."""
    ledger.part_with(store, gone, now=now)
    usage = ledger.look(store, accounts, now=now)
    return _Look(usage=usage, runs=tuple(run for run in store.runs(now=now, most=MOST_RUNS) if not run.ended))

"""The accounts of integrations, whatever happens in whatever order: nothing is lost, nothing counts twice."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.api.budget import Budget, Per
from brownout.core.allowance import window_start
from brownout.core.budget.run import Ending
from brownout.core.budget.usage import Usage
from brownout.engine.budget_accounts import Account, BudgetAccounts, run_name
from brownout.engine.usage_counts import Told
from tests.fakes import FakeBudgets
from tests.worlds import NOW

BUDGET = Budget(tokens=10**6, per=Per.HOUR)


class Story:
    """One integration with a budget for each hour, and what should have been counted in the present one."""

    def __init__(self) -> None:
        self.store, self.accounts = FakeBudgets(), BudgetAccounts()
        self.now, self.running = NOW, True
        self.window, self.expected, self.waiting = window_start(Per.HOUR, NOW), 0, 0

    def look(self) -> None:
        """What was told by now belongs to the window of this look."""
        account = Account(key="voice", budget=BUDGET, running=self.running)
        used = self.accounts.look(self.store, [account], now=self.now)["voice"]
        if window_start(Per.HOUR, self.now) != self.window:
            self.window, self.expected = window_start(Per.HOUR, self.now), 0
        self.expected, self.waiting = self.expected + self.waiting, 0
        assert used.tokens == self.expected

    def tell(self) -> None:
        """Somebody in our own process tells of use."""
        self.accounts.tell({"voice": Told(tokens=7)})
        self.waiting += 7

    def record(self) -> None:
        """A program records on the run of this window."""
        self.look()
        for run in self.store.runs(now=self.now, name="voice", most=1):
            if run.opened_at >= self.window:
                self.store.record(run.id, Usage(tokens=11), now=self.now)
                self.expected += 11

    def record_late(self) -> None:
        """A program records on the run of the window before, which it still has open."""
        self.look()
        for run in self.store.runs(now=self.now, name="voice", most=2):
            if run.stopped_by is Ending.RENEWED:
                self.store.record(run.id, Usage(tokens=13), now=self.now)
                self.waiting += 13
                return

    def wait(self) -> None:
        """Twenty minutes pass, with a look at the end."""
        self.look()
        self.now += 1200.0
        self.look()

    def switch(self) -> None:
        """It is switched on or off."""
        self.running = not self.running

    def restart(self) -> None:
        """Another controller, which begins with a look; the last one had written down what it was told."""
        self.look()
        self.accounts.leave_all(self.store, now=self.now)
        self.accounts = BudgetAccounts()
        self.look()


DEEDS: list[Callable[[Story], None]] = [
    Story.look, Story.tell, Story.record, Story.record_late, Story.wait, Story.switch, Story.restart,
]  # fmt: skip


@settings(max_examples=150)
@given(deeds=st.lists(st.sampled_from(DEEDS), max_size=25))
def test_each_window_has_what_was_used_in_it(deeds: list[Callable[[Story], None]]) -> None:
    """Told by us, recorded by programs, also on the run of the window before; over switches, hours and restarts."""
    story = Story()
    for deed in deeds:
        deed(story)
    story.look()


@given(key=st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=1, max_size=317))
def test_every_key_has_a_name_that_a_run_may_bear(key: str) -> None:
    """The key itself where it fits; two that differ only at their ends still differ."""
    name = run_name(key)
    assert len(name) <= 100
    assert (name == key) is (len(key) <= 100)
    assert len(key) <= 100 or run_name(key + "x") != name

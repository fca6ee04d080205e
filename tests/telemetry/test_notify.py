"""Notifications: the newest change is told, with patience and without a storm, and nobody waits for it."""

from types import MappingProxyType
from typing import Self

import pytest

from brownout.api.notify import Notify
from brownout.api.reasons import Reason, State
from brownout.api.status import PolicyStatus
from brownout.core.capability import Notice
from brownout.core.plan import Decision, Verdict
from brownout.core.sample import Sample
from brownout.engine.hook import Delivery, Hook
from brownout.engine.observers import TickDetails
from brownout.telemetry.notify import MOST_WAITING, TRIES, Lane, Notifier, plain
from tests.engine.world import IN_VIRTUAL_TIME, passing
from tests.fakes import FakeClock, FakeHook

pytestmark = IN_VIRTUAL_TIME

LARGE, SMALL = (State.ENABLED, "large"), (State.LOWERED, "small")
AWAY = Delivery(failure="it is away", again=True)
EVERYBODY = Notify.model_validate({"desktop": True, "every": "60s"})


def notice(capability: tuple[State, str] = SMALL, *, key: str = "voice", before: tuple[State, str] = LARGE) -> Notice:
    """Make a notice."""
    state, level = capability
    return Notice(
        key=key, name=key, at=0.0, state=state, level=level, reason=Reason.ABOVE_THRESHOLD,
        text=f"{key} now {level}", why="RAM", before=before,
    )  # fmt: skip


def tick(*notices: Notice) -> TickDetails:
    """Make a tick with these notices."""
    decision = Decision(at=0.0, verdict=Verdict.HOLD, reason=Reason.WITHIN_LIMITS, message="", rule="")
    return TickDetails(
        at=0.0, cause="interval", sample=Sample(at=0.0), decision=decision, statuses=MappingProxyType({}),
        policy_status=PolicyStatus(), durations_s=MappingProxyType({}), notices=notices,
    )  # fmt: skip


class Stage:
    """A notifier with these hooks, and what it complained of."""

    def __init__(self, *hooks: Hook, notify: Notify = EVERYBODY) -> None:
        self.notify = notify
        self.hooks = hooks
        self.faults: list[str] = []
        self.made = 0
        self.notifier = Notifier(lambda: self.notify, self._make, clock=FakeClock(), on_fault=self._fault)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.notifier.close()

    def tell(self, *notices: Notice) -> None:
        """A tick ends."""
        self.notifier.on_tick(tick(*notices))

    def _make(self, _: Notify) -> tuple[Hook, ...]:
        self.made += 1
        return self.hooks

    def _fault(self, where: str, message: str) -> None:
        assert where == "notify"
        self.faults.append(message)


def levels(hook: FakeHook) -> list[str]:
    """The levels that were told of."""
    return [each.level for each in hook.told]


async def test_a_change_is_told_at_once_and_to_everybody() -> None:
    """Each hook hears each change; a tick without one makes no hook."""
    one, other = FakeHook(name="one"), FakeHook(name="other")
    async with Stage(one, other) as stage:
        stage.tell()
        assert stage.made == 0
        stage.tell(notice(), notice(key="bot"))
        await passing(0.1)
        assert {each.key for each in one.told} == {each.key for each in other.told} == {"voice", "bot"}
        assert stage.made == 1


async def test_about_one_integration_at_most_one_message_a_minute_and_it_is_the_newest() -> None:
    """What flaps is told once in that time, with what is true then; what is as it was told is not told again."""
    hook = FakeHook()
    async with Stage(hook) as stage:
        for level in ("small", "text", "tiny", "text"):
            stage.tell(notice((State.LOWERED, level)))
            await passing(5.0)
        assert levels(hook) == ["small"]
        await passing(60.0)
        assert levels(hook) == ["small", "text"]
        stage.tell(notice(LARGE))
        stage.tell(notice((State.LOWERED, "text")))
        await passing(120.0)
        assert levels(hook) == ["small", "text"]


async def test_one_that_is_back_before_it_could_be_told_is_no_news() -> None:
    """A hook that was away hears nothing of what began and ended meanwhile."""
    hook = FakeHook(takes_s=5.0)
    async with Stage(hook) as stage:
        stage.tell(notice(key="bot"))
        await passing(1.0)
        stage.tell(notice())
        stage.tell(notice(LARGE, before=SMALL))
        await passing(60.0)
        assert [each.key for each in hook.told] == ["bot"]


async def test_a_hook_that_is_away_for_a_moment_is_met_again() -> None:
    """Tries grow apart; a failure that would be the same again is not tried again."""
    hook = FakeHook(AWAY, AWAY, AWAY)
    async with Stage(hook) as stage:
        stage.tell(notice())
        await passing(60.0)
        assert (len(hook.asked), levels(hook), stage.faults) == (4, ["small"], [])
        hook.answers = [Delivery(failure="it answers 404")] * 2
        stage.tell(notice((State.DISABLED, "")))
        await passing(60.0)
        assert len(hook.asked) == 5
        assert stage.faults == ["a fake: it answers 404; voice was left out"]


async def test_a_hook_that_is_away_for_good_is_given_up_and_told_the_newest_later() -> None:
    """A bounded number of tries for each message, said once; another hook is not held up by it."""
    gone, well = FakeHook(*[AWAY] * 100, name="gone", takes_s=10.0), FakeHook(name="well")
    async with Stage(gone, well) as stage:
        stage.tell(notice())
        await passing(1.0)
        assert levels(well) == ["small"]
        await passing(120.0)
        assert len(gone.asked) == TRIES
        assert stage.faults == ["gone: it is away; voice was left out"]
        gone.answers.clear()
        stage.tell(notice((State.LOWERED, "text")))
        await passing(60.0)
        assert levels(gone) == ["text"]


async def test_a_storm_is_bounded_and_what_is_dropped_is_counted() -> None:
    """Of a thousand integrations the newest changes wait; the number of those dropped is said."""
    hook, faults = FakeHook(takes_s=3600.0), []
    lane = Lane(hook, clock=FakeClock(), on_fault=lambda _, message: faults.append(message))
    for number in range(1000):
        lane.offer(notice(key=f"one-{number}"))
    assert lane.dropped == 1000 - MOST_WAITING
    assert faults[-1] == f"a fake: {lane.dropped} changes were dropped, too many wait to be told"


async def test_a_hook_with_a_bug_costs_a_message() -> None:
    """Its error is named by its kind alone: its words might repeat a secret."""

    class Broken(FakeHook):
        async def tell(self, notice: Notice) -> Delivery:
            raise RuntimeError("https://example.org/hooks/SECRET")

    async with Stage(Broken()) as stage:
        stage.tell(notice())
        await passing(10.0)
        assert stage.faults == ["a fake: RuntimeError; voice was left out"]


async def test_another_policy_has_other_hooks() -> None:
    """Edits take effect with the next change; whom nobody names any more is told nothing."""
    before, after = FakeHook(name="before"), FakeHook(name="after")
    async with Stage(before) as stage:
        stage.tell(notice())
        await passing(1.0)
        stage.notify, stage.hooks = EVERYBODY.model_copy(update={"every": 5.0}), (after,)
        stage.tell(notice((State.LOWERED, "text")))
        await passing(1.0)
        stage.notify = Notify()
        stage.tell(notice((State.DISABLED, "")))
        await passing(60.0)
        assert (levels(before), levels(after)) == (["small"], ["text"])


@pytest.mark.parametrize("capability", [SMALL, LARGE, (State.DISABLED, "")])
async def test_a_message_is_plain(capability: tuple[State, str]) -> None:
    """Words for people under `text`, as chats want it; the rest for programs."""
    message = plain(notice(capability))
    assert message["text"] == f"voice now {capability[1]}"
    assert (message["state"], message["degraded"]) == (capability[0].value, capability != LARGE)
    assert set(message) == {"text", "integration", "at", "state", "level", "degraded", "reason", "message"}

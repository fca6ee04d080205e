"""Laws of changing a plugin under load: no request is lost, none is answered twice, and its state goes along."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import Answer, AnswerStatus
from brownout.pluginhost.host import PluginHost
from tests.engine.world import until
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

COUNTING = """
count = 0
level = ""
def handle_request(request):
    global count
    count += 1
    return {"asked": request.body, "count": count, "version": VERSION, "level": level}
def export_state(): return {"count": count}
def import_state(state):
    global count
    count = state["count"]
def set_level(name):
    global level
    level = name
"""


@dataclass
class Load:
    """Requests that never stop: so many clients, each asking again as soon as it was answered."""

    stage: Stage
    host: PluginHost
    answers: list[tuple[int, Answer]] = field(default_factory=list)
    asked: int = 0
    going: bool = True

    async def ask_on(self) -> None:
        """One client."""
        while self.going:
            self.asked += 1
            number = self.asked
            self.answers.append((number, await self.stage.ask(self.host, "counting", number)))

    async def during(self, change: Callable[[], Awaitable[None]], *, clients: int = 3) -> None:
        """Keep asking while the change goes on."""
        asking = [asyncio.ensure_future(self.ask_on()) for _ in range(clients)]
        try:
            await change()
        finally:
            self.going = False
            await asyncio.gather(*asking)

    def check(self) -> None:
        """Each was answered with what it asked, once, and the plugin has counted each once."""
        assert [answer for _, answer in self.answers if not answer.ok] == []
        assert all(answer.body["asked"] == number for number, answer in self.answers)
        assert Counter(number for number, _ in self.answers) == Counter(range(1, self.asked + 1))
        assert sorted(answer.body["count"] for _, answer in self.answers) == list(range(1, self.asked + 1))


@pytest.mark.parametrize(("free_bytes", "changes"), [(None, 12), (0, 4)], ids=["beside", "in turns"])
def test_versions_are_exchanged_under_load_and_nothing_is_lost(
    stage: Stage, free_bytes: int | None, changes: int
) -> None:
    """Each new version takes over its count, then its requests: beside the old one, or after it if two do not fit."""
    stage.free_bytes = free_bytes

    async def story(host: PluginHost) -> None:
        load = Load(stage, host)
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))

        async def change() -> None:
            for version in range(1, changes + 1):
                outcome = await host.start(stage.launch("counting", f"VERSION = {version}\n{COUNTING}"))
                assert outcome.status is OutcomeStatus.DONE, outcome
                assert len(stage.processes()) == 1

        await load.during(change)
        load.check()
        assert (await stage.ask(host, "counting")).body["version"] == changes

    stage.live(story)


def test_levels_are_changed_under_load_and_nothing_is_lost(stage: Stage) -> None:
    """A plugin that changes its level by itself does so between two requests, in the same process."""

    async def story(host: PluginHost) -> None:
        load = Load(stage, host)
        source = f"VERSION = 0\n{COUNTING}"
        await host.start(stage.launch("counting", source, level="large"))
        before = stage.processes()

        async def change() -> None:
            for at in range(200):
                level = ("small", "large")[at % 2]
                outcome = await host.start(stage.launch("counting", source, level=level))
                assert outcome.status is OutcomeStatus.DONE, outcome

        await load.during(change)
        load.check()
        assert stage.processes() == before
        assert {answer.body["level"] for _, answer in load.answers} >= {"small", "large"}

    stage.live(story)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("raise RuntimeError('half written')", "half written"),
        ("def initialize(config): raise RuntimeError('no model')", "no model"),
        ("while True: pass", "it hangs while its module is run"),
        ("def import_state(state): raise RuntimeError('too new')", "too new"),
        ("import os\ndef import_state(state): os._exit(1)", "its process exited with 1"),
    ],
)
def test_a_new_version_that_is_broken_leaves_the_old_one_as_it_was(stage: Stage, broken: str, why: str) -> None:
    """Its requests, its count and its process; and the fault is told."""

    async def story(host: PluginHost) -> None:
        load = Load(stage, host)
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))
        before = stage.processes()

        async def change() -> None:
            outcome = await host.start(stage.launch("counting", f"VERSION = 1\n{COUNTING}\n{broken}"))
            assert outcome.status is OutcomeStatus.FAILED
            assert "the old one stays" in outcome.detail
            assert why in outcome.detail

        await load.during(change)
        load.check()
        assert {answer.body["version"] for _, answer in load.answers} == {0}
        assert stage.processes() == before
        assert any(why in fault for fault in stage.faults)

    stage.live(story)


@pytest.mark.parametrize(
    "broken", ["raise RuntimeError('half')", "def import_state(state): raise RuntimeError('half')"]
)
def test_where_two_do_not_fit_a_broken_one_is_followed_by_the_old_one(stage: Stage, broken: str) -> None:
    """With its count: who asked meanwhile has waited, and got a right answer."""
    stage.free_bytes = 0

    async def story(host: PluginHost) -> None:
        load = Load(stage, host)
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))

        async def change() -> None:
            outcome = await host.start(stage.launch("counting", f"VERSION = 1\n{COUNTING}\n{broken}"))
            assert outcome.status is OutcomeStatus.FAILED
            assert "the old one serves again" in outcome.detail
            assert "half" in outcome.detail

        await load.during(change)
        load.check()
        assert {answer.body["version"] for _, answer in load.answers} == {0}
        assert len(stage.processes()) == 1

    stage.live(story)


def test_one_that_dies_of_the_exchange_is_followed_without_its_state(stage: Stage) -> None:
    """It has nothing any more that could be carried over; to stay with it would be to stay with nobody."""

    async def story(host: PluginHost) -> None:
        dies = "import os\ndef export_state(): os._exit(1)"
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}\n{dies}"))
        assert (await host.start(stage.launch("counting", f"VERSION = 1\n{COUNTING}"))).status is OutcomeStatus.DONE
        answer = await stage.ask(host, "counting")
        assert (answer.body["version"], answer.body["count"]) == (1, 1)
        assert len(stage.processes()) == 1

    stage.live(story)


@pytest.mark.parametrize(("room", "told"), [(1.2, "the old one serves again"), (2.0, "the old one stays")])
def test_another_one_comes_up_beside_it_where_half_as_much_again_is_free(stage: Stage, room: float, told: str) -> None:
    """A start takes more than what runs: where just as much is free, the old one goes first."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))
        held_bytes = await host.memory_bytes("counting")
        assert held_bytes is not None
        stage.free_bytes = round(room * held_bytes)
        outcome = await host.start(stage.launch("counting", f"VERSION = 1\n{COUNTING}\nraise RuntimeError('half')"))
        assert told in outcome.detail

    stage.live(story)


def test_where_neither_of_them_comes_up_nobody_is_told_that_one_serves(stage: Stage) -> None:
    """The old one has used up what it needs to start, and is tried again with patience like any that has ended."""
    stage.free_bytes = 0
    once = "import os\nopen(f\"{os.environ['HOME']}/once\", 'x').close()"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}\n{once}"))
        outcome = await host.start(stage.launch("counting", f"VERSION = 1\n{COUNTING}\nraise RuntimeError('half')"))
        assert outcome.status is OutcomeStatus.FAILED
        assert "the old one did not come up again either" in outcome.detail
        assert "half" in outcome.detail
        await until(lambda: _presence(host) is Presence.FAILED, within_s=5.0)
        (stage.state / "plugins" / "counting" / "once").unlink()
        await until(lambda: _presence(host) is Presence.RUNNING, within_s=10.0)
        assert (await stage.ask(host, "counting")).body["version"] == 0

    stage.live(story)


def _presence(host: PluginHost) -> Presence | None:
    seen = host.presence("counting")
    return seen.presence if seen else None


def test_a_stop_in_the_middle_of_an_exchange_ends_both(stage: Stage) -> None:
    """Nothing is left, and who asked for the exchange is told."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))
        slow = stage.launch("counting", f"VERSION = 1\n{COUNTING}\nimport time\ntime.sleep(60)")
        changing = asyncio.ensure_future(host.start(slow))
        assert await eventually_async(lambda: _two(stage))
        assert (await host.stop("counting", grace_s=1.0)).status is OutcomeStatus.DONE
        assert (await changing).status is OutcomeStatus.SKIPPED
        assert stage.processes() == ()
        assert (await stage.ask(host, "counting")).status is AnswerStatus.UNAVAILABLE

    stage.live(story)


def test_who_gives_up_waiting_for_an_exchange_does_not_leave_it_half_done(stage: Stage) -> None:
    """The exchange goes on to its end."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("counting", f"VERSION = 0\n{COUNTING}"))
        slow = stage.launch("counting", f"VERSION = 1\n{COUNTING}\nimport time\ntime.sleep(0.7)")
        changing = asyncio.ensure_future(host.start(slow))
        assert await eventually_async(lambda: _two(stage))
        changing.cancel()
        async with asyncio.timeout(10.0):
            while (await stage.ask(host, "counting")).body["version"] != 1:
                pass

    stage.live(story)


async def _two(stage: Stage) -> bool:
    return len(stage.processes()) == 2

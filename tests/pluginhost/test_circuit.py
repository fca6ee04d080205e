"""Laws of a guarded host: a plugin that fails is asked no more, one request tries it, and others are left alone."""

import asyncio
from dataclasses import dataclass

import pytest

from brownout.api.reasons import Circuit
from brownout.engine.circuits import Circuits
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.host import PluginHost
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

MOODY = """
asked = []
def handle_request(request):
    asked.append(request)
    if request.body == "fail": raise ValueError("the model is gone")
    if request.body == "crash": __import__("os")._exit(7)
    return len(asked)
"""


@dataclass
class SetWait:
    """A wait that a test sets."""

    seconds: float = 3600.0

    def __call__(self, openings: int) -> float:
        """The same for every opening."""
        del openings
        return self.seconds


@pytest.fixture
def wait(stage: Stage) -> SetWait:
    """How long circuits stay open; the host of the stage has circuits."""
    wait = SetWait()
    stage.circuits = Circuits(wait)
    return wait


def test_who_fails_three_times_is_asked_no_more(stage: Stage, wait: SetWait) -> None:
    """The fourth request is answered at once, with the reason, and never reaches the plugin; its neighbour is well."""

    async def story(host: PluginHost) -> None:
        for name in ("bad", "good"):
            await host.start(stage.launch(name, MOODY))
        for _ in range(3):
            assert (await stage.ask(host, "bad", "fail")).status is AnswerStatus.FAILED
        refused = await stage.ask(host, "bad")
        assert (refused.status, refused.body) == (AnswerStatus.UNAVAILABLE, None)
        assert refused.detail == "it gets no requests for now: it fails its requests"
        assert (await stage.ask(host, "good")).ok
        assert not (await stage.ask(host, "bad")).ok

    stage.live(story)


def test_one_request_tries_it_and_closes_it(stage: Stage, wait: SetWait) -> None:
    """Of twenty that come together when the wait is over exactly one gets through; then all do."""
    wait.seconds = 0.2

    async def story(host: PluginHost) -> None:
        circuits, now = stage.circuits, host._place.clock.now
        assert circuits is not None
        await host.start(stage.launch("moody", MOODY))
        for _ in range(3):
            await stage.ask(host, "moody", "fail")

        async def half_open() -> bool:
            return circuits.of("moody", now=now()).circuit is Circuit.HALF_OPEN

        await eventually_async(half_open)
        answers = await asyncio.gather(*(stage.ask(host, "moody") for _ in range(20)))
        assert [answer.ok for answer in answers].count(True) == 1
        assert circuits.of("moody", now=now()).circuit is Circuit.CLOSED
        assert (await stage.ask(host, "moody")).body == 5  # three that failed, the trial, and this one

    stage.live(story)


def test_a_crash_counts_and_being_off_does_not(stage: Stage, wait: SetWait) -> None:
    """What is not the plugin's fault opens nothing."""

    async def story(host: PluginHost) -> None:
        assert stage.circuits is not None
        for _ in range(5):
            assert (await stage.ask(host, "moody")).status is AnswerStatus.UNAVAILABLE
        await host.start(stage.launch("moody", MOODY))
        assert (await stage.ask(host, "moody", "crash")).status is AnswerStatus.CRASHED
        breaker = stage.circuits.of("moody", now=host._place.clock.now())
        assert (breaker.circuit, sum(breaker.failures.values())) == (Circuit.CLOSED, 1)

    stage.live(story)

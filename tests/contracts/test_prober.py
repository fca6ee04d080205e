"""What every Prober promises: the one of a box, nobody, and the fake."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from brownout.core.health import Answer, Checked
from brownout.engine.prober import NoProber, Prober
from brownout.local.checking.prober import LocalProber
from brownout.sensing.processes import ProcTable
from tests.builders import make_integration
from tests.fakes import FakeProber
from tests.local.servers import a_server, by_http, by_program, by_tcp, silent, unused_port

Make = Callable[[], Prober]


@pytest.fixture(params=["local", "nobody", "fake"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Each kind of prober."""

    def local() -> Prober:
        return LocalProber(tmp_path, ProcTable(), directory=tmp_path, on_fault=lambda _, said: pytest.fail(said))

    kinds: dict[str, Make] = {"local": local, "nobody": NoProber, "fake": FakeProber}
    return kinds[request.param]


def with_prober(make: Make, story: Callable[[Prober], Awaitable[None]]) -> None:
    """Tell a story with a prober, and close it."""

    async def told() -> None:
        prober = make()
        try:
            await story(prober)
        finally:
            await prober.close()

    asyncio.run(told())


def test_what_is_not_there_is_a_value(make: Make) -> None:
    """Nobody listens, no such program, no probe at all: an answer with its reason, never an exception, never slow."""

    async def story(prober: Prober) -> None:
        port = unused_port()
        for integration in (by_http(port), by_tcp(port), by_program("/nowhere/at-all"), make_integration()):
            checked = await prober.check(integration)
            assert checked.answer is not Answer.SLOW
            assert checked.answer is Answer.OK or checked.why

    with_prober(make, story)


def test_the_same_fault_has_the_same_words(make: Make) -> None:
    """Checked again it says the same, to the letter: a status is written only when something changes."""

    async def story(prober: Prober) -> None:
        port = unused_port()
        for integration in (by_http(port), by_tcp(port), by_program("/nowhere/at-all"), by_program("false")):
            assert await prober.check(integration) == await prober.check(integration)

    with_prober(make, story)


def test_one_that_hangs_delays_no_other(make: Make) -> None:
    """Fifty checks without an answer are under way; one more is answered at once."""

    async def story(prober: Prober) -> None:
        if isinstance(prober, FakeProber):
            prober.hanging = {"hanging"}
        async with a_server(silent) as deaf:
            spec = {"http": {"port": deaf.port}}
            hanging = [asyncio.create_task(prober.check(make_integration("hanging", health=spec))) for _ in range(50)]
            async with asyncio.timeout(5.0):
                assert isinstance(await prober.check(by_tcp(deaf.port)), Checked)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)

    with_prober(make, story)


def test_cancelled_it_ends_at_once(make: Make) -> None:
    """Its timeout is its caller's; a check that is given up does not linger, and the next one works."""

    async def story(prober: Prober) -> None:
        if isinstance(prober, FakeProber):
            prober.hanging = {"voice"}
        for integration in (by_http(unused_port()), by_program("sleep", "60")):
            checking = asyncio.create_task(prober.check(integration))
            await asyncio.wait((checking,), timeout=0.05)
            checking.cancel()
            async with asyncio.timeout(2.0):
                await asyncio.gather(checking, return_exceptions=True)

    with_prober(make, story)


def test_it_may_be_closed_twice_and_unused(make: Make) -> None:
    """As everything that a controller ends with."""

    async def story(prober: Prober) -> None:
        await prober.close()

    with_prober(make, story)

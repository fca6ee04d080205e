"""The watch goes wrong: the home recovers, or it ends. It is never blind while it says that all is well."""

from dataclasses import replace
from pathlib import Path

import pytest

from brownout.api.reasons import State
from brownout.api.status import IntegrationStatus
from brownout.core.errors import HomeUnavailable
from tests.apiserver.cluster import ApiServer
from tests.apiserver.users import ADMIN
from tests.cluster.homes import QUICK, Running, running_home
from tests.cluster.world import world_in
from tests.eventually import eventually_async
from tests.faults.faults import (
    BlackHole,
    CutShort,
    Fault,
    Hide,
    Refuse,
    Repeat,
    Reset,
    Rule,
    Swap,
    broken_json,
    error_event,
)
from tests.faults.kube_request import Match
from tests.faults.proxy import FaultProxy
from tests.local.loops import run

# Through the proxy goes only what the watch does; our own requests would show a refusal by themselves.
STREAMS = Match(verb="watch", path="*integrations")
EAGER = replace(QUICK, list_every_s=0.5)
A_DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


async def outcome(running: Running, key: str) -> str:
    """Give `recovered` once the object is seen, or `ended: why` once the home has ended."""

    async def known() -> str:
        if running.task.done():
            fault = running.task.exception()
            assert isinstance(fault, HomeUnavailable)
            return f"ended: {fault}"
        arrived = running.home._integrations._canary._awaited
        return "recovered" if key in running.home.inventory().integrations and not arrived else ""

    return await eventually_async(known, within_s=30.0)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(error_event(410), "recovered", id="410 in the stream"),
        pytest.param(error_event(500), "ended", id="500 in the stream"),
        pytest.param(broken_json(), "ended", id="broken JSON"),
        pytest.param(Refuse(500), "recovered", id="HTTP 500"),
        pytest.param(Refuse(403), "recovered", id="HTTP 403"),
        pytest.param(Refuse(429, retry_after="1"), "recovered", id="HTTP 429"),
        pytest.param(Refuse(429, retry_after=A_DATE), "ended", id="HTTP 429 until a date"),
        pytest.param(Refuse(429, retry_after="1000000000"), "ended", id="HTTP 429 for ever"),
        pytest.param(Reset(), "recovered", id="reset"),
        pytest.param(CutShort(200), "recovered", id="cut inside an event"),
    ],
)
def test_a_fault_of_a_second_is_survived_or_ends_the_home(
    api_server: ApiServer, namespace: str, tmp_path: Path, fault: Fault, expected: str
) -> None:
    """What happens meanwhile is known afterwards; what kopf cannot survive ends the home with the reason."""
    world = world_in(api_server, namespace)
    world.policy(interval="1s")
    world.integration("early")

    async def story(proxy: FaultProxy) -> None:
        async with running_home(proxy.kubeconfig(ADMIN), namespace=namespace, rhythm=EAGER) as running:
            await running.ready()
            await eventually_async(lambda: streaming(proxy))
            rule = proxy.arm(fault, STREAMS)
            if isinstance(fault, Refuse | CutShort):
                proxy.end_streams(STREAMS)  # these befall what begins now
            key = world.integration("late")
            await eventually_async(lambda: befallen(rule))
            proxy.heal()
            assert (await outcome(running, key)).startswith(expected)

    with FaultProxy(api_server, tmp_path) as proxy:
        run(story(proxy))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BlackHole(), id="a black hole"),
        pytest.param(Hide(type="ADDED", name="late"), id="one event lost"),
        pytest.param(Hide(), id="all events lost"),
    ],
)
def test_a_silent_watch_is_a_fault_and_then_the_end(
    api_server: ApiServer, namespace: str, tmp_path: Path, fault: Fault
) -> None:
    """The listing knows what the watch should have brought: readiness fails first, and then the home ends."""
    world = world_in(api_server, namespace)
    world.policy(interval="1s")
    world.integration("early")

    async def story(proxy: FaultProxy) -> None:
        async with running_home(proxy.kubeconfig(ADMIN), namespace=namespace, rhythm=EAGER) as running:
            await running.ready()
            await eventually_async(lambda: streaming(proxy))
            proxy.arm(fault, STREAMS)
            key = world.integration("late")
            await running.sees(key)  # by the listing: nothing is missed meanwhile
            await eventually_async(lambda: complains(running), within_s=20.0)
            said = await outcome(running, key)
            assert said.startswith("ended: the watch is silent")
            assert f"of {key} (integrations)" in said

    with FaultProxy(api_server, tmp_path) as proxy:
        run(story(proxy))


@pytest.mark.parametrize("fault", [Repeat(), Swap()], ids=["repeated", "out of order"])
def test_events_may_come_twice_or_out_of_order(
    api_server: ApiServer, namespace: str, tmp_path: Path, fault: Fault
) -> None:
    """What stands in the end is what the API server holds."""
    world = world_in(api_server, namespace)
    key = world.integration()

    async def story(proxy: FaultProxy) -> None:
        async with running_home(proxy.kubeconfig(ADMIN), namespace=namespace) as running:
            await running.ready()
            proxy.arm(fault, STREAMS)
            for priority in range(11, 18):
                world.edit(priority=priority)
            assert await running.home.write_status(key, IntegrationStatus(state=State.ENABLED))
            await running.sees(key, lambda voice: voice.spec.priority == 17)

    with FaultProxy(api_server, tmp_path) as proxy:
        run(story(proxy))


def test_an_object_that_vanished_while_the_watch_was_away_is_gone(
    api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """After a watch that broke kopf lists anew and says nothing of what was deleted meanwhile; we do."""
    world = world_in(api_server, namespace)
    world.policy(interval="1s")
    world.integration("other")
    key = world.integration()

    async def story(proxy: FaultProxy) -> None:
        async with running_home(proxy.kubeconfig(ADMIN), namespace=namespace, rhythm=EAGER) as running:
            await running.sees(key)
            await eventually_async(lambda: streaming(proxy))
            proxy.arm(Hide(type="DELETED"), STREAMS)
            api_server.request("DELETE", f"{world.integrations}/voice")
            await eventually_async(lambda: gone(running, key))
            assert not running.task.done()

    with FaultProxy(api_server, tmp_path) as proxy:
        run(story(proxy))


def test_conflicts_and_refusals_of_writes_are_told_and_tried_again(
    api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """A status that is refused for a while returns False at once, and is taken as soon as that is over."""
    world = world_in(api_server, namespace)
    key = world.integration()
    words = IntegrationStatus(state=State.ENABLED)

    async def story(proxy: FaultProxy) -> None:
        async with running_home(proxy.kubeconfig(ADMIN), namespace=namespace) as running:
            await running.ready()
            with proxy.fault(Refuse(409), Match(resource="integrations/status"), times=2):
                assert await running.home.write_status(key, words)
            with proxy.fault(Refuse(500), Match(resource="integrations/status")):
                assert not await running.home.write_status(key, IntegrationStatus(state=State.DISABLED))
            assert world.seen()["status"]["state"] == "Enabled"
            assert await running.home.write_status(key, IntegrationStatus(state=State.DISABLED))
            assert world.seen()["status"]["state"] == "Disabled"

    with FaultProxy(api_server, tmp_path) as proxy:
        run(story(proxy))


async def streaming(proxy: FaultProxy) -> bool:
    """Whether the watch of Integrations is open."""
    return proxy.open_streams(STREAMS) > 0


async def befallen(rule: Rule) -> bool:
    """Whether the fault has struck."""
    return rule.hits > 0


async def complains(running: Running) -> bool:
    """Whether readiness fails for it, or has already led to the end."""
    return running.task.done() or any("silent" in fault for fault in running.home.faults())


async def gone(running: Running, key: str) -> bool:
    """Whether it is declared no more."""
    return key not in running.home.inventory().integrations

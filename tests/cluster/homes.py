"""A running home of the cluster, as the composition root makes it, but quick: for tests against a real API server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brownout.api.integration import Integration
from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.identity import Identity
from brownout.kube.keeper import Rhythm
from brownout.kube.scale import ScaleDriver
from brownout.kube.store import KubeHome
from tests.cluster.world import World
from tests.eventually import eventually_async
from tests.local.loops import run

#: Everything that waits, some 20 times faster than in earnest.
QUICK = Rhythm(
    start_deadline_s=2.0,
    start_retry_s=0.1,
    look_every_s=0.2,
    renew_every_s=0.3,
    renew_retry_s=0.1,
    lease_s=1.5,
    floor_s=2.0,
)
QUICK_BACKOFFS_S = (0.1, 0.2, 0.5)


class MonotonicClock:
    """The real time, which never jumps."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset


@dataclass(frozen=True, slots=True)
class Running:
    """A home that runs, its connection, and the driver beside it."""

    api: Api
    home: KubeHome
    driver: ScaleDriver
    task: "asyncio.Task[None]"

    async def ready(self) -> None:
        """Return when it has read the cluster, holds its lease and has no faults; re-raises what ended it before."""

        async def fit() -> bool:
            if self.task.done():
                self.task.result()
            return self.home.inventory().complete and not self.home.faults()

        await eventually_async(fit)

    async def sees(self, key: str, check: Callable[[Integration], object] = bool) -> Integration:
        """Return the integration once it is declared and as `check` wants it."""

        async def seen() -> Integration | None:
            found = self.home.inventory().integrations[key]
            return found if check(found) else None

        found = await eventually_async(seen)
        assert found is not None
        return found


@asynccontextmanager
async def running_home(
    kubeconfig: Path, *, namespace: str, name: str = "one", node: str = "", rhythm: Rhythm = QUICK
) -> AsyncIterator[Running]:
    """Run a home whose leases live in `namespace`; it ends with the block, and so does its connection."""
    clock = MonotonicClock()
    api = Api(Credentials(kubeconfig=str(kubeconfig)))
    home = KubeHome(
        api,
        clock,
        Identity(name=name, namespace=namespace, node=node),
        rhythm=rhythm,
        backoffs_s=QUICK_BACKOFFS_S,
    )
    driver = ScaleDriver(api, clock, protection=home.protection, fence=home.fence, poll_s=0.1)
    task = asyncio.create_task(home.run())
    try:
        yield Running(api, home, driver, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
        await api.close()
        await sockets_closed()


def with_home(world: World, act: Callable[[Running], Awaitable[None]], **details: Any) -> None:
    """Do something beside a home that is ready, as the administrator unless `kubeconfig` says otherwise."""

    async def story() -> None:
        kubeconfig = details.pop("kubeconfig", world.server.admin_kubeconfig)
        async with running_home(kubeconfig, namespace=world.namespace, **details) as running:
            await running.ready()
            await act(running)

    run(story())


async def sockets_closed() -> None:
    """Let the loop close what was cancelled in a TLS handshake, or its socket would be left to the collector."""
    loop = asyncio.get_running_loop()
    closed = loop.create_future()
    loop.call_later(0.1, closed.set_result, None)
    await closed

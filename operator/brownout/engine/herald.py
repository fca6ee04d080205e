"""The herald: notices when an integration can do less or more than before, and has the home tell its people.

Who else is to be told (hooks) hears of it with the tick. It never holds up a tick and never raises.
"""

import asyncio
from collections.abc import Mapping

from brownout.api.integration import Integration
from brownout.api.status import IntegrationStatus
from brownout.core.capability import Capability, Notice, capability_of, news
from brownout.core.parting import known_before
from brownout.engine.world import World

# People are told on a best effort; of a home that hangs no more than so many announcements are waited for.
TELLING_S = 5.0
MOST_UNDER_WAY = 100


class Herald:
    """Remembers what was told of each integration. What a status said before we began is known already."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told: dict[str, Capability | None] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def cry(
        self, statuses: Mapping[str, IntegrationStatus], integrations: Mapping[str, Integration]
    ) -> tuple[Notice, ...]:
        """What is news in these statuses; it is being announced from now on.

        One that is left out (it is being switched) is remembered as it was told last, until it is no longer declared.
        """
        for key in integrations.keys() - self._told.keys():
            self._told[key] = known_before(integrations[key].status)
        known = {key: told for key, told in self._told.items() if key in integrations and told is not None}
        notices = news(known, statuses, integrations, now=self._world.clock.now())
        settled = {key: capability_of(status) for key, status in statuses.items() if key in integrations}
        self._told = {key: settled.get(key) or self._told[key] for key in integrations}
        for notice in notices:
            self._announce(notice)
        return notices

    def _announce(self, notice: Notice) -> None:
        if len(self._under_way) >= MOST_UNDER_WAY:
            return
        task = asyncio.create_task(self._tell(notice))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _tell(self, notice: Notice) -> None:
        with self._world.contained("home"):
            async with asyncio.timeout(TELLING_S):
                await self._world.home.announce(notice.key, notice.reason.value, notice.text, warning=notice.degraded)

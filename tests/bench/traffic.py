"""Requests to plugins as others make them: from a process of their own, at a steady pace, whoever is late.

Latency is counted from the moment the request was made, not from when the host came to it: what holds up the host's
loop is seen in each request that came meanwhile.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from struct import iter_unpack
from typing import Any, Final

from brownout.pluginhost.answers import Answer
from brownout.pluginhost.host import PluginHost
from tests.eventually import pause
from tests.pluginhost.stage import Stage

GOOD: Final = ("one", "two", "three")
#: Of each of them, and of whoever is beside them: a fifth of one core on this machine, all together.
RATE_PER_S: Final = 200
_PACER: Final = f"""
import os, struct, time
due = time.monotonic()
while True:
    due += 1 / {RATE_PER_S * len(GOOD)}
    time.sleep(max(0.0, due - time.monotonic()))
    os.write(1, struct.pack("d", time.monotonic()))
"""
_STAMPS_BYTES: Final = 8 * 512


@dataclass
class Heard:
    """One window: when each request to a good plugin was made and how long it took, in s; and what went wrong."""

    took: list[tuple[float, float]] = field(default_factory=list)
    failed: list[Answer] = field(default_factory=list)
    neighbours: list[Answer] = field(default_factory=list)


class Traffic:
    """Asks the good ones in turn, and each time one of them, the neighbour too, if there is one."""

    def __init__(self, stage: Stage, host: PluginHost) -> None:
        self._stage, self._host = stage, host
        self._heard, self._neighbour, self._asked = Heard(), "", 0
        self._under_way: set[asyncio.Task[None]] = set()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """From now on requests come."""
        argv = (sys.executable, "-I", "-S", "-c", _PACER)
        loop = asyncio.get_running_loop()
        with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as pacer:
            assert pacer.stdout is not None
            stamps = pacer.stdout.fileno()
            loop.add_reader(stamps, self._come, stamps)
            try:
                yield
            finally:
                loop.remove_reader(stamps)
                pacer.kill()

    async def window(self, for_s: float, neighbour: str = "") -> Heard:
        """What the good ones answer for a while, in which the neighbour is asked as often as each of them."""
        heard = Heard()
        self._heard, self._neighbour = heard, neighbour
        await pause(for_s)
        self._heard, self._neighbour = Heard(), ""
        return heard

    def _come(self, stamps: int) -> None:
        for (made,) in iter_unpack("d", os.read(stamps, _STAMPS_BYTES)):
            self._asked += 1
            self._go(self._good(GOOD[self._asked % len(GOOD)], made, self._heard))
            if self._neighbour and self._asked % len(GOOD) == 0:
                self._go(self._bad(self._neighbour, self._heard.neighbours.append))

    def _go(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(asking)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _good(self, name: str, made: float, heard: Heard) -> None:
        answer = await self._stage.ask(self._host, name)
        if answer.ok:
            heard.took.append((made, time.monotonic() - made))
        else:
            heard.failed.append(answer)

    async def _bad(self, name: str, hear: Callable[[Answer], None]) -> None:
        hear(await self._stage.ask(self._host, name))

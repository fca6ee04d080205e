"""Notifications: hooks are told of changes, each in a lane of its own, with retries and without a storm.

A lane holds the newest change of each integration, so what is told late is what is true now, and a hook that is away
costs a bounded number of lines of memory. Nothing here is waited for by a decision.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from brownout.api.notify import Notify
from brownout.core.capability import Capability, Notice
from brownout.engine.hook import Delivery, Hook
from brownout.engine.observers import BudgetDetails, StepDetails, TickDetails
from brownout.engine.ports import Clock

__all__ = ["Lane", "Notifier"]

#: Integrations of which a change waits to be told; beyond them the oldest change is dropped, and counted.
MOST_WAITING: Final = 256
#: Tries of one message. With 1, 2, 4 and 8 s between them, and a second by chance, a hook that restarts is met again.
TRIES: Final = 5
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 30.0

OnFault = Callable[[str, str], None]
Hooks = Callable[[Notify], Sequence[Hook]]


class Notifier:
    """An engine Observer that passes notices on to the hooks of the policy in force. `hooks` makes them of it."""

    def __init__(self, notify: Callable[[], Notify], hooks: Hooks, *, clock: Clock, on_fault: OnFault) -> None:
        self._notify = notify
        self._make = hooks
        self._clock = clock
        self._on_fault = on_fault
        self._made: tuple[Notify, Sequence[Hook]] | None = None
        self._lanes: dict[Hook, tuple[Lane, asyncio.Task[None]]] = {}

    def on_tick(self, details: TickDetails) -> None:
        """Take up what is to be told; at once."""
        if not details.notices:
            return
        notify = self._notify()
        for hook in self._hooks(notify):
            lane = self._lane(hook)
            lane.every_s = notify.every
            for notice in details.notices:
                lane.offer(notice)

    def on_step(self, details: StepDetails) -> None:
        """Nothing: a step is told when its tick has seen what came of it."""

    def on_budget(self, details: BudgetDetails) -> None:
        """Nothing: what a budget takes from an integration is told as a notice."""

    def on_fault(self, where: str, message: str) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Tell nothing more."""
        tasks = [task for _, task in self._lanes.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _hooks(self, notify: Notify) -> Sequence[Hook]:
        """The hooks of a policy; made once for each, and lanes of those that are no longer wanted end."""
        if self._made is None or self._made[0] != notify:
            self._made = (notify, self._make(notify) if notify.anybody else ())
            for hook in self._lanes.keys() - set(self._made[1]):
                self._lanes.pop(hook)[1].cancel()
        return self._made[1]

    def _lane(self, hook: Hook) -> "Lane":
        if hook not in self._lanes:
            lane = Lane(hook, clock=self._clock, on_fault=self._on_fault)
            self._lanes[hook] = lane, asyncio.create_task(lane.run(), name=f"notify by {hook.name}")
        return self._lanes[hook][0]


class Lane:
    """Tells one hook. `every_s`: at most one message about an integration in that time."""

    def __init__(self, hook: Hook, *, clock: Clock, on_fault: OnFault, every_s: float = 60.0) -> None:
        self._hook = hook
        self._clock = clock
        self._on_fault = on_fault
        self.every_s = every_s
        self.dropped = 0
        self._waiting: OrderedDict[str, Notice] = OrderedDict()
        self._told: dict[str, Capability] = {}
        self._told_at: dict[str, float] = {}
        self._woken = asyncio.Event()

    def offer(self, notice: Notice) -> None:
        """Take a notice up; it takes the place of an older one about the same integration."""
        if notice.before is not None:
            self._told.setdefault(notice.key, notice.before)
        self._waiting[notice.key] = notice
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
            self.dropped += 1
            why = f"{self.dropped} changes were dropped, too many wait to be told"
            self._on_fault("notify", f"{self._hook.name}: {why}")
        self._woken.set()

    async def run(self) -> None:
        """Tell what waits, for ever."""
        while True:
            self._woken.clear()
            notice = self._next()
            if notice is not None:
                await self._tell(notice)
                continue
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _next(self) -> Notice | None:
        """The notice that has waited longest and may be told now; what is as it was told last is no news any more."""
        for key, notice in tuple(self._waiting.items()):
            if self._told.get(key) == notice.capability:
                del self._waiting[key]
            elif self._due_in_s(key) <= 0.0:
                return self._waiting.pop(key)
        return None

    def _pause_s(self) -> float | None:
        """Until the next one may be told; for ever where none waits."""
        return min((self._due_in_s(key) for key in self._waiting), default=None)

    def _due_in_s(self, key: str) -> float:
        told_at = self._told_at.get(key)
        return 0.0 if told_at is None else max(0.0, told_at + self.every_s - self._clock.now())

    async def _tell(self, notice: Notice) -> None:
        delivery = await self._tried(notice)
        self._remember(notice, delivery)
        if not delivery.arrived:
            self._on_fault("notify", f"{self._hook.name}: {delivery.failure}; {notice.name} was left out")

    async def _tried(self, notice: Notice) -> Delivery:
        """Told, with patience: each wait twice the last, and some by chance, so that boxes do not come together."""
        # Only where somebody is told; the home of a box has it in memory already.
        from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt  # noqa: PLC0415
        from tenacity.wait import wait_exponential_jitter  # noqa: PLC0415

        def last(state: RetryCallState) -> Delivery:
            result: Delivery = state.outcome.result() if state.outcome else Delivery(failure="it was not tried")
            return result

        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential_jitter(initial=_FIRST_WAIT_S, max=_LONGEST_WAIT_S, jitter=1),
            retry=retry_if_result(lambda delivery: delivery.again),
            retry_error_callback=last,
        )
        delivery: Delivery = await retrying(self._once, notice)
        return delivery

    async def _once(self, notice: Notice) -> Delivery:
        try:
            return await self._hook.tell(notice)
        except Exception as error:  # noqa: BLE001 - a hook's bug costs a message, and its words might hold a secret
            return Delivery(failure=type(error).__name__)

    def _remember(self, notice: Notice, delivery: Delivery) -> None:
        """When it was told last, also in vain; of very many integrations only the newest."""
        self._told_at.pop(notice.key, None)
        self._told_at[notice.key] = self._clock.now()
        if delivery.arrived:
            self._told[notice.key] = notice.capability
        for known in (self._told_at, self._told):
            _bounded(known)


def _bounded(known: dict[str, float] | dict[str, Capability]) -> None:
    while len(known) > 4 * MOST_WAITING:
        del known[next(iter(known))]


def plain(notice: Notice) -> Mapping[str, object]:
    """A notice as JSON holds it. `text` alone is enough for a chat's webhook."""
    from brownout.core.instant import to_rfc3339  # noqa: PLC0415 - with the rest of what a message needs

    return {
        "text": notice.text,
        "integration": notice.key,
        "at": to_rfc3339(notice.at),
        "state": notice.state.value,
        "level": notice.level,
        "degraded": notice.degraded,
        "reason": notice.reason.value,
        "message": notice.why,
    }

"""The rules in force, and waiting for one to be lifted. Belongs to one event loop; no network here."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.faults.faults import BlackHole, Inject, RequestFault, Rule
from tests.faults.kube_request import KubeRequest


class Board:
    """Rules in the order in which they were armed, which is the order in which they befall a request."""

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = ()
        self._changed = asyncio.Event()

    def arm(self, rule: Rule) -> None:
        """From now on the rule befalls what it matches."""
        self._replace((*self._rules, rule))

    def disarm(self, rule: Rule) -> None:
        """Lifts a rule; nothing happens if it was lifted before."""
        self._replace(tuple(other for other in self._rules if other is not rule))

    def heal(self) -> None:
        """Lifts all."""
        self._replace(())

    def for_request(self, request: KubeRequest) -> tuple[Rule, ...]:
        """The rules that befall this request as a whole; counts them."""
        return tuple(rule for rule in self._rules if isinstance(rule.fault, RequestFault) and rule.strikes(request))

    def injections(self, request: KubeRequest) -> tuple[Inject, ...]:
        """What goes into this watch at its start; counts it."""
        return tuple(r.fault for r in self._rules if isinstance(r.fault, Inject) and r.strikes(request))

    def for_event(self, request: KubeRequest, event: dict[str, Any]) -> Rule | None:
        """The first rule that befalls this event of this watch; counts it."""
        return next((rule for rule in self._rules if rule.strikes_event(request, event)), None)

    def silence(self, request: KubeRequest) -> Rule | None:
        """The black hole that an open stream has fallen into, if any."""
        return next((r for r in self._rules if isinstance(r.fault, BlackHole) and r.match.fits(request)), None)

    async def lifted(self, rule: Rule, *, within_s: float | None = None) -> None:
        """Returns when the rule is lifted, or when the time is over."""
        try:
            async with asyncio.timeout(within_s):
                while rule in self._rules:
                    await self._changed.wait()
        except TimeoutError:
            return

    def _replace(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._changed.set()
        self._changed = asyncio.Event()

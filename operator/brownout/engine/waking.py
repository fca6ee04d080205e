"""Waking: what is asleep starts without a decision of the planner, and is decided on here.

A plugin that is loaded lazily starts with a request, which may come at any moment. It is answered at once, from what
the planner knows and from memory as it is now; the planner is called, so that it sees what it did not decide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from brownout.api.policy import Mode
from brownout.core.admission import refusal
from brownout.core.bookkeeping import woken
from brownout.core.instant import Instant
from brownout.core.measurements import START_S
from brownout.core.snapshot import Snapshot
from brownout.engine.switchboard import Switchboard
from brownout.engine.world import World

__all__ = ["Waking"]

# Whoever asks again and again while it does not fit is told the same for so long: with a thousand integrations an
# answer takes 2 ms, and a flood of requests to one that sleeps must not hold up the sentinel.
SAME_ANSWER_S: Final = 0.25
_NOT_YET: Final = "memory has not been looked at yet; ask again in a moment"
_DRY_RUN: Final = "nothing is started in a dry run; it starts when that is over"
_NOT_OURS: Final = "another controller is in charge of it now"


class Waking:
    """Decides on what wakes between two ticks; answers the world's Admission.

    `seen` is what the planner last saw, `wake` calls it.
    """

    def __init__(
        self, world: World, board: Switchboard, seen: Callable[[], Snapshot | None], wake: Callable[[str], None]
    ) -> None:
        self._world = world
        self._board = board
        self._seen = seen
        self._wake = wake
        self._until: Mapping[str, Instant] = {}
        self._refused: Mapping[tuple[str, ...], tuple[Instant, str]] = {}
        world.admission.answered_by(self.refusal)

    def keys(self) -> frozenset[str]:
        """Who was let start so lately that what is measured of it is that of a start."""
        now = self._world.clock.now()
        self._until = {key: until for key, until in self._until.items() if now < until}
        return frozenset(self._until)

    def refusal(self, keys: Sequence[str]) -> str:
        """Why these may not start now together, for people; empty where they may, and then their room is taken."""
        asked, now = tuple(keys), self._world.clock.now()
        until, why = self._refused.get(asked, (0.0, ""))
        if now < until:
            return why
        why = self._decided(asked, now)
        fresh = {each: said for each, said in self._refused.items() if now < said[0]}
        self._refused = {**fresh, asked: (now + SAME_ANSWER_S, why)} if why else fresh
        return why

    def _decided(self, keys: tuple[str, ...], now: Instant) -> str:
        snapshot = self._seen()
        if snapshot is None:
            return _NOT_YET
        policy = self._world.inventory().policy.spec
        if self._world.dry_run or policy.mode is Mode.DRY_RUN:
            return _DRY_RUN
        if not all(map(self._world.home.may_act, keys)):
            return _NOT_OURS
        known = snapshot.outlook.measured_percent is not None
        used = self._world.used_percent(policy) if known else None
        outlook = replace(snapshot.outlook, measured_percent=used, why=snapshot.outlook.why or "memory cannot be read")
        as_now = replace(snapshot, policy=policy, outlook=outlook, waking=self.keys(), in_flight=self._board.in_flight)
        why = refusal(as_now, keys, now=now)
        if not why:
            self._until = {**self._until, **dict.fromkeys(keys, now + START_S)}
            self._board.ledger = woken(self._board.ledger, keys, now=now)
            self._wake(f"{' and '.join(keys)} started, since somebody asked for it")
        return why

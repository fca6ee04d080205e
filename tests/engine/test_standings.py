"""What a thousand say at once: in slices, so that the loop turns in between, and without forgetting a step."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from brownout.core.plan import Decision
from brownout.core.snapshot import Snapshot
from brownout.engine.controller import Controller
from brownout.engine.standings import SAID_AT_ONCE, Standings
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing
from tests.worlds import make_hold

pytestmark = IN_VIRTUAL_TIME

MANY = 2 * SAID_AT_ONCE + 50


def _looked(controller: Controller) -> tuple[Standings, Snapshot, Decision]:
    """What the last tick saw and decided, and who says it."""
    reconciler = controller.reconciler
    assert reconciler.snapshot is not None
    assert reconciler.decision is not None
    return reconciler.standings, reconciler.snapshot, reconciler.decision


async def test_of_many_the_loop_turns_in_between() -> None:
    """Whoever waits for a turn never waits for more than a slice of them, and what they say is the same."""
    box = Box(*[make_integration(f"it-{index}", uid=f"uid-{index}") for index in range(MANY)]).up()
    async with box.controlled() as controller:
        await passing(5.0)
        standings, snapshot, decision = _looked(controller)
        standings.known.clear()
        standings.renew(snapshot, decision, dry_run=False)
        at_once, counts = dict(standings.known), [0]
        standings.known.clear()
        preparing = asyncio.create_task(standings.prepare(snapshot, decision, dry_run=False))
        while not preparing.done():
            await asyncio.sleep(0)
            counts.append(len(standings.known))
        standings.renew(snapshot, decision, dry_run=False)
        assert counts[-1] == len(at_once) == MANY
        assert max(after - earlier for earlier, after in pairwise(counts)) <= SAID_AT_ONCE
        assert standings.known == at_once


async def test_of_few_nothing_is_prepared() -> None:
    """On a box the report stays one short moment."""
    async with make_box().controlled() as controller:
        await passing(5.0)
        standings, snapshot, decision = _looked(controller)
        standings.known.clear()
        await standings.prepare(snapshot, decision, dry_run=False)
        assert standings.known == {}


async def test_a_step_that_ended_since_the_look_is_not_forgotten() -> None:
    """A controller that dies before the next tick must find in the status that it was us."""
    async with make_box().controlled() as controller:
        await passing(5.0)
        standings, snapshot, decision = _looked(controller)
        board = controller.reconciler.board
        board.ledger = replace(board.ledger, holds=MappingProxyType({"voice": make_hold()}))
        standings.renew(snapshot, decision, dry_run=False)
        held = standings.known["voice"].hold
        assert held is not None
        assert (held.by_controller, held.off) == (True, True)

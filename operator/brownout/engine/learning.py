"""Learning at the start: the forecasters of a new controller hear again what history knows."""

import asyncio

from brownout.api.policy import PolicySpec
from brownout.core.ledger import taught
from brownout.core.sample import Sample
from brownout.engine.switchboard import Switchboard

# What forecasters learn from at the start: 6 h at a tick every 30 s. Their bands need 70 of them, which is more
# than a window holds; at half a millisecond each the first decision comes 0.4 s later for it.
LEARNT_INTERVALS = 720
SLICE = 20


async def learn(board: Switchboard, samples: tuple[Sample, ...], policy: PolicySpec) -> None:
    """Let the forecasters learn from these, in slices of 10 ms: the sentinel looks on in between."""
    for first in range(0, len(samples), SLICE):
        board.ledger = taught(board.ledger, samples[first : first + SLICE], policy)
        await asyncio.sleep(0)

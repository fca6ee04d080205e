"""Laws of the gate: so many at once, so many waiting, and nobody is lost while it is shut."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost.gate import Entry, Gate
from tests.local.loops import run

ACTS = st.lists(st.sampled_from(["enter", "leave", "shut", "open"]), max_size=40)


@given(st.integers(1, 4), st.integers(0, 4), ACTS)
def test_never_more_at_once_than_hands_and_never_more_waiting_than_the_queue(
    hands: int, queue: int, acts: list[str]
) -> None:
    """Whatever happens in whatever order; and once everybody leaves, everybody who waited was let in."""

    async def story() -> None:
        play = Play(Gate(hands=hands, queue=queue))
        for act in acts:
            play.act(act)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert play.gate.in_hand <= hands
            assert play.gate.waiting <= queue
        assert set(await play.end()) <= {Entry.IN, Entry.FULL}
        assert (play.gate.in_hand, play.gate.waiting) == (0, 0)

    run(story())


@dataclass
class Play:
    """A gate, who asked to be let in, and how often it was shut."""

    gate: Gate
    entries: list[asyncio.Task[Entry]] = field(default_factory=list)
    shut: int = 0

    def act(self, act: str) -> None:
        """Do one thing, where it makes sense."""
        if act == "enter":
            self.entries.append(asyncio.ensure_future(self.gate.enter(within_s=60.0)))
        elif act == "leave" and self.gate.in_hand:
            self.gate.leave()
        elif act == "shut":
            self.gate.shut()
            self.shut += 1
        elif act == "open" and self.shut:
            self.gate.open()
            self.shut -= 1

    async def end(self) -> list[Entry]:
        """Open, and let everybody leave who is in."""
        while self.shut:
            self.act("open")
        while self.gate.in_hand:
            self.gate.leave()
            await asyncio.sleep(0)
        return await asyncio.gather(*self.entries)


@pytest.mark.asyncio
async def test_who_waits_too_long_is_told_and_takes_no_place() -> None:
    """In virtual time."""
    gate = Gate(hands=1, queue=2)
    assert await gate.enter(within_s=1.0) is Entry.IN
    assert await gate.enter(within_s=0.01) is Entry.LATE
    assert gate.waiting == 0
    gate.leave()
    assert await gate.enter(within_s=1.0) is Entry.IN


@pytest.mark.asyncio
async def test_who_gives_up_waiting_leaves_the_place_to_the_next() -> None:
    """A cancelled request holds no hand."""
    gate = Gate(hands=1, queue=2)
    await gate.enter(within_s=1.0)
    first, second = (asyncio.ensure_future(gate.enter(within_s=60.0)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.leave()
    assert await second is Entry.IN
    assert gate.in_hand == 1

"""The herald: each change of what an integration can do is told once, in words, and never holds up a tick."""

from brownout.api.reasons import ConditionType
from tests.engine.test_proving import leveled
from tests.engine.world import IN_VIRTUAL_TIME, passing, until

pytestmark = IN_VIRTUAL_TIME


async def test_lowered_and_back_each_is_told_once_in_words() -> None:
    """The condition and the notice say what it does now; nothing is told of a start, nor twice."""
    box = leveled(stabilization={"enable": "10s", "settle": "2s"})
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(8.0)
        degraded = {one.type: one for one in box.status("voice").conditions}[ConditionType.DEGRADED]
        assert degraded.message.startswith("voice now runs at its level medium; it runs at its level large again when ")
        box.machine.base = 20.0
        await until(lambda: box.machine["voice"].level == "large", within_s=900.0)
        await passing(60.0)
    told = [notice.text for tick in box.watcher.ticks for notice in tick.notices]
    assert told == [degraded.message, "voice now runs at its level large again"]


async def test_after_a_restart_nothing_old_is_told_again() -> None:
    """What the status said before is known; what changed meanwhile is news."""
    box = leveled()
    async with box.controlled():
        await passing(7.0)
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        await passing(8.0)
    box.watcher.ticks.clear()
    async with box.controlled():
        await passing(20.0)
        assert not [notice for tick in box.watcher.ticks for notice in tick.notices]


async def test_a_home_that_hangs_holds_up_no_tick() -> None:
    """Announcing is bounded; ticks and switches go on."""
    box = leveled()
    async with box.controlled():
        await passing(7.0)
        box.home.mute = True
        box.machine.base = 61.0
        await until(lambda: box.machine["voice"].level == "medium", within_s=20.0)
        ticks = len(box.watcher.ticks)
        await passing(30.0)
        assert len(box.watcher.ticks) >= ticks + 5

"""A controller that is killed at any of its effects: the next one on the same box brings everything to a good end.

For each scenario it is killed at its first effect, at its second, and so on until it lives to the end (C-01 to C-08).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from brownout.api.reasons import State
from tests.engine.mortal import Life, lived
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing

pytestmark = [*IN_VIRTUAL_TIME, pytest.mark.filterwarnings("ignore:.*Crash")]

BRISK: dict[str, Any] = {
    "interval": "5s",
    "window": "5m",
    "stabilization": {"enable": "10s", "settle": "5s"},
    "sentinel": {"interval": "5s"},
    "forecast": {"horizon": "30s"},
}
Scenario = Callable[[Box], list[tuple[float, Callable[[], object]]]]


def pressure(box: Box) -> list[tuple[float, Callable[[], object]]]:
    """Voice and android have to go for a while, voice slowly."""
    box.machine["voice"].obeys_in_s = 2.0
    return [(7.0, lambda: _base(box, 72.0)), (30.0, lambda: _base(box, 30.0))]


def emergency(box: Box) -> list[tuple[float, Callable[[], object]]]:
    """Everything has to go at once, in the middle of a graceful stop."""
    box.machine["voice"].obeys_in_s = 20.0
    return [(7.0, lambda: _base(box, 62.0)), (14.0, lambda: _base(box, 90.0)), (35.0, lambda: _base(box, 30.0))]


def owner(box: Box) -> list[tuple[float, Callable[[], object]]]:
    """The owner switches voice off and on again."""
    return [
        (7.0, lambda: box.home.edit("voice", priority=10, enabled=False)),
        (30.0, lambda: box.home.edit("voice", priority=10)),
    ]


def lowering(box: Box) -> list[tuple[float, Callable[[], object]]]:
    """Voice is lowered and comes back to its best level."""
    levels = [{"name": "large", "memory": "10Gi"}, {"name": "small", "memory": "4Gi"}]
    box.home.edit("voice", priority=10, levels=levels)
    box.machine["voice"].level, box.machine["voice"].sizes = "large", {"large": 10.0, "small": 4.0}
    return [(7.0, lambda: _base(box, 63.0)), (30.0, lambda: _base(box, 30.0))]


def undoing(box: Box) -> list[tuple[float, Callable[[], object]]]:
    """Voice is to be lowered, but the lower level does not come up: it is put back, and goes whole."""
    script = lowering(box)
    box.machine["voice"].hopeless = frozenset({"small"})
    return script


def _base(box: Box, percent: float) -> None:
    box.machine.base = percent


@pytest.mark.parametrize("owned", ["by us", "by others"])
@pytest.mark.parametrize(
    "scenario", [pressure, emergency, owner, lowering, undoing], ids=lambda scenario: scenario.__name__
)
@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
async def test_killed_at_any_effect_it_comes_to_a_good_end(scenario: Scenario, owned: str, *, told: bool) -> None:
    """Nothing stays disabled, no start has a twin, each stop has its intent, and no intent stays open."""
    for last in range(1, 200):
        box = make_box(**BRISK)
        box.machine.owned_by_others = owned == "by others"
        if not await _told(box, scenario(box), Life(last, told=told)):
            break
        assert _wrong(box) == [], f"killed {'after' if told else 'before'} effect {last}: {box.log.texts()}"
    else:
        pytest.fail("it never lived to the end")
    assert last > 10
    assert _wrong(box) == []


async def _told(box: Box, script: list[tuple[float, Callable[[], object]]], life: Life) -> bool:
    """Play a scenario with a controller that dies in it, and one after it that lives; whether the first one died."""
    for after_s, happens in script:
        asyncio.get_running_loop().call_later(after_s, happens)
    over_at = asyncio.get_running_loop().time() + script[-1][0] + 5.0

    def enough() -> bool:
        return asyncio.get_running_loop().time() > over_at and not _wrong(box)

    died = await lived(box, life, for_s=120.0, enough=enough)
    box.log.add("-- dead --")
    if died:
        await passing(1.0)
        await lived(box, Life(0, told=False), for_s=120.0, enough=enough)
    return died


def _wrong(box: Box) -> list[str]:
    """All that is not as it was before the pressure, or was not as it must be on the way."""
    voice, statuses = box.machine["voice"], box.home.statuses
    found = {
        f"only {box.running} run": box.running != {"voice", "android", "stubs"},
        f"voice has {voice.replicas} replicas": voice.replicas != 2,
        f"voice runs at {voice.level}": voice.level not in ("", "large"),
        "a status says held": any(status.hold and status.hold.by_controller for status in statuses.values()),
        "a status says not Enabled": {status.state for status in statuses.values()} != {State.ENABLED},
        f"twins: {box.machine.twins}": box.machine.twins,
        f"no intent for {_stops_without_intent(box)}": _stops_without_intent(box),
        "an intent is open": any(record.outcome is None for record in box.journal.records.values()),
    }
    return [what for what, wrong in found.items() if wrong]


def _stops_without_intent(box: Box) -> list[str]:
    """Stops before which no intent of them was written down."""
    intents: Counter[str] = Counter()
    bare = []
    for text in box.log.texts("intend", "stop "):
        words = text.split()
        if words[0] == "stop":
            intents[words[1]] -= 1
            bare += [text] if intents[words[1]] < 0 else []
        elif words[0] == "intend_now" or words[1] == "Disable":
            intents[words[-1]] += 1
    return bare

"""A request that asks the circuit of its plugin first, and tells it afterwards how it went."""

from collections.abc import Coroutine
from typing import Any, Final

from brownout.engine.circuits import Circuits
from brownout.engine.ports import Clock
from brownout.pluginhost.answers import Answer, AnswerStatus

__all__ = ["guarded"]

#: What the plugin is at fault for. That it is busy, off, or was asked for too much says nothing against it.
_FAULTS: Final = {
    AnswerStatus.FAILED: "it fails its requests",
    AnswerStatus.TOO_SLOW: "it does not answer its requests in time",
    AnswerStatus.CRASHED: "it crashes on its requests",
}


async def guarded(circuits: Circuits | None, clock: Clock, key: str, asking: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of `asking`, which is not begun while the circuit is open. Without circuits everything passes."""
    if circuits is None:
        return await asking
    passed = circuits.allow(key, now=clock.now())
    if not passed.granted:
        asking.close()
        why = circuits.of(key, now=clock.now()).why
        return Answer(status=AnswerStatus.UNAVAILABLE, detail=f"it gets no requests for now: {why}")
    try:
        answer = await asking
    except BaseException:
        circuits.unused(passed)
        raise
    if answer.taken:
        circuits.succeeded(passed, now=clock.now())
    elif answer.status in _FAULTS:
        circuits.failed(passed, _FAULTS[answer.status], now=clock.now())
    else:
        circuits.unused(passed)
    return answer

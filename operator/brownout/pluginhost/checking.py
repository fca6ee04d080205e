"""What the answer to a plugin's health_check means for its health.

The plugin's own message is passed on, cut short; where the host has to speak for it, the words are the same each time,
without the figures of the host's own messages, so that a status stays quiet.
"""

from collections.abc import Callable
from typing import Final

from brownout.core.health import Answer as Found
from brownout.core.health import Checked
from brownout.core.wording import sentence
from brownout.pluginhost.answers import Answer, AnswerStatus

__all__ = ["checked_of"]

_LONGEST: Final = 200

_FOR_IT: Final = {
    AnswerStatus.TOO_SLOW: "its health_check does not answer in time",
    AnswerStatus.CRASHED: "its process ended in its health_check",
    AnswerStatus.UNAVAILABLE: "it does not run",
}


def checked_of(answer: Answer, covered: Callable[[str], str]) -> Checked:
    """Healthy where the plugin says so, or says nothing against it. `covered` takes its secrets out of what it says."""
    if answer.status in (AnswerStatus.BUSY, AnswerStatus.TOO_LARGE):
        return Checked(answer=Found.BLOCKED, why="it was too busy to be asked")
    if not answer.ok:
        why = _FOR_IT.get(answer.status) or f"its health_check failed: {answer.detail}"
        return Checked(answer=Found.FAILED, why=sentence(why, longest=_LONGEST))
    body = answer.body if isinstance(answer.body, dict) else {}
    if body.get("ok", True):
        return Checked(answer=Found.OK)
    said = covered(str(body.get("message") or ""))
    return Checked(answer=Found.FAILED, why=sentence(said, longest=_LONGEST) if said else "it says that it is not well")

"""What came of a request to a plugin. Everything that a plugin can do wrong is a value here, with a sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Answer", "AnswerStatus"]


class AnswerStatus(StrEnum):
    """How it went. Each request has exactly one of these."""

    OK = "Ok"
    REFUSED = "Refused"  # the plugin does not want this request; it is well
    FAILED = "Failed"  # the plugin raised, or answered with what JSON cannot hold
    BUSY = "Busy"  # as many as it may have are in hand and waiting; nothing was sent
    TOO_SLOW = "TooSlow"  # no answer in time; one that comes later is dropped
    TOO_LARGE = "TooLarge"  # the request is larger than allowed; nothing was sent
    CRASHED = "Crashed"  # the process ended, or was ended, with the request in hand
    UNAVAILABLE = "Unavailable"  # it is off, or waits for its next try


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one request. `detail` says why there is no `body`."""

    status: AnswerStatus
    body: Any = None
    detail: str = ""
    took_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the plugin answered as asked."""
        return self.status is AnswerStatus.OK

    @property
    def taken(self) -> bool:
        """Whether the plugin did with the request what it is for; refusing one is part of that."""
        return self.status in (AnswerStatus.OK, AnswerStatus.REFUSED)

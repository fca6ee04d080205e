"""What came of a step: the word, the sentence, and what must be remembered to undo it."""

from dataclasses import dataclass
from enum import StrEnum


class OutcomeStatus(StrEnum):
    """What came of one step."""

    DONE = "Done"
    SKIPPED = "Skipped"  # stale: what it was planned against has changed
    FAILED = "Failed"  # the workload refused; tried again later
    RECORDED = "Recorded"  # dry run: would have been done


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of asking a workload for something; `detail` is for people. `replicas_before` is set by a
    driver that needs it back in order to undo what it did. `unfit` says why a new level did not come up, and
    `undone` whether the one before it was started again.
    """

    status: OutcomeStatus
    detail: str = ""
    replicas_before: int | None = None
    unfit: str = ""
    undone: bool = False

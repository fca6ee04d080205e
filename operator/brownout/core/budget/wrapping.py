"""A program that runs under a budget: what it is told, and what its wrapper's exit code means.

A wrapper passes the program's own exit code on. What it did itself needs codes that neither a program nor a shell uses
by custom: not 0, 1, 2 (done, refused, wrong usage) nor 130 (interrupted), not 126 and 127 (a shell could not start it),
not 128 and above (a signal). 124 is what timeout(1) says when its time is over; 123 and 122 stand next to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from brownout.core.budget.advice import Advice, should_continue
from brownout.core.budget.document import run_document
from brownout.core.budget.points import Point
from brownout.core.budget.run import Ending, RunRecord
from brownout.core.budget.summary import line_text, named

__all__ = ["EXIT_CODES", "SIGNAL_BASE", "Standing", "exit_code", "sentence", "standing_document", "wrapped_advice"]

EXIT_CODES: Final[Mapping[Ending, int]] = MappingProxyType(
    {
        Ending.STOPPED_EXCEEDED: 124,  # a limit was reached
        Ending.STOPPED_GRACEFULLY: 123,  # it approached a limit with too much left to do
        Ending.STOPPED_ON_REQUEST: 122,  # `brownout budget stop`
    }
)
SIGNAL_BASE: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A run at one moment, with what its program says of its progress and what it is told to do.

    `recorded`: all that was reported is on disk, and not only in memory. `checkpoint_due`: it should be kept again what
    the program needs to continue. `points` are its steps of progress, from which its need is estimated.
    """

    run: RunRecord
    progress: float | None
    advice: Advice
    recorded: bool = True
    checkpoint_due: bool = False
    points: tuple[Point, ...] = ()


def wrapped_advice(run: RunRecord, progress: float | None, *, strict: bool) -> Advice:
    """What the program is to do.

    Most programs know nothing of us: who never says how far it is, is told to finish and may go on to the limit itself.
    With `strict` it counts as one that has much left to do.
    """
    asked = run.stop_asked_at is not None
    advice = should_continue(run.assessment(), progress, run.limits.finish_percent, stop_asked=asked)
    lenient = progress is None and not asked and not strict
    return Advice.FINISH if advice is Advice.STOP_GRACEFULLY and lenient else advice


def standing_document(standing: Standing) -> dict[str, Any]:
    """What the program reads: in the notice file, and as the answer to each report; as over REST."""
    from brownout.core.budget.completion import completion, completion_document  # noqa: PLC0415 - only who says how far

    advice, points = standing.advice, standing.points
    estimate = completion_document(completion(standing.run.limits, points)) if points else None
    return {
        **run_document(standing.run),
        "advice": {"continue": advice.go, "what": str(advice), "progress": standing.progress},
        "message": sentence(standing),
        "completion": estimate,
        "recorded": standing.recorded,
        "checkpointDue": standing.checkpoint_due,
    }


def sentence(standing: Standing) -> str:
    """Why it is told what it is told, with the numbers."""
    run, advice = standing.run, standing.advice
    assessment = run.assessment()
    concerned = assessment.exceeded or assessment.approaching
    used = "; ".join(f"{named((each,))}: {line_text(each, assessment.lines[each])}" for each in concerned)
    match advice:
        case Advice.STOP_EXCEEDED:
            return f"the limit of {named(assessment.exceeded)} is reached ({used}): stop now"
        case Advice.STOP_GRACEFULLY if run.stop_asked_at is not None:
            return "somebody asked it to stop: keep partial results and end"
        case Advice.STOP_GRACEFULLY:
            done = "nothing" if standing.progress is None else f"{100 * standing.progress:.0f} %"
            return f"approaching a limit ({used}) with {done} done: keep partial results and end"
        case Advice.FINISH:
            return f"approaching a limit ({used}): finish, begin nothing new"
        case _:
            return "within its limits"


def exit_code(ending: Ending | None, status: int) -> int:
    """The wrapper's exit code: its own where it stopped the program, else the program's, as a shell would say it.

    `status` is negative where a signal ended the program.
    """
    if ending is not None and ending in EXIT_CODES:
        return EXIT_CODES[ending]
    return status if status >= 0 else SIGNAL_BASE - status

"""The end of a run in a few lines for people: used, limit, per cent, remaining, checkpoints, what stopped it."""

from brownout.api.duration_text import format_duration
from brownout.core.budget.assessment import Assessment, Line
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import Ending, RunRecord

TITLES = {Measure.DURATION: "time", Measure.TOKENS: "tokens", Measure.API_CALLS: "API calls"}


def summary(run: RunRecord, *, status: int | None = None) -> str:
    """The whole of it, a line for each measure. `status`: that with which the wrapped program ended by itself."""
    assessment = run.assessment()
    lines = [f"Run {run.name}: {ending_text(run, assessment, status=status)}"]
    lines += [f"  {TITLES[measure]:<10}{line_text(measure, line)}" for measure, line in assessment.lines.items()]
    lines.append(f"  {run.checkpoints} checkpoint{'' if run.checkpoints == 1 else 's'}")
    return "\n".join(lines)


def ending_text(run: RunRecord, assessment: Assessment, *, status: int | None = None) -> str:
    """What stopped it, or how it stands while nothing did; `status` as for the summary."""
    near = named((*assessment.exceeded, *assessment.approaching))
    match run.stopped_by:
        case Ending.COMPLETED:
            return "completed"
        case Ending.STOPPED_GRACEFULLY:
            return f"stopped gracefully with partial results, approaching the limit of {near}"
        case Ending.STOPPED_EXCEEDED:
            return f"stopped, the limit of {named(assessment.exceeded)} is reached"
        case Ending.STOPPED_ON_REQUEST:
            return "stopped on request"
        case Ending.ABANDONED | Ending.RENEWED as over:
            renewed = "over with its window, the next one counts from zero"
            return renewed if over is Ending.RENEWED else "abandoned after an interruption"
        case None:
            state = f"{assessment.state} ({near})" if near else str(assessment.state)
            asked = ", asked to stop" if run.stop_asked_at is not None else ""
            by_itself = status is not None and status > 0  # a signal's is below 0
            halted = f"its program ended with {status}" if by_itself else "interrupted"
            return f"{halted}, can be resumed; {state}" if run.interrupted else f"open{asked}; {state}"


def line_text(measure: Measure, line: Line) -> str:
    """`812,000 of 1,000,000 (81.2 %), 188,000 remaining`."""
    used = amount(measure, line.used)
    if line.limit is None or line.percent is None or line.remaining is None:
        return f"{used}, no limit"
    percent = f" ({line.percent:.1f} %)" if line.limit else ""
    return f"{used} of {amount(measure, line.limit)}{percent}, {amount(measure, line.remaining)} remaining"


def amount(measure: Measure, value: float) -> str:
    """A number of this measure: seconds as a duration to the tenth, counts with commas."""
    return format_duration(round(value, 1)) if measure is Measure.DURATION else f"{int(value):,}"


def named(measures: tuple[Measure, ...]) -> str:
    """`tokens and API calls`; empty for none."""
    return " and ".join(TITLES[measure] for measure in measures)

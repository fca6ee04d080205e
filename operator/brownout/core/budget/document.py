"""Limits and runs as documents: what REST, JSON output and the store say. Names are the wire's."""

import math
from collections.abc import Mapping
from typing import Any

from brownout.api.problems import shown
from brownout.core.budget.assessment import Line
from brownout.core.budget.limits import InvalidLimits, Limits
from brownout.core.budget.run import RunRecord
from brownout.core.errors import InvalidInput
from brownout.core.instant import Instant, to_rfc3339

#: Field of the document -> parameter of Limits.
_PARAMETERS = {
    "duration": "duration",
    "tokens": "tokens",
    "apiCalls": "api_calls",
    "warnAt": "warn_percent",
    "warnAtEach": "warn_percents",
    "finishAt": "finish_percent",
    "checkpointEvery": "checkpoint_every",
}


def limits_document(limits: Limits) -> dict[str, Any]:
    """Limits as JSON: times in seconds, an absent limit is null."""
    return {
        "duration": limits.duration_s,
        "tokens": limits.tokens,
        "apiCalls": limits.api_calls,
        "warnAt": limits.warn_percent,
        "warnAtEach": {str(measure): percent for measure, percent in limits.warn_percents.items()},
        "finishAt": limits.finish_percent,
        "checkpointEvery": limits.checkpoint_every_s,
    }


def limits_from(document: object, *, over: Limits | None = None) -> Limits:
    """The limits of a document; times may be texts. With `over`, only what the document names is changed.

    Raises InvalidInput, with every unknown field and every bad value.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(f"limits: Invalid value: {shown(document)}: must be an object")
    known = ", ".join(_PARAMETERS)
    problems = [f'unknown field "{name}": there are {known}' for name in document if name not in _PARAMETERS]
    before = limits_document(over) if over else {}
    fields = {**before, **{name: value for name, value in document.items() if name in _PARAMETERS}}
    try:
        limits = Limits(**{_PARAMETERS[name]: value for name, value in fields.items()})
    except InvalidLimits as refusal:
        raise InvalidInput("; ".join([*problems, *_in_wire_words(refusal)])) from None
    if problems:
        raise InvalidInput("; ".join(problems))
    return limits


def _in_wire_words(refusal: InvalidLimits) -> list[str]:
    names = {parameter: name for name, parameter in _PARAMETERS.items()}
    return [f"{names.get(parameter, parameter)}: {problem}" for parameter, problem in refusal.problems]


def run_document(run: RunRecord) -> dict[str, Any]:
    """A run as JSON: the summary that the command line and REST give."""
    assessment = run.assessment()
    return {
        "id": run.id,
        "name": run.name,
        "state": str(assessment.state),
        "approaching": [str(measure) for measure in assessment.approaching],
        "exceeded": [str(measure) for measure in assessment.exceeded],
        "usage": {str(measure): _line_document(line) for measure, line in assessment.lines.items()},
        "limits": limits_document(run.limits),
        "openedAt": to_rfc3339(run.opened_at),
        "seenAt": to_rfc3339(run.seen_at),
        "endedAt": _time(run.ended_at),
        "stoppedBy": str(run.stopped_by) if run.stopped_by else None,
        "stopAskedAt": _time(run.stop_asked_at),
        "interrupted": run.interrupted,
        "sessions": run.sessions,
        "checkpoints": {"count": run.checkpoints, "lastAt": _time(run.checkpoint_at)},
    }


def _line_document(line: Line) -> dict[str, Any]:
    percent = line.percent if line.percent is None or math.isfinite(line.percent) else None  # JSON knows no infinity
    return {"used": line.used, "limit": line.limit, "percent": percent, "remaining": line.remaining}


def _time(at: Instant | None) -> str | None:
    return None if at is None else to_rfc3339(at)

"""Shadows as JSON: how the policies that do not rule fare on the load of the one that does, in a sentence each.

Imported when somebody asks: a controller without shadows does without the simulator.
"""

from brownout.core.instant import to_rfc3339
from brownout.engine.shadow_watch import ShadowReport
from brownout.gateway.documents import Document
from brownout.simulate.advice import differences, differing, sentence
from brownout.simulate.comparison import Change, Comparison, compare_runs
from brownout.simulate.shadows import Present
from brownout.simulate.tally import Run

__all__ = ["shadows_document"]


def shadows_document(report: ShadowReport) -> Document:
    """The live policy on its model and every shadow beside it."""
    runs = {run.policy: run for run in report.runs if run.last is not None}
    live = runs.get(report.live)
    others = [run for name, run in runs.items() if name != report.live]
    return {
        "live": report.live,
        "since": to_rfc3339(report.since),
        "gaps": report.gaps,
        "why": "" if live else report.why or "the first tick after the start is still to come",
        "present": _present(report.present[report.live]) if report.live in report.present else None,
        "rows": [_row(report, live, run) for run in others] if live else [],
    }


def _row(report: ShadowReport, live: Run, other: Run) -> Document:
    found = compare_runs(live, other, among=differing(report.policies[report.live], report.policies))
    changes = differences(report.policies[report.live], report.policies[other.policy])
    return {
        **_comparison(found),
        "set": dict(changes),
        "sentence": sentence(found, changes),
        "present": _present(report.present[other.policy]),
    }


def _comparison(found: Comparison) -> Document:
    return {
        "policy": found.policy,
        "verdict": found.verdict.value,
        "hours": round(found.hours, 2),
        "j": round(found.j, 2),
        "jLive": round(found.j_live, 2),
        "jChange": _change(found.j_change),
        "share": _change(found.share) if found.share else None,
        "servedHours": {name: round(hours, 3) for name, hours in found.served_h.items()},
        "minutesAt80": round(found.minutes_80, 2),
        "minutesAt95": round(found.minutes_95, 2),
        "flips": round(found.flips, 2),
        "among": found.among,
    }


def _change(change: Change) -> Document:
    return {"value": round(change.value, 4), "lower": round(change.lower, 4), "upper": round(change.upper, 4)}


def _present(present: Present) -> Document:
    told = present.told
    return {
        "memoryPercent": round(present.memory_percent, 2),
        "rungs": dict(present.rungs),
        "reason": told.reason if told else None,
    }

"""What is kept of training as a document, and back. What is damaged is refused as a whole, with the fault's place."""

from dataclasses import asdict
from typing import Any

from brownout.core.document import Part
from brownout.core.errors import InvalidInput
from brownout.core.forecasting.champions import (
    Champions,
    DailyChampion,
    PeakRecord,
    Record,
    Regression,
    TrainedChampion,
)
from brownout.core.forecasting.daily import QUARTERS, Profile
from brownout.core.forecasting.signals import FEATURES
from brownout.core.training_report import MOST_REPORTS, CandidateFigures, Kept, TrainingReport

# Another version, or regressions on other features, are another document: training makes a new one within minutes.
VERSION = 1

_MOST_STEPS = 1000
_MOST_DISTANCES = 3
_MOST_FIGURES = 100


def kept_document(kept: Kept) -> dict[str, Any]:
    """For json.dumps."""
    return {"version": VERSION, "features": list(FEATURES), **asdict(kept)}


def kept_from(document: object) -> Kept:
    """The value of a document. Raises InvalidInput for anything that we would not have written."""
    part = Part.of(document)
    if part.whole("version") != VERSION or part.fields.get("features") != list(FEATURES):
        raise InvalidInput("it is of another version of Brownout", advice="the next training replaces it")
    return Kept(
        champions=_champions(part.part("champions")),
        challenger=_champions(part.part("challenger")),
        reports=tuple(report_from(each) for each in part.parts("reports", most=MOST_REPORTS)),
    )


def report_from(part: Part) -> TrainingReport:
    """One training."""
    return TrainingReport(
        at=part.number("at", least=0.0),
        why=part.text("why"),
        samples=part.whole("samples"),
        seconds=part.number("seconds", least=0.0),
        peak_bytes=part.whole("peak_bytes"),
        figures=tuple(_figures(each) for each in part.parts("figures", most=_MOST_FIGURES)),
        verdict=part.text("verdict"),
        fault=part.text("fault"),
    )


def _figures(part: Part) -> CandidateFigures:
    return CandidateFigures(
        name=part.text("name", most=60),
        steps=part.whole("steps", least=1, most=_MOST_STEPS),
        ratio=part.number("ratio", least=0.0),
        coverage_percent=part.number("coverage_percent", least=0.0, most=100.0),
        count=part.whole("count"),
    )


def _champions(part: Part | None) -> Champions | None:
    if part is None:
        return None
    distances = len(part.fields["steps"]) if isinstance(part.fields.get("steps"), list) else 0
    steps = tuple(int(each) for each in part.numbers("steps", count=min(distances, _MOST_DISTANCES)))
    if not steps or steps != tuple(sorted(set(steps))) or not 1 <= steps[0] <= steps[-1] <= _MOST_STEPS:
        raise InvalidInput("steps are not in order", advice=f"they go up from 1 to at most {_MOST_STEPS}")
    return Champions(
        step_s=part.number("step_s", least=0.001, most=1e6),
        steps=steps,
        confidence_percent=part.number("confidence_percent", least=1.0, most=100.0),
        trained=_trained(part.part("trained"), len(steps)),
        daily=_daily(part.part("daily")),
    )


def _trained(part: Part | None, distances: int) -> TrainedChampion | None:
    if part is None:
        return None
    name = part.text("regression")
    if name not in list(Regression):
        raise InvalidInput(f"{part.path}.regression is {name!r}", advice=f"it must be one of {', '.join(Regression)}")
    profile = _profile(part) if part.fields.get("profile") else ()
    records = part.parts("records", most=distances)
    if len(records) != distances:
        raise InvalidInput(f"{part.path}.records are {len(records)}", advice=f"there must be {distances}")
    return TrainedChampion(
        made_at=part.number("made_at", least=0.0),
        fitted_until=part.number("fitted_until", least=0.0),
        regression=Regression(name),
        coefficients=part.rows("coefficients", rows=distances, columns=len(FEATURES) + bool(profile)),
        intercepts=part.numbers("intercepts", count=distances),
        profile=profile,
        records=tuple(Record(**_record(each)) for each in records),
    )


def _daily(part: Part | None) -> DailyChampion | None:
    if part is None:
        return None
    return DailyChampion(
        made_at=part.number("made_at", least=0.0),
        fitted_until=part.number("fitted_until", least=0.0),
        profile=_profile(part),
        shrink=part.number("shrink", least=0.0, most=1.0),
        record=Record(**_record(part.needed("record"))),
        peak=_peak(part.part("peak")),
    )


def _peak(part: Part | None) -> PeakRecord | None:
    if part is None:
        return None
    return PeakRecord(**_record(part), lower=part.number("lower"), upper=part.number("upper"))


def _profile(part: Part) -> Profile:
    return part.numbers("profile", count=QUARTERS)


def _record(part: Part) -> dict[str, Any]:
    return {
        "steps": part.whole("steps", least=1, most=int(1e6)),
        "count": part.whole("count"),
        "error": part.number("error", least=0.0),
        "last_value_error": part.number("last_value_error", least=0.0),
        "coverage_percent": part.number("coverage_percent", least=0.0, most=100.0),
    }

"""One's own history for a replay: the base load that was met, and one's own integrations as they were measured."""

from dataclasses import dataclass
from pathlib import Path

from brownout.api.integration import Integration
from brownout.bootstrap.settings import default_state
from brownout.core.errors import HistoryUnavailable
from brownout.core.ladder import remembered_levels, with_levels
from brownout.core.sample import Sample
from brownout.history.reader import MOST_SAMPLES, read_history
from brownout.local.status import read_statuses
from brownout.simulate.ours import LIMIT_BYTES
from brownout.simulate.plant import Thing
from brownout.simulate.recorded import Recorded, recorded
from brownout.simulate.things import declared, measured_percents, things_of

#: Less than this says nothing: forecasts have not even warmed up.
LEAST_HOURS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHistory:
    """What was recorded, the integrations that were measured meanwhile, and what a reader of figures has to know."""

    record: Recorded
    things: tuple[Thing, ...]
    integrations: tuple[Integration, ...]
    limit_bytes: int | None = None
    notes: tuple[str, ...] = ()


def own_history(state: Path | None, *, since: float, integrations: tuple[Integration, ...] | None = None) -> OwnHistory:
    """The history of a state folder, with the integrations of its statuses or others.

    Raises HistoryUnavailable where there is none, or too little for a replay.
    """
    folder = state or default_state()
    samples = read_history(folder / "history.db").samples(since=since, limit=MOST_SAMPLES)
    record = recorded(samples)
    if record.hours < LEAST_HOURS:
        found = f"{record.hours * 60:.0f} minutes"
        raise HistoryUnavailable(f"the history of {folder} holds {found} of this time: a replay needs an hour at least")
    known = read_statuses(folder)
    asked = tuple(known.values()) if integrations is None else integrations
    mine = tuple(with_levels(each, remembered_levels(known.get(each.name, each))) for each in asked)
    measured = measured_percents(samples)
    if not any(each.name in measured and each.spec.enabled for each in mine):
        raise HistoryUnavailable(f"the history of {folder} holds no measurement of an integration: nothing to replay")
    # What was never measured is part of the base load, or was off all the time: in the plant it would count twice.
    kept = tuple(each for each in mine if each.name in measured)
    things = things_of(kept, LIMIT_BYTES, measured=measured)
    return OwnHistory(
        record=record,
        things=things,
        integrations=declared(kept, things),
        limit_bytes=samples[-1].memory_limit_bytes,
        notes=tuple(_notes(record, mine, samples)),
    )


def _notes(record: Recorded, mine: tuple[Integration, ...], samples: tuple[Sample, ...]) -> list[str]:
    notes = []
    if record.gaps:
        times = "1 gap" if record.gaps == 1 else f"{record.gaps} gaps"
        notes.append(f"the history has {times}, {record.missing_s / 3600.0:.1f} h in all; they are left out")
    measured = {name for sample in samples for name in sample.footprints}
    if without := sorted(each.name for each in mine if each.spec.enabled and each.name not in measured):
        notes.append(f"never measured in this time, so left out: {', '.join(without)}")
    if len(samples) >= MOST_SAMPLES:
        notes.append(f"only the newest {MOST_SAMPLES} samples are looked at")
    return notes

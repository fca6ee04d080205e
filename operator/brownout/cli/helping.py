"""What `explain` finds out beside the controller, for suggestions: how much of each is file-backed, and who grows.

It looks only where and when somebody asks, so that the controller need not.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from brownout.api.integration import Integration
from brownout.cli.question import Question
from brownout.cli.source import Source, StateSource
from brownout.core.errors import BrownoutError
from brownout.core.instant import Instant
from brownout.core.ladder import remembered_levels, with_levels
from brownout.core.measurements import TRAIL, drift
from brownout.core.sample import Sample
from brownout.core.suggestions import Facts, suggestions
from brownout.engine.ports import ProcessId
from brownout.local.launch import INTEGRATION_MARK, STATE_MARK
from brownout.sensing.processes import ProcTable

# As far back as growth is told from: 20 samples of the default interval, and twice that.
BACK_S = 1200.0


def helping(name: str, integrations: tuple[Integration, ...], source: Source, *, now: Instant) -> tuple[str, ...]:
    """What would help an integration, in sentences with numbers; what cannot be found out is left out."""
    facts = Facts(  # the ladders of plugins are told by their statuses alone, to whoever asks from here
        integrations=tuple(with_levels(each, remembered_levels(each)) for each in integrations),
        policy=source.policy(),
        file_shares=file_shares(source.state) if isinstance(source, StateSource) else {},
        growth_bytes_per_h=_growth(source, now),
    )
    return suggestions(name, facts)


def file_shares(state: Path) -> Mapping[str, float]:
    """Which share of what each command holds is backed by files, by name; of those whose processes may be looked at."""
    table, groups = ProcTable(), dict[str, list[ProcessId]]()
    for process, marks in table.marked(STATE_MARK, os.path.realpath(state)).items():
        groups.setdefault(marks.get(INTEGRATION_MARK, ""), []).append(process)
    held = {name: (table.file_bytes(them), table.memory_bytes(them)) for name, them in groups.items()}
    return {name: files / whole for name, (files, whole) in held.items() if files is not None and whole}


def _growth(source: Source, now: Instant) -> Mapping[str, float]:
    try:
        return growth_of(source.samples(Question(since=now - BACK_S)))
    except BrownoutError:  # a history that cannot be read costs a suggestion
        return {}


def growth_of(samples: Iterable[Sample]) -> Mapping[str, float]:
    """Bytes per hour by which each grows, of those that were measured often enough."""
    trails: dict[str, list[tuple[Instant, int]]] = {}
    for sample in samples:
        for name, size in sample.footprints.items():
            trails.setdefault(name, []).append((sample.at, size))
    return {name: 3600.0 * drift(trail[-TRAIL:]) for name, trail in trails.items()}

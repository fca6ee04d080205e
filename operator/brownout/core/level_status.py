"""What a status says of each level: its memory, its times, its failures, and why it is not switched to. Pure.

Figures move only when they have moved by a tenth, like all of a status.
"""

from brownout.api.status import IntegrationStatus, LevelStatus
from brownout.core.footprint import Source
from brownout.core.member import Member
from brownout.core.quiet import N, quiet, renewed


def level_statuses(member: Member, previous: IntegrationStatus) -> tuple[LevelStatus, ...]:
    """One for each level, best first; none where there are no levels."""
    before = {level.name: level for level in previous.levels or ()}
    levels = enumerate(member.ladder.levels)
    return tuple(_level(member, rung, level.name, before.get(level.name)) for rung, level in levels)


def _level(member: Member, rung: int, name: str, before: LevelStatus | None) -> LevelStatus:
    old, record, footprint = before or LevelStatus(name=name), member.record(rung), member.footprint(rung)
    measured = footprint.steady_bytes if footprint.source is Source.MEASURED else None
    failed = record.failure_share
    return renewed(
        before,
        LevelStatus,
        name=name,
        memory=_kept(old.memory, measured),
        response_ms=_kept(old.response_ms, _rounded(record.response_ms)),
        p95_ms=_kept(old.p95_ms, _rounded(record.p95_ms)),
        failure_percent=_kept(old.failure_percent, None if failed is None else _rounded(100.0 * failed)),
        message=record.why if rung in member.unfit else "",
    )


def _kept(previous: N | None, new: N | None) -> N | None:
    """What was known before a restart of ours stands until there is something newer."""
    return previous if new is None else quiet(previous, new)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)

"""The table of integrations, as `kubectl get integrations` prints it: the same columns in every home."""

from collections.abc import Callable, Sequence

from brownout.api.integration import Integration
from brownout.api.quantities import format_measured
from brownout.api.status import IntegrationStatus
from brownout.core.instant import Instant, from_rfc3339

Row = Sequence[str]
Cell = Callable[[Integration, IntegrationStatus, Instant], str]

_GAP = "   "


def _memory(status: IntegrationStatus) -> str:
    """What it holds; a blank where that is not known, and where it is nothing: what sleeps, or is off."""
    return format_measured(status.memory) if status.memory else ""


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("NAME", lambda it, _status, _now: it.name),
    ("STATE", lambda _it, status, _now: status.state or ""),
    ("LEVEL", lambda _it, status, _now: status.level or ""),
    ("PRIORITY", lambda it, _status, _now: str(it.spec.priority)),
    ("HEALTH", lambda _it, status, _now: status.health or ""),
    ("MEMORY", lambda _it, status, _now: _memory(status)),
    ("REASON", lambda _it, status, _now: status.reason or ""),
    ("SINCE", lambda _it, status, now: age(status.since, now)),
)
WIDE: tuple[tuple[str, Cell], ...] = (
    ("CIRCUIT", lambda _it, status, _now: status.circuit or ""),
    ("NODE", lambda it, status, _now: it.spec.node or status.node or ""),
    ("RETURNS-WHEN", lambda _it, status, _now: status.returns_when or ""),
)


def place(integration: Integration) -> tuple[str, int, str]:
    """Where it stands in a table that people read: who goes first comes first."""
    return integration.metadata.namespace, integration.spec.priority, integration.name


def integration_table(integrations: Sequence[Integration], *, now: Instant, wide: bool = False) -> str:
    """The table with its header, columns padded; one line where there is nothing."""
    if not integrations:
        return "No integrations found."
    columns = COLUMNS + WIDE if wide else COLUMNS
    rows = [[cell(it, it.status or IntegrationStatus(), now) for _, cell in columns] for it in integrations]
    return plain_table([name for name, _ in columns], rows)


def plain_table(header: Row, rows: Sequence[Row]) -> str:
    """Columns padded to their widest cell, three spaces apart, as kubectl prints them."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    return "\n".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def age(since: str | None, now: Instant) -> str:
    """How long ago, as kubectl says it: `12s`, `5m`, `3h`, `2d`."""
    began = from_rfc3339(since)
    if began is None:
        return ""
    seconds = max(0, int(now - began))
    for size, unit, until in ((1, "s", 120), (60, "m", 3600), (3600, "h", 48 * 3600)):
        if seconds < until:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"

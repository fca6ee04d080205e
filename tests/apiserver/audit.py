"""The API server's own account of who asked for what: the judge of RBAC rules and of writes in an idle hour.

It only reads; what is too much or too little is said by the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One answered request. `resource` is as in an RBAC rule: `deployments/scale`, with the subresource."""

    user: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int
    uri: str

    @property
    def is_write(self) -> bool:
        """Whether it asked for a change (it may have been refused)."""
        return self.verb in WRITES


def audit_events(log: Path, *, user: str | None = None) -> tuple[AuditEvent, ...]:
    """All requests so far, oldest first, or those of one user. A watch appears when it starts and when it ends."""
    found = tuple(_events(log)) if log.exists() else ()
    return tuple(event for event in found if user is None or event.user == user)


def _events(log: Path) -> Iterator[AuditEvent]:
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):  # the last one may be half written
            yield _event(json.loads(line))


def _event(raw: dict[str, Any]) -> AuditEvent:
    what = raw.get("objectRef", {})
    parts = (what.get("resource", ""), what.get("subresource", ""))
    return AuditEvent(
        user=raw.get("impersonatedUser", raw["user"]).get("username", ""),
        verb=raw["verb"],
        group=what.get("apiGroup", ""),
        resource="/".join(part for part in parts if part),
        namespace=what.get("namespace", ""),
        name=what.get("name", ""),
        code=raw.get("responseStatus", {}).get("code", 0),
        uri=raw["requestURI"],
    )

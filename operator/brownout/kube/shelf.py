"""Small snapshots of what was declared in the cluster, whether kopf's watch, our own listing or an answer told of it.

kopf's own index is not used: it keeps an object for ever whose deletion happened while the watch was away, because
the listing after a broken watch brings no DELETED. Here the LIST takes such ghosts away. Bodies are parsed at once
and dropped; what is kept of an object is its model and two versions. It knows no network and decides nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.problems import Problem
from brownout.api.validation import validate_document

__all__ = ["Shelf", "Snapshot", "newer", "snapshot_of"]

Declared = Integration | BrownoutPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One object as it was last seen. `declared` is None where its spec is invalid; `problems` then says why."""

    key: str
    uid: str
    version: str
    generation: int
    node: str = ""
    leaving: bool = False  # its deletion has begun
    declared: Declared | None = None
    problems: tuple[Problem, ...] = ()
    status: Mapping[str, Any] | None = None  # as the API server holds it, whatever stands there

    def same_wish(self, other: "Snapshot | None") -> bool:
        """Whether the owner said nothing new: only the status, which is ours, may differ."""
        if other is None:
            return False
        return (self.uid, self.generation, self.leaving) == (other.uid, other.generation, other.leaving)


def snapshot_of(body: Mapping[str, Any]) -> Snapshot | None:
    """Make the snapshot of an object; None for something that is not one (a broken stream can bring anything)."""
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        return None
    spec, status = body.get("spec"), body.get("status")
    found = validate_document(body)
    return Snapshot(
        key="/".join(str(metadata[part]) for part in ("namespace", "name") if metadata.get(part)),
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        generation=_number(metadata.get("generation")),
        node=str(spec.get("node") or "") if isinstance(spec, Mapping) else "",
        leaving=bool(metadata.get("deletionTimestamp")),
        declared=None if isinstance(found, tuple) else found,
        problems=found if isinstance(found, tuple) else (),
        status=status if isinstance(status, Mapping) else None,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def newer(version: str, than: str) -> bool:
    """Whether one resourceVersion is later than another. Always numbers; since Kubernetes 1.35 by contract."""
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


class Shelf:
    """The latest snapshot of each object of one kind."""

    def __init__(self) -> None:
        self._snapshots: dict[str, Snapshot] = {}

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._snapshots.values())

    def get(self, key: str) -> Snapshot | None:
        """The latest of one key."""
        return self._snapshots.get(key)

    def put(self, snapshot: Snapshot) -> bool:
        """Take in news unless it is old; tell whether the owner's wish has changed by it.

        News arrives repeated and out of order (a listing after a watch, an answer after the event it caused).
        """
        known = self._snapshots.get(snapshot.key)
        if known is not None and known.version != snapshot.version and not newer(snapshot.version, known.version):
            return False
        self._snapshots[snapshot.key] = snapshot
        return not snapshot.same_wish(known)

    def drop(self, key: str, uid: str) -> bool:
        """Take away a deleted object; a successor that bears its name stays. Tell whether something went."""
        known = self._snapshots.get(key)
        if known is None or known.uid != uid:
            return False
        del self._snapshots[key]
        return True

    def replace(self, listed: Mapping[str, Snapshot], version: str) -> bool:
        """Take in a whole listing made at `version`; tell whether it changed any wish.

        What it does not hold is gone, unless it is younger than the listing.
        """
        ghosts = [one for one in self if one.key not in listed and not newer(one.version, version)]
        changed = [self.drop(ghost.key, ghost.uid) for ghost in ghosts]
        changed += [self.put(snapshot) for snapshot in listed.values()]
        return any(changed)

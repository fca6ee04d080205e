"""The state folder's status files: one for each integration, the whole object as `kubectl get -o yaml` would show it.

They are for people and for the next start: the last good version of an object whose file is broken by then stands
here. The policy has a file of its own, so that an integration may be called `default`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.validation import validate_document
from brownout.disk.atomic import file_stem, remove, replace
from brownout.disk.documents import dump_yaml, read_documents

__all__ = ["StatusFiles", "read_policy", "read_statuses"]

_FOLDER: Final = "status"
_POLICY: Final = "policy.yaml"


class StatusFiles:
    """Writes and removes status files. Methods block on the disk and raise OSError."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def write(self, integration: Integration) -> None:
        """Put the object with its status in place of what was there."""
        replace(self._path(integration.metadata.name), dump_yaml(integration.to_wire()).encode())

    def write_policy(self, policy: BrownoutPolicy) -> None:
        """The same for the policy. Not forced to the disk: it comes with every tick, and the next one corrects it."""
        replace(self._state / _POLICY, dump_yaml(policy.to_wire()).encode(), durable=False)

    def remove(self, name: str) -> None:
        """Take away the status of an integration that is no longer declared."""
        remove(self._path(name))

    def _path(self, name: str) -> Path:
        return self._state / _FOLDER / f"{file_stem(name)}.yaml"


def read_statuses(state: Path) -> dict[str, Integration]:
    """All integrations with their last status, by name. What cannot be read is left out: it is written anew."""
    found = (_objects(path) for path in sorted((state / _FOLDER).glob("[!.]*.yaml")))
    return {one.metadata.name: one for objects in found for one in objects if isinstance(one, Integration)}


def read_policy(state: Path) -> BrownoutPolicy | None:
    """The policy with its last status; None where none was written."""
    found = (one for one in _objects(state / _POLICY) if isinstance(one, BrownoutPolicy))
    return next(found, None)


def _objects(path: Path) -> Iterator[Integration | BrownoutPolicy]:
    try:
        documents, _ = read_documents(path.read_bytes(), path.name)
    except OSError:
        return
    for document in documents:
        declared = validate_document(document.data, file=path.name)
        if not isinstance(declared, tuple):
            yield declared

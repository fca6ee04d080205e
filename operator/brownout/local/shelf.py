"""The files as they are accepted, and the inventory they make: what LocalHome knows, without its disk and its tasks."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.disk.opening import FileText
from brownout.engine.ports import Inventory
from brownout.local.assembly import FILE_ANNOTATION, Good, assemble
from brownout.local.parsing import FileState, parse
from brownout.local.remembering import before_of

__all__ = ["Changes", "Shelf", "place_of"]

#: Files by their paths as they are now; None for one that is gone.
Changes = Mapping[str, FileState | None]


class Shelf:
    """Takes in files one reading at a time and keeps the last good version of everything."""

    def __init__(self, good: Good, *, node: str) -> None:
        self._good = good
        self._node = node
        self._files: dict[str, FileState] = {}
        self.inventory = Inventory()

    @property
    def digests(self) -> Mapping[str, str]:
        """The content of each file as it was accepted."""
        return {path: file.digest for path, file in self._files.items()}

    @property
    def empty(self) -> bool:
        """Whether nothing is declared."""
        return not self.inventory.integrations and not any(file.policy for file in self._files.values())

    def seed(self) -> None:
        """Put up what was good last, while the directory cannot be read."""
        paths = {place_of(one) for one in self._good.integrations.values()}
        if self._good.policy is not None:
            paths.add(place_of(self._good.policy))
        for path in paths:
            self._files[path] = before_of(path, self._good)
        self._assemble()

    def parse(self, files: Iterable[FileText], paths: AbstractSet[str]) -> Changes:
        """What the files at `paths` declare now; None for those that are gone. Changes nothing: may run in a thread."""
        found = {file.path: file for file in files if file.path in paths}
        return {path: self._parsed(found[path]) if path in found else None for path in paths}

    def accept(self, changes: Changes) -> bool:
        """Take these files as they are now; whether the inventory changed."""
        before = self.inventory
        self._files = _changed(self._files, changes)
        self._assemble()
        return self.inventory != before

    def look(self, changes: Changes, key: str) -> Integration | None:
        """What the integration would be if these changes were accepted."""
        return assemble(_changed(self._files, changes), self._good, node=self._node).inventory.integrations.get(key)

    def remember(self, key: str, status: IntegrationStatus) -> Integration:
        """Put a status on an integration. Raises KeyError when it is not declared."""
        updated = self.inventory.integrations[key].model_copy(update={"status": status})
        integrations = MappingProxyType({**self.inventory.integrations, key: updated})
        self._keep(replace(self.inventory, integrations=integrations))
        return updated

    def remember_policy(self, status: PolicyStatus) -> BrownoutPolicy:
        """Put a status on the policy."""
        updated = self.inventory.policy.model_copy(update={"status": status})
        self._keep(replace(self.inventory, policy=updated))
        return updated

    def _parsed(self, file: FileText) -> FileState:
        before = self._files.get(file.path) or before_of(file.path, self._good)
        return before if before.digest == file.digest else parse(file, before)

    def _assemble(self) -> None:
        assembled = assemble(self._files, self._good, node=self._node)
        self.inventory, self._good = assembled.inventory, assembled.good

    def _keep(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._good = replace(self._good, integrations=inventory.integrations, policy=inventory.policy)


def _changed(files: Mapping[str, FileState], changes: Changes) -> dict[str, FileState]:
    now = {**files, **changes}
    return {path: file for path, file in now.items() if file is not None}


def place_of(one: Integration | BrownoutPolicy) -> str:
    """The file in which an object is declared."""
    return one.metadata.annotations.get(FILE_ANNOTATION, "")

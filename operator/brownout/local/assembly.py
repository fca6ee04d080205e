"""All files together into one inventory: names taken once, circles refused, objects numbered as an API server does.

Pure. An object that is refused keeps its last good version; the file that comes first by its path keeps a name.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import NAMESPACE_URL, uuid5

from brownout.api.integration import Integration
from brownout.api.metadata import GROUP
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy
from brownout.api.problems import Fault, Problem, shown
from brownout.api.validation import check_together
from brownout.engine.ports import Inventory
from brownout.local.parsing import RULING_POLICY, FileState

__all__ = ["FILE_ANNOTATION", "Assembled", "Good", "assemble"]

T = TypeVar("T", Integration, BrownoutPolicy)

#: Says in which file an object is declared: for people, and for a restart that finds the file broken.
FILE_ANNOTATION: Final = f"{GROUP}/file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """The versions that were good last, with their status: from memory, or from the state folder after a restart.

    `sources` are the declarations that they were made of: the same one need not be numbered again.
    """

    integrations: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))
    policy: BrownoutPolicy | None = None
    sources: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """An inventory, and what of it is good."""

    inventory: Inventory
    good: Good


def assemble(files: Mapping[str, FileState], good: Good, *, node: str) -> Assembled:
    """The inventory that these files declare. `node` is this machine's name."""
    pile = _Pile()
    for path in sorted(files):
        pile.add(path, files[path])
    refused = check_together(pile.integrations.values())
    for name, problems in refused.items():
        pile.complain(pile.places[name], *problems)
    integrations = MappingProxyType(_standing(pile, refused.keys(), good))
    policy = _numbered(pile.policy, good.policy, pile.policy_place) if pile.policy else None
    inventory = Inventory(
        integrations=integrations,
        policy=policy or DEFAULT_POLICY,
        shadows=MappingProxyType(pile.shadows),
        problems=MappingProxyType(pile.problems),
        rejected=frozenset(pile.rejected | refused.keys()),
        places=MappingProxyType(pile.places),
        foreign=frozenset(name for name, one in integrations.items() if one.spec.node not in ("", node)),
        complete=True,
    )
    sources = {name: declared for name, declared in pile.integrations.items() if name not in refused}
    kept = Good(integrations=integrations, policy=policy, sources=MappingProxyType(sources))
    return Assembled(inventory=inventory, good=kept)


@dataclass(slots=True)
class _Pile:
    """All files thrown together, in the order of their paths."""

    integrations: dict[str, Integration] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    policy: BrownoutPolicy | None = None
    policy_place: str = ""
    shadows: dict[str, BrownoutPolicy] = field(default_factory=dict)
    shadow_places: dict[str, str] = field(default_factory=dict)
    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)

    def add(self, path: str, file: FileState) -> None:
        """Throw one file on the pile."""
        self.complain(path, *file.problems)
        self.rejected.update(file.rejected)
        self.places.update((name, path) for name in file.rejected if name not in self.integrations)
        for name, declared in file.integrations.items():
            if name in self.integrations:
                self.complain(path, _taken(name, file.lines.get(name), self.places[name]))
            else:
                self.integrations[name], self.places[name] = declared, path
        if file.policy is not None and self.policy is None:
            self.policy, self.policy_place = file.policy, path
        elif file.policy is not None:
            self.complain(path, _taken(RULING_POLICY, None, self.policy_place))
        for name, shadow in file.shadows.items():
            if name in self.shadows:
                self.complain(path, _taken(name, None, self.shadow_places[name]))
            else:
                self.shadows[name], self.shadow_places[name] = shadow, path

    def complain(self, path: str, *problems: Problem) -> None:
        """Add problems of a file."""
        if problems:
            told = tuple(replace(problem, file=path) for problem in problems)
            self.problems[path] = (*self.problems.get(path, ()), *told)


def _taken(name: str, line: int | None, place: str) -> Problem:
    allowed = f"names are unique, and {place} has it already"
    return Problem(line=line, path="metadata.name", value=shown(name), allowed=allowed, fault=Fault.DUPLICATE)


def _standing(pile: _Pile, refused: AbstractSet[str], good: Good) -> dict[str, Integration]:
    """What stands: the new versions, and the last good ones of those that are refused beside the others."""
    standing: dict[str, Integration] = {}
    for name, declared in pile.integrations.items():
        before = good.integrations.get(name)
        if before is not None and (name in refused or good.sources.get(name) is declared):
            standing[name] = before
        elif name not in refused:
            standing[name] = _numbered(declared, before, pile.places[name])
    return standing


def _numbered(declared: T, before: T | None, place: str) -> T:
    """The object with what an API server would have added: uid and generation; and its status of before.

    What the file says of these, or of a status, counts for nothing.
    """
    generation = 1 if before is None else before.metadata.generation + (before.spec != declared.spec)
    metadata = declared.metadata.model_copy(
        update={
            "uid": str(uuid5(NAMESPACE_URL, f"{GROUP}/{declared.kind}/{declared.metadata.name}")),
            "generation": max(1, generation),
            "annotations": {**declared.metadata.annotations, FILE_ANNOTATION: place},
        }
    )
    return declared.model_copy(update={"metadata": metadata, "status": before.status if before else None})

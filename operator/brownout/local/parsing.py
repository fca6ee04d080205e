"""What one file declares, and what still stands of it when it is broken.

Pure: text in, values out. A file with problems never takes anything away: what it declared when it was last in
order stays, except where it declares it anew and well. Only a file in order, or a deleted one, takes something
away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.api.problems import Fault, Problem, shown
from brownout.api.validation import validate_written
from brownout.disk.documents import Document, read_documents
from brownout.disk.opening import FileText

__all__ = ["RULING_POLICY", "FileState", "parse"]

Declared = Integration | BrownoutPolicy | tuple[Problem, ...]

#: The name of the policy that rules. Others are shadows, as in a cluster: `brownout compare` says what they would have
#: given; they never rule.
RULING_POLICY: Final = "default"
_NAME: Final = ("metadata", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What a file contributes. `rejected` are names that it declares badly now; if they were good once, that stands."""

    digest: str = ""
    integrations: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))
    policy: BrownoutPolicy | None = None
    shadows: Mapping[str, BrownoutPolicy] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Problem, ...] = ()
    rejected: frozenset[str] = frozenset()
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def parse(file: FileText, before: FileState) -> FileState:
    """The state of a file after this reading; `before` is what it was when it was last in order, or empty."""
    if file.problem is not None:
        return _broken(file, before, _Findings(problems=[file.problem]))
    found = _findings(file)
    declared = bool(before.integrations or before.policy)
    if declared and not file.content.strip():
        allowed = "is empty, which it may be by accident: delete it to take away what it declared"
        found.problems.append(Problem(file=file.path, allowed=allowed, fault=Fault.UNREADABLE))
    if found.problems:
        return _broken(file, before, found)
    return FileState(
        digest=file.digest,
        integrations=MappingProxyType(found.integrations),
        policy=found.policy,
        shadows=MappingProxyType(found.shadows),
        lines=MappingProxyType(found.lines),
    )


@dataclass(slots=True)
class _Findings:
    """What was found in a file so far."""

    integrations: dict[str, Integration] = field(default_factory=dict)
    policy: BrownoutPolicy | None = None
    shadows: dict[str, BrownoutPolicy] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)


def _broken(file: FileText, before: FileState, found: _Findings) -> FileState:
    kept = {**before.integrations, **found.integrations}
    missing = kept.keys() - found.integrations.keys()
    return FileState(
        digest=file.digest,
        integrations=MappingProxyType(kept),
        policy=found.policy or before.policy,
        shadows=MappingProxyType({**before.shadows, **found.shadows}),
        problems=tuple(found.problems),
        rejected=frozenset((found.rejected | missing) - found.integrations.keys()),
        lines=MappingProxyType({**before.lines, **found.lines}),
    )


def _findings(file: FileText) -> _Findings:
    documents, problems = read_documents(file.content, file.path)
    found = _Findings(problems=list(problems))
    for document in documents:
        declared = _versioned(validate_written(document.data, file=file.path, line_of=document.line_of))
        match declared:
            case Integration():
                _add(found, declared, document, file.path)
            case BrownoutPolicy():
                _rule(found, declared, document, file.path)
            case _:
                found.problems.extend(declared)
                found.rejected.update(_name(document.data))
    return found


def _versioned(declared: Declared) -> Declared:
    """The object with a version that changes when it does; what else an API server adds comes with the other files."""
    if isinstance(declared, tuple):
        return declared
    wire = declared.to_wire()
    written = repr((wire["spec"], declared.metadata.labels, declared.metadata.annotations))
    version = sha256(written.encode()).hexdigest()[:12]
    return declared.model_copy(update={"metadata": declared.metadata.model_copy(update={"resource_version": version})})


def _add(found: _Findings, declared: Integration, document: Document, path: str) -> None:
    name = declared.metadata.name
    if name in found.integrations:
        found.problems.append(_twice(name, document, path, found.lines[name]))
        return
    found.integrations[name] = declared
    found.lines[name] = document.line_of(_NAME)


def _rule(found: _Findings, declared: BrownoutPolicy, document: Document, path: str) -> None:
    name = declared.metadata.name
    if name in found.shadows or (name == RULING_POLICY and found.policy is not None):
        found.problems.append(_twice(name, document, path, None))
    elif name == RULING_POLICY:
        found.policy = declared
    else:
        found.shadows[name] = declared


def _twice(name: str, document: Document, path: str, line: int | None) -> Problem:
    allowed = "stands in this file already" + (f", on line {line}" if line else "")
    return Problem(path, document.line_of(_NAME), "metadata.name", shown(name), allowed, Fault.DUPLICATE)


def _name(data: Any) -> Iterator[str]:
    """The name under which a bad document would have been declared, where it says so."""
    metadata = data.get("metadata") if isinstance(data, Mapping) and data.get("kind") == "Integration" else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(name, str):
        yield name

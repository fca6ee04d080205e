"""Which plugins may run at all: a list of hashes that the owner has said yes to, in `STATE/trusted-plugins.yaml`.

For each name stands one hash, of manifest and module together, so an older version of a trusted plugin is not trusted
any more. What the list is held against are the bytes that are handed to the worker.

When it counts: always, where the home asks for that; on a box as soon as there is a list. Before that, the plugins of
the owner's own folder run, for whoever may write there may write a command into an integration as well. A plugin of an
installed package needs the list always: somebody else chose what comes with it. A list that cannot be read trusts
nothing.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from brownout.api.problems import Fault, Problem, shown
from brownout.core.errors import InvalidInput
from brownout.disk.atomic import private_folder, replace
from brownout.disk.documents import Document, dump_yaml, read_documents
from brownout.disk.opening import Root, read_file
from brownout.pluginhost.found import Found

__all__ = ["TRUST_FILE", "TrustList", "read_trust", "write_trust"]

#: In the state folder; readable and writable by its owner alone.
TRUST_FILE: Final = "trusted-plugins.yaml"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HEADER: Final = "# Which plugins may run: the hash of each. `brownout plugins trust NAME` writes here.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """What is trusted: a hash for each name. `enforced` False: there is no list, and none is called for."""

    hashes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    enforced: bool
    problems: tuple[Problem, ...] = ()

    def refusal(self, found: Found) -> str:
        """Why these bytes may not run, in words that follow the plugin's name; empty where they may."""
        trusted = self.hashes.get(found.name)
        if trusted == found.sha256:
            return ""
        if self.problems:
            return f"is not trusted, because the list cannot be read: {self.problems[0]}"
        advice = f"look at it, then run `brownout plugins trust {found.name}`"
        if trusted is not None:
            differs = f"its hash is {found.sha256}, and {trusted} is on the list"
            return f"is not the one that was trusted ({differs}): {advice}"
        if self.enforced or found.package:
            return f"is not trusted: {advice}"
        return ""


def read_trust(state: Path, *, always: bool) -> TrustList:
    """Read the list of a state folder. `always`: it counts even where there is none. Blocks."""
    try:
        root = Root(str(state.resolve(strict=True)), state.stat().st_uid)
        (state / TRUST_FILE).lstat()
    except FileNotFoundError:
        return TrustList(enforced=always)
    except OSError as error:
        return _unreadable(
            Problem(file=str(state), allowed=f"cannot be read: {error.strerror}", fault=Fault.UNREADABLE)
        )
    text = read_file(root, TRUST_FILE)
    if text.problem is not None:
        return _unreadable(text.problem)
    documents, problems = read_documents(text.content, TRUST_FILE)
    if problems:
        return _unreadable(*problems)
    hashes: dict[str, str] = {}
    wrong: list[Problem] = []
    for document in documents:
        _read(document, hashes, wrong)
    return _unreadable(*wrong) if wrong else TrustList(hashes=MappingProxyType(hashes), enforced=True)


def write_trust(state: Path, trusted: Sequence[Found]) -> TrustList:
    """Say yes to these, beside what is on the list already. Raises OSError, and InvalidInput for a broken list."""
    with _alone(state):
        before = read_trust(state, always=False)
        if before.problems:
            why = f"{state / TRUST_FILE}: {before.problems[0]}"
            raise InvalidInput(why, advice="mend it, or delete it to begin anew")
        hashes = {**before.hashes, **{found.name: found.sha256 for found in trusted}}
        text = _HEADER + dump_yaml({"plugins": dict(sorted(hashes.items()))})
        replace(state / TRUST_FILE, text.encode())
    return TrustList(hashes=MappingProxyType(hashes), enforced=True)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Let nobody else write the list between our reading and our writing. Raises OSError."""
    folder = os.open(private_folder(state), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _unreadable(*problems: Problem) -> TrustList:
    return TrustList(enforced=True, problems=problems)


def _read(document: Document, hashes: dict[str, str], wrong: list[Problem]) -> None:
    listed: Any = document.data.get("plugins") if isinstance(document.data, Mapping) else None
    if not isinstance(listed, Mapping):
        wrong.append(Problem(file=TRUST_FILE, line=document.line, path="plugins", fault=Fault.REQUIRED))
        return
    for name, value in listed.items():
        if isinstance(value, str) and _SHA256.fullmatch(value):
            hashes[name] = value
            continue
        line = document.line_of(("plugins", name))
        allowed = "must be a SHA-256 hash of 64 lowercase hexadecimal digits"
        wrong.append(Problem(TRUST_FILE, line, f"plugins.{name}", shown(value), allowed))

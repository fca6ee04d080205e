"""What of the last run still counts: the last good objects, and the folder they were declared in.

Another directory with the same state folder begins anew: a file of the same name there has nothing to do with the
old one. The same path with another folder behind it (device and inode) is how an unmounted disk looks: empty, and
not to be believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from brownout.api.integration import Integration
from brownout.disk.atomic import replace
from brownout.disk.documents import dump_yaml, read_documents
from brownout.local.assembly import FILE_ANNOTATION, Good
from brownout.local.parsing import FileState
from brownout.local.status import read_policy, read_statuses

__all__ = ["Memory", "before_of", "directory_of", "recall", "record"]

_FILE: Final = "directory.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was good when the controller last ran, and the identity of the folder it was read from; None: never read."""

    good: Good
    identity: tuple[int, int] | None = None


def recall(state: Path, directory: str) -> Memory:
    """What the state folder remembers of this directory (a real path); nothing if it was another one."""
    written = _written(state)
    if written.get("directory") != directory:
        return Memory(good=Good())
    device, inode = written.get("device"), written.get("inode")
    identity = (device, inode) if isinstance(device, int) and isinstance(inode, int) else None
    integrations = MappingProxyType(read_statuses(state))
    return Memory(good=Good(integrations=integrations, policy=read_policy(state)), identity=identity)


def directory_of(state: Path) -> Path | None:
    """The directory that the controller of this state folder read last; None where it is not known or is gone."""
    directory = _written(state).get("directory")
    return Path(directory) if isinstance(directory, str) and Path(directory).is_dir() else None


def record(state: Path, directory: str, identity: tuple[int, int]) -> None:
    """Remember which folder was read. Raises OSError."""
    document = {"directory": directory, "device": identity[0], "inode": identity[1]}
    replace(state / _FILE, dump_yaml(document).encode())


def before_of(path: str, good: Good) -> FileState:
    """What a file declared in the last run, as far as it is remembered."""
    integrations = {name: one for name, one in good.integrations.items() if _place(one) == path}
    policy = good.policy
    mine = policy is not None and policy.metadata.annotations.get(FILE_ANNOTATION) == path
    return FileState(integrations=MappingProxyType(integrations), policy=policy if mine else None)


def _place(integration: Integration) -> str:
    return integration.metadata.annotations.get(FILE_ANNOTATION, "")


def _written(state: Path) -> Mapping[str, object]:
    try:
        documents, _ = read_documents((state / _FILE).read_bytes(), _FILE)
    except OSError:
        return {}
    data = documents[0].data if documents else None
    return data if isinstance(data, Mapping) else {}

"""What a person gives a command as files: traces, policies, integrations. All that is wrong is told at once."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import typer

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.cli.validate import texts_of
from brownout.cli.validate_plugins import folders_of, laddered
from brownout.core.errors import InvalidInput
from brownout.disk.opening import FileText
from brownout.local.assembly import Assembled, Good, assemble
from brownout.local.parsing import FileState, parse
from brownout.simulate.trace_file import read_trace
from brownout.simulate.traces import Trace

# Two million lines; more is no trace, or a device that never ends.
LARGEST_BYTES = 64 * 2**20
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What files declare: integrations, the policy named default if there is one, and the other policies by name."""

    integrations: tuple[Integration, ...] = ()
    policy: BrownoutPolicy | None = None
    shadows: Mapping[str, BrownoutPolicy] = field(default_factory=dict)

    @property
    def policies(self) -> Mapping[str, BrownoutPolicy]:
        """All policies by name."""
        own = {self.policy.name: self.policy} if self.policy else {}
        return {**own, **self.shadows}


class Given:
    """Reads what was given, and keeps what is wrong with it until `refuse`."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def declared(self, paths: Sequence[Path]) -> Declared:
        """What the files and folders declare together."""
        texts = [text for path in paths for text in texts_of(path)]
        return self._declared(texts)

    def planned_with(self, folder: Path, plugins: Path | None) -> Declared:
        """The same of a folder, with the levels left to plugins, which lie in `plugins` or beside the files."""
        texts = texts_of(folder)
        found = self._declared(texts)
        by_name = {each.name: each for each in found.integrations}
        filled, lost = laddered(by_name, texts, folders_of([folder], plugins))
        self.problems += [str(problem) for problem in lost]
        return replace(found, integrations=tuple(filled.values()))

    def _declared(self, texts: Sequence[FileText]) -> Declared:
        assembled: Assembled = assemble({it.path: parse(it, FileState()) for it in texts}, Good(), node="")
        found = assembled.inventory
        self.problems += [str(problem) for path in sorted(found.problems) for problem in found.problems[path]]
        return Declared(
            integrations=tuple(found.integrations.values()),
            policy=assembled.good.policy,
            shadows=assembled.inventory.shadows,
        )

    def policies(self, paths: Sequence[Path]) -> Mapping[str, BrownoutPolicy]:
        """The policies of these files by name; a file without any is a mistake, and so is a name given twice."""
        found: dict[str, BrownoutPolicy] = {}
        for path in paths:
            wrong = len(self.problems)
            here = self.declared([path]).policies
            self.problems += [f"{path}: a policy named {name} was given before" for name in here if name in found]
            if not here and len(self.problems) == wrong:
                self.problems.append(f"{path}: holds no BrownoutPolicy")
            found |= here
        return found

    def traces(self, paths: Sequence[Path]) -> tuple[Trace, ...]:
        """The traces, each named after its file; after its path where two files have one name."""
        stems = [path.stem for path in paths]
        names = [stem if stems.count(stem) == 1 else str(path) for path, stem in zip(paths, stems, strict=True)]
        found = [self._trace(path, name) for path, name in zip(paths, names, strict=True)]
        return tuple(trace for trace in found if trace is not None)

    def refuse(self) -> None:
        """Tell all that is wrong and end with 1; go on where nothing is."""
        if self.problems:
            sys.stderr.writelines(f"brownout: {' '.join(problem.split())}\n" for problem in self.problems)
            raise typer.Exit(1)

    def _trace(self, path: Path, name: str) -> Trace | None:
        try:
            return replace(read_trace(_text_of(path), str(path)), name=name)
        except OSError as error:
            self.problems.append(f"{path}: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self.problems.append(f"{path}: is no text in UTF-8")
        except InvalidInput as refusal:
            self.problems += str(refusal).splitlines()
        return None


def _text_of(path: Path) -> str:
    """What a file says; InvalidInput where it is too large, or packed."""
    with path.open("rb") as file:
        raw = file.read(LARGEST_BYTES + 1)
    if len(raw) > LARGEST_BYTES:
        raise InvalidInput(f"{path}: is larger than {LARGEST_BYTES // 2**20} MiB: cut a part out of it")
    if raw.startswith(GZIP):
        raise InvalidInput(f"{path}: is compressed: unpack it first (gunzip)")
    return raw.decode("utf-8")

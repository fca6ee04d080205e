"""`plugin.yaml`: what a plugin says of itself, read without running a line of it.

The manifest decides nothing about trust: who may run stands in the owner's list of hashes. It is read with the bounds
and refused with the words of every other file, all problems at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, ValidationError

from brownout.api.integration import Level
from brownout.api.leaves import Choice, Text
from brownout.api.problems import Problem, path_text, shown
from brownout.api.rules import Location, Rule, Ruled
from brownout.api.validation import Path, problems_of
from brownout.api.workload import PLUGIN_NAME, Load
from brownout.disk.documents import Document, read_documents
from brownout.pluginhost.needs import Limits, Needs
from brownout.pluginhost.setting import Setting, check_config

__all__ = ["MANIFEST", "Load", "Manifest", "read_manifest"]

#: The name of the file, beside the plugin's module.
MANIFEST: Final = "plugin.yaml"
_MOST_BYTES: Final = 64 * 2**10
_VERSION: Final = Text(
    allowed="must be a version such as 1.4.0",
    pattern=r"[0-9]+(\.[0-9]+){0,3}([-+.]?[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*)?",
    longest=64,
)
_ENTRY: Final = Text(
    allowed="must be a Python file beside plugin.yaml, such as voice.py, or with its class: voice.py:Voice",
    pattern=r"[a-z_][a-z0-9_]*\.py(:[A-Za-z_][A-Za-z0-9_]*)?",
    longest=128,
)
# A release of PEP 440 without its rarities; `~=1` has nothing that it could be compatible with.
_RELEASE: Final = r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?"
_BOUND: Final = rf"((==|>=|<=|<|>){_RELEASE}|~=[0-9]+\.{_RELEASE})"
_PACKAGE: Final = Text(
    allowed="must be a Python package with or without a bound, such as discord.py>=2.4",
    pattern=rf"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?({_BOUND}(,{_BOUND})*)?",
    longest=128,
)
_SENTENCE: Final = Text(allowed="must be one line of text", pattern=r"[^\x00-\x1f\x7f]*", longest=256)
_SETTING_NAME: Final = Text(
    allowed="must be a name of letters and digits that begins with a letter",
    pattern=r"[a-zA-Z][a-zA-Z0-9]*",
    longest=63,
)
_NAMED: Final = re.compile(_SETTING_NAME.pattern)
_REFERENCE: Final = re.compile(r"\$([a-zA-Z][a-zA-Z0-9]*)")


def _level_twice(levels: object) -> Location | None:
    seen: set[object] = set()
    for at, level in enumerate(levels if isinstance(levels, list | tuple) else ()):
        name = level.get("name") if isinstance(level, dict) else getattr(level, "name", None)
        if isinstance(name, str) and name in seen:
            return ("levels", at, "name")
        seen.add(name if isinstance(name, str) else at)
    return None


def _misnamed(config: object) -> Location | None:
    names = sorted(name for name in config if isinstance(name, str)) if isinstance(config, dict) else []
    wrong = (name for name in names if len(name) > _SETTING_NAME.longest or not _NAMED.fullmatch(name))
    return next((("config", name) for name in wrong), None)


class Manifest(Ruled):
    """What a plugin is called, where it begins, what it needs, and how its config is checked."""

    name: Annotated[str, PLUGIN_NAME] = Field(description="Name of the plugin, which is also that of its folder.")
    version: Annotated[str, _VERSION] = Field(description="Its version.")
    description: Annotated[str, _SENTENCE] = Field(default="", description="What it does, in one line.")
    entry: Annotated[str, _ENTRY] = Field(
        description="Its Python file, beside plugin.yaml; after a colon the class, where it is one."
    )
    load: Annotated[Load, Choice(of=Load)] = Field(
        default=Load.LAZY, description="Whether it starts with its first request (Lazy) or at once (Eager)."
    )
    requires: tuple[Annotated[str, PLUGIN_NAME], ...] = Field(
        default=(), max_length=64, description="Plugins that come up before it, without a circle."
    )
    packages: tuple[Annotated[str, _PACKAGE], ...] = Field(
        default=(), max_length=64, description="Python packages that must be installed."
    )
    needs: Needs = Field(default=Needs.model_construct(), description="What it needs of the machine.")
    limits: Limits = Field(default=Limits.model_construct(), description="How much of the machine it may take.")
    levels: tuple[Level, ...] = Field(
        default=(),
        max_length=16,
        description="Levels of quality that it knows, best first. An Integration chooses among them, by name.",
    )
    config: dict[str, Setting] = Field(
        default_factory=dict, max_length=64, description="What may stand in its config, by name."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(fields=("levels",), fault=_level_twice, message="level names must be unique", kind="duplicate"),
        Rule(
            fields=("name", "requires"),
            fault=lambda name, needs: ("requires", list(needs).index(name)) if name in (needs or ()) else None,
            message="must not be the plugin itself",
        ),
        Rule(fields=("config",), fault=_misnamed, message=_SETTING_NAME.allowed),
    )

    @property
    def module(self) -> str:
        """The file to run."""
        return self.entry.partition(":")[0]

    @property
    def attribute(self) -> str:
        """The class in it; empty where the module itself is the plugin."""
        return self.entry.partition(":")[2]


def read_manifest(content: bytes | str, file: str = MANIFEST) -> Manifest | tuple[Problem, ...]:
    """Read a manifest, or give all its problems in the order of their lines."""
    documents, problems = read_documents(content, file, max_bytes=_MOST_BYTES)
    if problems:
        return problems
    if len(documents) != 1:
        return (Problem(file=file, value=f"{len(documents)} documents", allowed="must hold one"),)
    (document,) = documents
    if not isinstance(document.data, dict):
        return (Problem(file=file, line=document.line, value=shown(document.data), allowed="must be an object"),)
    try:
        manifest = Manifest.from_wire(document.data)
    except ValidationError as refusal:
        found = (
            *problems_of(Manifest, refusal, file=file, line_of=document.line_of),
            *_beyond(document, _salvaged(document.data.get("config")), file),
        )
        return tuple(sorted(found, key=lambda problem: problem.line or 0))
    return tuple(_beyond(document, manifest.config, file)) or tuple(_misfits(document, manifest, file)) or manifest


def _salvaged(config: object) -> dict[str, Setting | None]:
    """The settings of a manifest that is refused, as far as they are in order by themselves."""
    found: dict[str, Setting | None] = {}
    for name, raw in config.items() if isinstance(config, dict) else ():
        try:
            found[name] = Setting.from_wire(raw)
        except ValidationError:
            found[name] = None  # told by its own fields
    return found


def _beyond(document: Document, config: Mapping[str, Setting | None], file: str) -> Iterator[Problem]:
    """What the fields alone do not tell: defaults that do not fit, and names of no entry."""
    for name, setting in config.items():
        checked = check_config({name: setting}, {}) if setting and setting.default is not None else {}
        for problem in checked if isinstance(checked, tuple) else ():
            line = document.line_of(("config", name, "default"))
            yield replace(problem, file=file, line=line, path=f"{problem.path}.default")
    for path, name in _references(document.data.get("needs"), ("needs",)):
        if name not in config:
            line, value = document.line_of(path), shown(f"${name}")
            yield Problem(file, line, path_text(path), value, "must name an entry of config")


def _misfits(document: Document, manifest: Manifest, file: str) -> Iterator[Problem]:
    """What its levels say that is not in its config, or does not fit. What must be given an integration may give."""
    optional = {name: it.model_copy(update={"required": False}) for name, it in manifest.config.items()}
    for at, level in enumerate(manifest.levels):
        found = check_config(optional, level.config, partial(_in_level, at), document.line_of)
        yield from (replace(problem, file=file) for problem in (found if isinstance(found, tuple) else ()))


def _in_level(at: int, name: str) -> Path:
    return ("levels", at, "config", name)


def _references(part: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Where the needs speak of config entries, and of which."""
    if isinstance(part, str) and (match := _REFERENCE.fullmatch(part)):
        yield path, match[1]
    steps = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, below in steps:
        yield from _references(below, (*path, step))

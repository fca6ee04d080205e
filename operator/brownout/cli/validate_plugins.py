"""What `brownout validate` says of plugins: whether they are there, in order, and given a config that they accept.

The check is the controller's own. Where no folder of plugins is in sight, nothing can be said of those that are in none
of the installed packages either; then the answer says that they were not checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from brownout.api.integration import Integration
from brownout.api.problems import Problem, shown
from brownout.bootstrap.settings import plugins_of
from brownout.core.errors import InvalidInput
from brownout.core.ladder import with_levels
from brownout.disk.documents import Document, read_documents
from brownout.disk.opening import FileText
from brownout.local.assembly import FILE_ANNOTATION
from brownout.pluginhost.configuring import config_problems, levels_of
from brownout.pluginhost.discovery import Discovery, discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.setting import no_line

__all__ = ["PluginsChecked", "check_plugins", "folders_of", "laddered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginsChecked:
    """`problems` of all that could be looked at; `unchecked` names the plugins that nobody can find from here.

    `ladders` names the levels of each integration that leaves them to its plugin.
    """

    problems: tuple[Problem, ...] = ()
    unchecked: tuple[str, ...] = ()
    ladders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def folders_of(files: Sequence[Path], named: Path | None) -> tuple[Path, ...]:
    """Where plugins lie: where the option says, else beside the files, as for a controller; those that are there.

    Raises InvalidInput where the option names no folder.
    """
    if named is not None and not named.is_dir():
        raise InvalidInput(f"{named} is not a folder", advice="name the folder that holds the plugins' folders")
    beside = [plugins_of(path if path.is_dir() else path.parent) for path in files]
    return tuple(folder for folder in dict.fromkeys([named] if named else beside) if folder.is_dir())


def check_plugins(
    integrations: Mapping[str, Integration], texts: Sequence[FileText], folders: Sequence[Path]
) -> PluginsChecked:
    """Check every integration whose workload is a plugin. Blocks on the disk; runs nothing."""
    declared = {name: one for name, one in integrations.items() if one.spec.workload.plugin is not None}
    if not declared:
        return PluginsChecked()
    discovery, documents = discover(folders), _documents(texts)
    problems: list[Problem] = []
    unchecked: set[str] = set()
    for name, integration in sorted(declared.items()):
        if folders or _known(_plugin_of(integration), discovery):
            problems.extend(_problems(integration, discovery, documents.get(name)))
        else:
            unchecked.add(_plugin_of(integration))
    return PluginsChecked(
        problems=tuple(dict.fromkeys(problems)),
        unchecked=tuple(sorted(unchecked)),
        ladders={name: levels for name, one in sorted(declared.items()) if (levels := _ladder(one, discovery))},
    )


def laddered(
    integrations: Mapping[str, Integration], texts: Sequence[FileText], folders: Sequence[Path]
) -> tuple[Mapping[str, Integration], tuple[Problem, ...]]:
    """The integrations with the levels of their plugins where these are left to them, as the controller plans with.

    A plugin that is not there, or not in order, is a problem; of one that is off nothing is asked. Blocks on the disk.
    """
    left = {name: one for name, one in sorted(integrations.items()) if one.spec.levels_left_out and one.spec.enabled}
    if not left:
        return integrations, ()
    discovery, documents = discover(folders), _documents(texts)
    lost = {name: one for name, one in left.items() if _plugin_of(one) not in discovery.candidates}
    problems = (each for name, one in lost.items() for each in _problems(one, discovery, documents.get(name)))
    filled = {name: _filled(one, discovery) for name, one in left.items()}
    return {**integrations, **filled}, tuple(dict.fromkeys(problems))


def _filled(integration: Integration, discovery: Discovery) -> Integration:
    """With the levels of its plugin, where they are left to it and it is found."""
    plugin = discovery.candidates.get(_plugin_of(integration))
    return with_levels(integration, levels_of(plugin.manifest)) if plugin else integration


def _ladder(integration: Integration, discovery: Discovery) -> tuple[str, ...]:
    """The levels that it has of its plugin; none where its owner says which."""
    levels = _filled(integration, discovery).spec.levels if integration.spec.levels_left_out else ()
    return tuple(level.name for level in levels)


def _problems(integration: Integration, discovery: Discovery, document: Document | None) -> Iterator[Problem]:
    """Of its config, or else of the plugin itself, in the plugin's own files."""
    plugin, file = _plugin_of(integration), integration.metadata.annotations.get(FILE_ANNOTATION, "")
    line_of = document.line_of if document else no_line
    found = discovery.load(plugin)
    if isinstance(found, Found):
        yield from (replace(each, file=file) for each in config_problems(found.manifest, integration, line_of))
    elif _known(plugin, discovery):
        yield from found
    else:
        path = ("spec", "workload", "plugin", "name")
        yield Problem(file, line_of(path), ".".join(path), shown(plugin), found[0].allowed)


def _plugin_of(integration: Integration) -> str:
    return integration.spec.workload.plugin.name if integration.spec.workload.plugin else ""


def _known(plugin: str, discovery: Discovery) -> bool:
    return plugin in discovery.candidates or plugin in discovery.broken


def _documents(texts: Sequence[FileText]) -> dict[str, Document]:
    """The document in which each integration is declared, by its name; the first where there are several."""
    found: dict[str, Document] = {}
    for text in texts:
        for document in read_documents(text.content, text.path)[0] if text.problem is None else ():
            data = document.data if isinstance(document.data, dict) else {}
            metadata = data.get("metadata") if data.get("kind") == "Integration" else None
            name = metadata.get("name") if isinstance(metadata, dict) else None
            if isinstance(name, str):
                found.setdefault(name, document)
    return found

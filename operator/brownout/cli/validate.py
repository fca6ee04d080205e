"""`brownout validate`: every problem of every file at once, before anything runs."""

import hashlib
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.problems import Problem
from brownout.cli.validate_plugins import check_plugins, folders_of
from brownout.disk.opening import FileText, refused
from brownout.local.assembly import Assembled, Good, assemble
from brownout.local.parsing import FileState, parse
from brownout.local.reading import read_directory

PluginsFolder = Annotated[
    Path | None,
    typer.Option("--plugins", metavar="DIR", help="Folder of the plugins; else `plugins` beside the files."),
]


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of them.")],
    plugins: PluginsFolder = None,
) -> None:
    """Check files as the controller would read them; exit code 1 if anything is wrong.

    The config of a plugin is checked against its plugin.yaml, where the plugin is found.

    Example: brownout validate integrations/*.yaml
    """
    folders = folders_of(files, plugins)
    texts = [text for path in files for text in texts_of(path)]
    states = {text.path: parse(text, FileState()) for text in texts}
    assembled = assemble(states, Good(), node="")
    inventory = assembled.inventory
    checked = check_plugins(inventory.integrations, texts, folders)
    problems = [problem for path in sorted(inventory.problems) for problem in inventory.problems[path]]
    problems += checked.problems
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if problems:
        sys.stderr.write(f"{_count(len(problems), 'problem')}\n")
        raise typer.Exit(1)
    sys.stdout.write(f"ok: {_declared(assembled)} in {_count(len(states), 'file')}\n")
    for name, levels in checked.ladders.items():
        sys.stdout.write(f"{name} has the levels of its plugin: {', '.join(levels)}\n")
    for name in checked.unchecked:
        sys.stdout.write(f'not checked: the config of plugin "{name}", which was not found (--plugins says where)\n')


def _declared(assembled: Assembled) -> str:
    """`3 integrations and 1 policy`; of what is not there nothing is said, if there is anything."""
    integrations = len(assembled.inventory.integrations)
    policies = (assembled.good.policy is not None) + len(assembled.inventory.shadows)
    told = [_count(integrations, "integration")] if integrations or not policies else []
    return " and ".join([*told, _count(policies, "policy", "policies")] if policies else told)


def _count(number: int, what: str, several: str = "") -> str:
    return f"{number} {what}" if number == 1 else f"{number} {several or what + 's'}"


def texts_of(path: Path) -> tuple[FileText, ...]:
    """The text of a file, or of every file of a folder; what is in the way is a problem of its text."""
    if path.is_dir():
        return _folder(path)
    try:
        if not path.stat().st_mode & stat.S_IFREG:  # a pipe would be waited for, a device can be endless
            return (refused(str(path), "is not a regular file"),)
        content = path.read_bytes()
    except OSError as error:
        return (refused(str(path), f"cannot be read: {error.strerror}"),)
    return (FileText(path=str(path), digest=hashlib.sha256(content).hexdigest(), content=content),)


def _folder(folder: Path) -> tuple[FileText, ...]:
    """The files of a folder under the paths that the caller would type."""
    found = read_directory(folder, without=folder / ".brownout").files
    if not found:
        return (refused(str(folder), "holds no file that ends in .yaml or .yml"),)
    return tuple(replace(text, path=str(folder / text.path), problem=_moved(text.problem, folder)) for text in found)


def _moved(problem: Problem | None, folder: Path) -> Problem | None:
    return replace(problem, file=str(folder / problem.file)) if problem else None

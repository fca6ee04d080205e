"""`brownout validate`: every problem of every file at once, before anything runs."""

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.problems import Fault, Problem
from brownout.local.assembly import Good, assemble
from brownout.local.opening import FileText
from brownout.local.parsing import FileState, parse
from brownout.local.reading import read_directory


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of them.")],
) -> None:
    """Check files as the controller would read them; exit code 1 if anything is wrong.

    Example: brownout validate integrations/*.yaml
    """
    texts = [text for path in files for text in _texts(path)]
    states = {text.path: parse(text, FileState()) for text in texts}
    inventory = assemble(states, Good(), node="")
    problems = [problem for path in sorted(inventory.problems) for problem in inventory.problems[path]]
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if problems:
        sys.stderr.write(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}\n")
        raise typer.Exit(1)
    count = len(inventory.integrations)
    sys.stdout.write(f"ok: {count} {'integration' if count == 1 else 'integrations'} in {len(texts)} files\n")


def _texts(path: Path) -> tuple[FileText, ...]:
    if path.is_dir():
        return tuple(_below(path, text) for text in read_directory(path, without=path / ".brownout").files)
    try:
        content = path.read_bytes()
    except OSError as error:
        allowed = f"cannot be read ({error.strerror})"
        problem = Problem(file=str(path), allowed=allowed, fault=Fault.UNREADABLE)
        return (FileText(path=str(path), digest=allowed, problem=problem),)
    return (FileText(path=str(path), digest=hashlib.sha256(content).hexdigest(), content=content),)


def _below(folder: Path, text: FileText) -> FileText:
    """The same file under the path that the caller would type."""
    problem = text.problem
    return FileText(path=str(folder / text.path), digest=text.digest, content=text.content, problem=problem)

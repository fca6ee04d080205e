"""`brownout plugins new`: a plugin that works, with its README and its test, to be changed into one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from brownout.cli.usage import wrong_usage
from brownout.core.errors import InvalidInput
from brownout.pluginhost.template import template_files


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called; also its folder.")],
    plugins: Annotated[Path, typer.Option("--plugins", metavar="DIR", help="The folder to make it in.")] = Path(
        "plugins"
    ),
) -> None:
    """Write a new plugin that answers at once.

    Example: brownout plugins new weather
    """
    with wrong_usage():
        files = template_files(name)
    folder = plugins / name
    try:
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise InvalidInput(f"{folder} is there already", advice="choose another name") from None
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be written to ({error.strerror})", advice="name a folder of yours"
        ) from None
    for file in files:
        sys.stdout.write(f"{folder / file}\n")

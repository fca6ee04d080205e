"""`brownout crds`: the custom resource definitions, for `kubectl apply -f -` or into a folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from brownout.core.errors import InvalidInput
from brownout.local.crd_files import render_crds


def crds(
    folder: Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Write a file for each into DIR.")] = None,
) -> None:
    """Print the CRDs, as they stand in crds/.

    Example: brownout crds | kubectl apply -f -
    """
    texts = render_crds()
    if folder is None:
        sys.stdout.write("---\n".join(texts.values()))
        return
    try:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be written to ({error.strerror})", advice="name a folder of yours"
        ) from None

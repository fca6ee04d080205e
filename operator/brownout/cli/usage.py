"""Wrong usage: a value of an option that means nothing ends with 2, as an unknown option does."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from brownout.core.errors import InvalidInput


@contextmanager
def wrong_usage() -> Iterator[None]:
    """What is refused within is the command line's fault, not that of a file."""
    try:
        yield
    except InvalidInput as refusal:
        raise typer.BadParameter(str(refusal)) from None

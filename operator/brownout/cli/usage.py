"""Wrong usage: a value of an option that means nothing ends with 2, as an unknown option does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import typer

from brownout.api.problems import Fault, shown
from brownout.core.errors import InvalidInput

__all__ = ["server_url", "wrong_usage"]

_TOLD: Final = f": {Fault.INVALID}: "


@contextmanager
def wrong_usage() -> Iterator[None]:
    """What is refused within is the command line's fault, not that of a file."""
    try:
        yield
    except InvalidInput as refusal:
        # A problem of a field says "Invalid value" itself, and so does typer: once is enough.
        field, told, why = str(refusal).partition(_TOLD)
        raise (typer.BadParameter(why, param_hint=field) if told else typer.BadParameter(field)) from None


def server_url(text: str) -> str:
    """The URL of a gateway, as it was given. Raises InvalidInput for what can be none; it shows no password."""
    wrong = InvalidInput(f"{shown(text)} is not a server", advice="write a URL such as http://127.0.0.1:8321")
    try:
        url = urlsplit(text)
        callable_ = url.port != 0
    except ValueError:  # a port beyond 65535, an address that never ends
        raise wrong from None
    plain = text.isprintable() and " " not in text and "@" not in url.netloc
    if not (plain and callable_ and url.hostname and url.scheme in ("http", "https")):
        raise wrong
    return text

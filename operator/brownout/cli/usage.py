"""Wrong usage: a value of an option that means nothing ends with 2, as an unknown option does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from brownout.api.problems import Fault, shown
from brownout.core.errors import InvalidInput

__all__ = ["in_our_words", "server_url", "wrong_usage"]

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


def in_our_words(refusal: typer.BadParameter) -> str:
    """Why a value is refused. What pydantic found wrong is told with the value, and without the names of its types."""
    found = refusal.__cause__
    if not isinstance(found, ValidationError):
        return refusal.message
    return "; ".join(_sentence(each) for each in found.errors(include_url=False))


def _sentence(error: Any) -> str:
    value, limits = shown(error["input"]), error.get("ctx", {})
    match error["type"]:
        case "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"{value} is not a whole number"
        case "float_parsing":
            return f"{value} is not a number"
        case "greater_than_equal":
            return f"{value} is too small: use at least {limits['ge']}"
        case "less_than_equal":
            return f"{value} is too large: use at most {limits['le']}"
    return str(error["msg"]).removeprefix("Value error, ")


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

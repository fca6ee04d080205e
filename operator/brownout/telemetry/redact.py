"""Redaction: secrets out of whatever is shown, by the name they stand under or by their shape.

It is the second line of defence; the first is not to log what an owner wrote. It knows neither records nor
formats: values in, values out. A secret is hidden whole, because its length and first letters help a guesser.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["HIDDEN", "LONGEST_READ", "names_a_secret", "redacted", "redacted_text"]

HIDDEN: Final = "***"
#: Characters of one text that are read. What is cut off behind them is not shown at all.
LONGEST_READ: Final = 8192
_DEEPEST: Final = 16

_HIDE: Final = (
    r"(?:tokens?|passw(?:or)?d|passphrase|(?<=[_-])pwd|secrets?|credentials?|authorization|cookies?"
    r"|(?:api|access|private|signing|encryption)[_-]?key)"
)
_SCHEMES: Final = ("bearer", "basic", "digest", "negotiate")
# Bounded repeats: each start costs a few thousand steps at most, whatever the text.
_NAME: Final = rf"[\w.\-]{{0,200}}{_HIDE}[\w.\-]{{0,200}}"
_VALUE: Final = r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;&\"'}\])]+"

_SECRET_NAME: Final = re.compile(_HIDE, re.IGNORECASE)
# The path of a file that holds a token is what one needs to know to mend it.
_PLACE: Final = re.compile(r"(?:file|path|name)$", re.IGNORECASE)
# `scheme://user:secret@host`: the last @ before the path ends the userinfo.
_USERINFO: Final = re.compile(r"(?<=://)[^\s/?#\"'<>]{1,4096}@")
# `authorization: anything to the end of the line`.
_HEADER: Final = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)(:\s{0,8})(?![\s\"'])[^\r\n]+", re.IGNORECASE)
# `Basic dXNlcjpz`, `bearer abc`.
_SCHEME: Final = re.compile(rf"\b({'|'.join(_SCHEMES)})(?:\s{{1,8}}|%20)[^\s,;\"']{{4,}}", re.IGNORECASE)
# `token=x`, `"password": "x"`, `?access_token=x&`, `--api-key=x`, `--api-key x`.
_ASSIGNED: Final = re.compile(
    rf"(?<![\w.\-])(['\"]?{_NAME}['\"]?\s{{0,8}}(?:=|:(?!//))\s{{0,8}}|--?{_NAME}\s{{1,8}}(?!-))({_VALUE})",
    re.IGNORECASE,
)
# JSON Web Tokens, PEM blocks, and the tokens of the best known services, wherever they stand.
_SHAPE: Final = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|\Z)"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|sk-|AKIA)[\w-]{12,}"
)
# A count of tokens (a budget, a model's use) is not a token.
_COUNT: Final = re.compile(r"['\"]?-?\d+(?:\.\d+)?['\"]?")


def names_a_secret(name: str) -> bool:
    """Whether a value under this name is to be hidden: `apiKey`, `API_KEY`, `x-api-key`, `db_password`."""
    return _SECRET_NAME.search(name) is not None and _PLACE.search(name) is None


def redacted_text(text: str) -> str:
    """The text without what looks like a secret in it; at most its first 8 Ki characters."""
    text = _SHAPE.sub(HIDDEN, text[:LONGEST_READ])
    text = _USERINFO.sub(f"{HIDDEN}@", text)
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    if not _SECRET_NAME.search(text):  # nearly always, and ten times as quick
        return text
    return _ASSIGNED.sub(_assigned, _HEADER.sub(rf"\g<1>\g<2>{HIDDEN}", text))


def _assigned(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    counted = "tokens" in name.lower() and _COUNT.fullmatch(value)
    return found[0] if counted or value.lower() in _SCHEMES else f"{name}{HIDDEN}"


def redacted(value: object, *, name: str = "", deep: int = 0) -> object:
    """A value without secrets; `name` is what it stands under. Whatever is neither text nor a container is kept.

    In a list the element after `--token` (an argv) is hidden as well.
    """
    if isinstance(value, bool) or value is None or (_is_number(value) and name.lower().endswith("tokens")):
        return value
    if deep > _DEEPEST or names_a_secret(name):
        return HIDDEN
    return _within(value, lambda part, key: redacted(part, name=key, deep=deep + 1))


def _within(value: object, redact: Callable[[object, str], object]) -> object:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return {key: redact(part, str(key)) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        before = ["", *(_option(part) for part in value)]
        return [redact(part, option) for part, option in zip(value, before, strict=False)]
    return value


def _option(part: object) -> str:
    """The name of an option whose value is the next element: `--token`, but not `--token=x`."""
    return part if isinstance(part, str) and part.startswith("-") and "=" not in part else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)

"""Plain values: whatever a log call was given, as JSON's kinds, bounded in every direction and without secrets.

It never raises on a value: one that cannot be shown must not cost the record. It knows no record and no format.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Final

from brownout.telemetry.redact import LONGEST_READ, redacted, redacted_text

__all__ = ["chain", "cut", "inert", "plain_fields", "stack", "written"]

_MOST_PARTS: Final = 256
# Text of one record that is looked at; beyond it whole texts are left out, never halves of secrets. 8 KiB are shown.
_MOST_CHARACTERS: Final = 4 * LONGEST_READ
_MOST_FRAMES: Final = 12
_MOST_CAUSES: Final = 4
_DEEPEST: Final = 4
_LONGEST_KEY: Final = 64
_BEYOND: Final = 2**63  # NaN and infinities are not below it either
_FOUR_HEX_DIGITS: Final = 0x10000
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CUT: Final = "[cut]"


def plain_fields(fields: object) -> dict[str, object]:
    """The fields of one record, ready to be cut and written."""
    plain = _Allowance().plain(fields) if isinstance(fields, Mapping) else {}
    return {key: redacted(value, name=key) for key, value in plain.items()} if isinstance(plain, dict) else {}


class _Allowance:
    """What one record may still hold. Values are made plain within it, and what is left over is said to be cut."""

    def __init__(self) -> None:
        self._parts = _MOST_PARTS
        self._characters = _MOST_CHARACTERS

    def plain(self, value: object, deep: int = 0) -> object:
        """The value in JSON's kinds."""
        self._parts -= 1
        if self._parts < 0:
            return _CUT
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if abs(value) < _BEYOND else f"{type(value).__name__} out of bounds"
        return self._container(value, deep)

    def _container(self, value: object, deep: int) -> object:
        if isinstance(value, str | bytes | bytearray) or not isinstance(value, Mapping | Sequence | AbstractSet):
            return self._text(value)
        if deep > _DEEPEST:
            return _CUT
        most = self._parts + 1  # the one beyond says that there were more
        if isinstance(value, Mapping):
            return {_key(key): self.plain(part, deep + 1) for key, part in islice(value.items(), most)}
        return [self.plain(part, deep + 1) for part in islice(value, most)]

    def _text(self, value: object) -> str:
        if self._characters <= 0:
            return _CUT
        text = chain(value) if isinstance(value, BaseException) else written(value)
        kept = text[:LONGEST_READ]
        self._characters -= len(kept)
        return kept if len(kept) == len(text) else kept + _CUT


def _key(key: object) -> str:
    return str(cut(redacted_text(written(key)), _LONGEST_KEY))


def written(value: object, write: Callable[[], str] | None = None) -> str:
    """The value's text, or where that fails (a broken `__str__`, a wrong format) what kind of thing it is."""
    try:
        return (write or value.__str__)()
    except Exception:  # noqa: BLE001 - any error is the value's own, and the record matters more
        return value if isinstance(value, str) else f"<{type(value).__name__} that cannot be shown>"


def cut(value: object, longest: int) -> object:
    """The value with each text in it cut to `longest` characters, and saying so."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + _CUT
    if isinstance(value, dict):
        return {key: cut(part, longest) for key, part in value.items()}
    return [cut(part, longest) for part in value] if isinstance(value, list) else value


def chain(error: BaseException) -> str:
    """`ValueError: bad <- OSError: worse`: the error and what caused it."""
    said: list[str] = []
    link: BaseException | None = error
    while link is not None and len(said) < _MOST_CAUSES:
        said.append(f"{type(link).__name__}: {written(link)}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " <- ".join(said)


def stack(error: BaseException) -> list[str]:
    """Where an error came from, innermost last. Files without their folders: those differ from machine to machine."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [redacted_text(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}") for frame in frames]


def inert(text: str) -> str:
    """The text with all that is not plainly visible written as an escape: line ends, ESC, NUL, bidi controls."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return _ESCAPES.get(char) or (f"\\u{code:04x}" if code < _FOUR_HEX_DIGITS else f"\\U{code:08x}")

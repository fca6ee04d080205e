"""A problem of the input: where it stands, what was written, and what would have been accepted.

The words are the API server's, so that a person reads the same sentence whichever home refuses: `Invalid value`,
`Unsupported value`, `Required value`, `Duplicate value`, `unknown field`. Values are made safe to show: short, on one
line, without secrets.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Fault", "Problem", "path_text", "shown"]

_LONGEST: Final = 80
_MASK: Final = '"******"'
_SECRET_NAME: Final = re.compile(r"token|passw|secret|key|credential|auth", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(
    r"(token|passw\w*|secret|key|credentials?|auth\w*)\W{0,3}[=:]|bearer\s|://[^/@\s]*@", re.IGNORECASE
)
_FREE_FIELDS: Final = frozenset({"env", "config"})
#: Control characters, and those that turn the direction of text: both can make a line read as something else.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_PLAIN_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Fault(StrEnum):
    """What kind of fault it is, in Kubernetes' words."""

    INVALID = "Invalid value"
    UNSUPPORTED = "Unsupported value"
    REQUIRED = "Required value"
    DUPLICATE = "Duplicate value"
    UNKNOWN_FIELD = "unknown field"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `value` is what `shown` gave; `allowed` a sentence, or the list of words."""

    file: str = ""
    line: int | None = None
    path: str = ""
    value: str = ""
    allowed: str = ""
    fault: Fault = Fault.INVALID

    def __str__(self) -> str:
        file = _safe(self.file)
        place = file if self.line is None else f"{file}:{self.line}" if file else f"line {self.line}"
        return f"{place}: {self.sentence}" if place else self.sentence

    @property
    def sentence(self) -> str:
        """The problem without file and line: what a condition of the object says."""
        match self.fault:
            case Fault.UNREADABLE:
                return self.allowed
            case Fault.UNKNOWN_FIELD:
                return f'unknown field "{self.path}"' + (f": {self.allowed}" if self.allowed else "")
            case Fault.UNSUPPORTED:
                return f"{self._field}{self.fault}: {self.value}: supported values: {self.allowed}"
            case Fault.REQUIRED:
                return f"{self._field}{self.fault}" + (f": {self.allowed}" if self.allowed else "")
        return f"{self._field}{self.fault}: {self.value}" + (f": {self.allowed}" if self.allowed else "")

    @property
    def _field(self) -> str:
        return f"{self.path}: " if self.path else ""


def path_text(path: tuple[str | int, ...]) -> str:
    """Give a path as Kubernetes writes it: `spec.levels[1].name`, `spec.workload.command.env[ODD KEY]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_STEP.fullmatch(step):
            text += f".{_short(step)}" if text else _short(step)
        else:
            text += f"[{_safe(_short(step))}]"
    return text


def shown(value: object, path: tuple[str | int, ...] = ()) -> str:
    """Give a value as a message may show it. An object or a list is only named, as the API server does."""
    if isinstance(value, Mapping):
        return '"object"'
    if isinstance(value, list | tuple):
        return '"array"'
    if _is_secret(value, path):
        return _MASK
    if isinstance(value, str):
        return _safe(json.dumps(_short(value), ensure_ascii=False))
    return _short("null" if value is None else str(value).lower() if isinstance(value, bool) else _number(value))


def _number(value: object) -> str:
    # Python refuses to print a whole number of more than 4300 digits; nobody wants to read one of more than 80.
    return "a huge number" if isinstance(value, int) and value.bit_length() > 300 else str(value)


def _is_secret(value: object, path: tuple[str | int, ...]) -> bool:
    free = next((at for at, step in enumerate(path) if step in _FREE_FIELDS), len(path))
    named = any(isinstance(step, str) and _SECRET_NAME.search(step) for step in path[free + 1 :])
    return named or (isinstance(value, str) and _SECRET_TEXT.search(_short(value)) is not None)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

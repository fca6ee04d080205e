"""What a wrapped program says of itself, as lines of text: bytes in, reports out. It knows no descriptor and no socket.

A line is either words, `tokens=120 api_calls=1 progress=0.4`, or a JSON object with the same names; only the object can
carry a `checkpoint`, which may be any JSON. An empty line reports nothing: whoever sends it wants the answer. A line
that is not understood is dropped whole and named, without its values, which may be secrets; the next one counts again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["LONGEST_LINE_BYTES", "Garbage", "LineReader", "Report"]

#: A checkpoint of an agent (its notes, where it was) has some KiB. Beyond a MiB it belongs in a file.
LONGEST_LINE_BYTES: Final = 1024 * 1024
#: Counts of one line. More than this is a mistake (a time in nanoseconds, say), and sums stay far below 2**63.
MOST_COUNTED: Final = 10**12
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one line says: used since the last one, how far it is (0 to 1), and what it would need to continue.

    `checkpoint` is JSON text; None where the line carries none.
    """

    tokens: int = 0
    api_calls: int = 0
    progress: float | None = None
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """A line that was dropped: its number, from 1, and what is wrong with it."""

    line: int
    why: str


class LineReader:
    """Puts bytes, in whatever pieces they come, together to lines. `close` at the end of the stream."""

    def __init__(self, *, longest_bytes: int = LONGEST_LINE_BYTES) -> None:
        self._longest_bytes = longest_bytes
        self._rest = bytearray()
        self._dropping = False  # what is read belongs to a line that is too long already
        self._line = 0

    def feed(self, data: bytes) -> tuple[Report | Garbage, ...]:
        """The lines that these bytes complete, in order."""
        found: list[Report | Garbage] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            found += self._take(piece)
            found += self._end()
        found += self._take(rest)
        return tuple(found)

    def close(self) -> tuple[Report | Garbage, ...]:
        """What became of a last line without an end: it may be cut in the middle of a number, so it does not count."""
        cut = bool(self._rest.strip()) and not self._dropping
        self._rest.clear()
        self._dropping = False
        return (Garbage(line=self._line + 1, why="the stream ended in the middle of it"),) if cut else ()

    def _take(self, piece: bytes) -> tuple[Garbage, ...]:
        if self._dropping:
            return ()
        self._rest += piece
        if len(self._rest) <= self._longest_bytes:
            return ()
        self._rest.clear()
        self._dropping = True
        return (Garbage(line=self._line + 1, why=f"it is longer than {self._longest_bytes} bytes"),)

    def _end(self) -> tuple[Report | Garbage, ...]:
        self._line += 1
        text, dropped = bytes(self._rest), self._dropping
        self._rest.clear()
        self._dropping = False
        if dropped:
            return ()
        try:
            return (_report(text.decode("utf-8")),)
        except UnicodeDecodeError:
            return (Garbage(line=self._line, why="it is no text in UTF-8"),)
        except ValueError as error:
            return (Garbage(line=self._line, why=str(error)),)


def _report(text: str) -> Report:
    """The report of a line. Raises ValueError with all that is wrong."""
    text = text.strip()
    given = _object(text) if text.startswith("{") else _words(text)
    unknown = [_shown(name) for name in given if name not in _READERS]
    problems = [f"unknown name {', '.join(unknown)} (known are {', '.join(_READERS)})"] if unknown else []
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in _READERS:
            field, read = _READERS[name]
            try:
                if field in found:
                    raise ValueError("is given twice")  # noqa: TRY301 - said as the reader's own refusals are
                found[field] = read(value)
            except ValueError as error:
                problems.append(f"{name} {error}")
    if problems:
        raise ValueError("; ".join(problems))
    return Report(**found)


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON object: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - one kind of refusal for whatever is wrong
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _words(text: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError("a word in it is no name=value")
        if name in found:
            raise ValueError(f"{_shown(name)} is given twice")
        if name == "checkpoint":
            raise ValueError('checkpoint needs a JSON line: {"checkpoint": ...}')
        found[name] = value
    return found


def _calls(value: Any) -> int:
    """A whole number of calls; `api_call=true` is one."""
    return int(value in (True, "true")) if value in (True, False, "true", "false") else _count(value)


def _count(value: Any) -> int:
    """A whole number."""
    number = _number(value) if isinstance(value, str) else value
    if (
        isinstance(number, bool)
        or not isinstance(number, int | float)
        or number != number // 1
        or not 0 <= number <= MOST_COUNTED
    ):
        raise ValueError(f"must be a whole number from 0 to {MOST_COUNTED}, not {_shown(str(value))}")
    return int(number)


def _progress(value: Any) -> float:
    number = _number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 <= number <= 1.0:
        raise ValueError(f"must be a number from 0 to 1, not {_shown(str(value))}")
    return float(number)


def _number(text: str) -> int | float | None:
    """The number that a word is; None where it is none."""
    # Python also reads `1_000`, `inf` and other scripts' digits; we do not.
    if not text.isascii() or len(text) > _LONGEST_NAME or not set(text) <= set("0123456789.eE+-"):
        return None
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return None


def _checkpoint(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _shown(name: str) -> str:
    """A name as it may be shown: short, and nothing in it that a terminal would act upon."""
    kept = name[:_LONGEST_NAME]
    return f'"{kept if kept.isprintable() else kept.encode("unicode_escape").decode()}"'


_READERS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "tokens": ("tokens", _count),
    "api_calls": ("api_calls", _calls),
    "api_call": ("api_calls", _calls),
    "apiCalls": ("api_calls", _calls),
    "apiCall": ("api_calls", _calls),
    "progress": ("progress", _progress),
    "checkpoint": ("checkpoint", _checkpoint),
}

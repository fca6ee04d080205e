"""YAML text into documents that know on which line each of their fields stands.

The file may be half-written, hostile, or simply wrong. Nothing in it can run code, fill memory or hang the reader:
aliases and merge keys are expanded within a bound, depth and size are limited, and every refusal is a Problem with a
line. One broken document does not hide the others.

Words are read as YAML 1.2 has it: `no` is a word and not false, `12:30` is no number, `2026-01-02` is no date. A whole
number with a leading zero stays text, because two versions of YAML disagree on what it means.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from typing_extensions import override

from brownout.api.problems import Fault, Problem
from brownout.disk.yaml_values import Marks, NotAllowed, Values, plain_value

__all__ = ["Document", "dump_yaml", "read_documents"]

#: An API server takes no more than 1.5 MiB in one object; a file of a person holds a few KiB.
MAX_BYTES: Final = 2**20
MAX_DOCUMENTS: Final = 1000
_SEPARATOR: Final = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
#: A line that is more than a comment, a directive or a marker.
_SOMETHING: Final = re.compile(r"^(?![ \t]*(?:#|\r?$)|%|(?:---|\.\.\.)[ \t]*(?:#|\r?$))", re.MULTILINE)
#: What YAML forbids anywhere in a text; libyaml tells it without a line.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file: its value, the line it begins on, and the lines of all its fields."""

    data: Any
    line: int
    marks: Marks
    offset: int = 0

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """Give the line of a field, from 1; of the nearest that surrounds it where the field is missing."""
        marks = self.marks
        for step in path:
            if (part := marks.parts.get(step)) is None:
                break
            marks = part
        # An object's own mark is its first key, which is as good a place as any for what it lacks.
        return marks.line + self.offset + 1


def read_documents(
    text: str | bytes, file: str = "", *, max_bytes: int = MAX_BYTES
) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Give the documents that can be read and the problems of those that cannot. Empty ones count as neither."""
    try:
        chunks = _chunks(_decode(text, max_bytes))
    except NotAllowed as refusal:
        return (), (_unreadable(refusal, file, 0),)
    documents: list[Document] = []
    problems: list[Problem] = []
    for offset, chunk in chunks:
        try:
            documents.extend(_read_chunk(chunk, offset))
        except NotAllowed as refusal:
            problems.append(_unreadable(refusal, file, offset))
    return tuple(documents), tuple(problems)


def _unreadable(refusal: NotAllowed, file: str, offset: int) -> Problem:
    return Problem(
        file=file, line=refusal.line + offset + 1, allowed=f"cannot be read: {refusal}", fault=Fault.UNREADABLE
    )


def _decode(text: str | bytes, max_bytes: int) -> str:
    """Give the text of a file, or refuse it: too large, not UTF-8, or with characters that no text holds."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise NotAllowed(f"{len(raw)} bytes are more than the {max_bytes} that a file may have", 0)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAllowed("it is UTF-16; it must be UTF-8", 0)
    try:
        decoded = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotAllowed("it must be UTF-8", raw.count(b"\n", 0, error.start)) from error
    if found := _FORBIDDEN.search(decoded):
        raise NotAllowed(f"the character U+{ord(found[0]):04X} is not allowed", decoded.count("\n", 0, found.start()))
    return decoded


def _chunks(text: str) -> list[tuple[int, str]]:
    """Split before every `---` that begins a line: YAML lets it stand there for nothing else, not even in a string."""
    if len(_SEPARATOR.findall(text)) > MAX_DOCUMENTS:
        raise NotAllowed(f"more than {MAX_DOCUMENTS} documents in one file", 0)
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text) if match.start())]
    line, chunks = 0, []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        chunk = text[start:end]
        if _SOMETHING.search(chunk):
            chunks.append((line, chunk))
        line += chunk.count("\n")
    return chunks


def _read_chunk(chunk: str, offset: int) -> Iterator[Document]:
    try:
        events = yaml.parse(chunk, Loader=_Loader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                data, marks = Values(events).read(next(events))
                next(events)  # only a document that ends without an error is one
                if data is not None:
                    yield Document(data=data, line=marks.line + offset + 1, marks=marks, offset=offset)
    except yaml.MarkedYAMLError as error:
        raise _refusal(error, chunk) from error
    except yaml.YAMLError as error:
        raise NotAllowed(str(error).splitlines()[0], 0) from error


def _refusal(error: yaml.MarkedYAMLError, chunk: str) -> NotAllowed:
    """Give the parser's finding in one line; a tab that indents is its most frequent reason and the hardest to see."""
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    lines = chunk.splitlines()
    if line < len(lines) and "\t" in lines[line][: len(lines[line]) - len(lines[line].lstrip())]:
        return NotAllowed("a tab indents this line; YAML wants spaces", line)
    return NotAllowed(" ".join(filter(None, (error.context, error.problem))) or "it is not YAML", line)


#: Some count these as line ends and some do not: they are written as escapes.
_ODD: Final = re.compile("[\r\x85\u2028\u2029\ufeff]")


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and puts every string in quotes that some YAML takes for something else."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = "'" if not isinstance(plain_value(text), str) else '"' if _ODD.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


_Dumper.add_representer(str, _write_text)


def dump_yaml(*documents: Mapping[str, Any]) -> str:
    """Give documents as YAML text, in the order of their keys, as `kubectl get -o yaml` would show them."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

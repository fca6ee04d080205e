"""What host and worker say to each other, without any IO: bytes in, messages out, and a table of who may say what when.

A frame is its length in 4 bytes, most significant first, and so many bytes of JSON. The same table rules both ends, so
that neither can drift. The worker runs a stranger's code: whatever comes from there is measured before it is read, and
the first byte that does not fit ends the conversation. Loaded in every worker, so it needs no more than json.

    greeting ──hello──▶ greeted ──setup──▶ confining ──confined──▶ confined ──load──▶ loading ──loaded──▶ serving
                                                                                        │                  │
                                                     any but ended ──end──▶ ending ─────┴─────bye──────▶ ended
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from brownout.pluginhost.bounded import MOST_DEPTH, MOST_VALUES, Crowd, crowded, deep, parsed

__all__ = ["MOST_BYTES", "VERSION", "Conversation", "Fault", "Kind", "Message", "Misuse", "Role", "State", "Violation"]

#: Both ends come from one installation; it changes when a new release is installed beside a worker that still runs.
VERSION: Final = 1
#: A frame longer than this is refused by its head, before any of it is kept. A state or a source must fit in one.
MOST_BYTES: Final = 8 * 2**20
_HEAD: Final = 4


class Role(StrEnum):
    """Which end speaks."""

    HOST = "host"
    WORKER = "worker"


class Kind(StrEnum):
    """What a message is."""

    HELLO = "hello"
    SETUP = "setup"
    CONFINED = "confined"
    LOAD = "load"
    LOADED = "loaded"
    CALL = "call"
    CANCEL = "cancel"
    ANSWER = "answer"
    FAILURE = "failure"
    NOTE = "note"
    USAGE = "usage"
    END = "end"
    BYE = "bye"


class State(StrEnum):
    """Where a conversation stands."""

    GREETING = "greeting"
    GREETED = "greeted"
    CONFINING = "confining"
    CONFINED = "confined"
    LOADING = "loading"
    SERVING = "serving"
    ENDING = "ending"
    ENDED = "ended"


class Fault(StrEnum):
    """What is wrong with what was received."""

    TOO_LONG = "too long"
    NOT_JSON = "not JSON"
    TOO_DEEP = "nested too deep"
    TOO_MANY = "too many values"
    NO_MESSAGE = "no message of this protocol"
    OUT_OF_TURN = "out of turn"
    WRONG_VERSION = "another version"


class Message(NamedTuple):
    """One message: its kind and its fields, which are those that FIELDS names."""

    kind: Kind
    fields: Mapping[str, Any]


class Violation(NamedTuple):
    """Why a conversation is over; `detail` completes the sentence "it sent something ..."."""

    fault: Fault
    detail: str


class Misuse(Exception):
    """We tried to say what the table does not allow, or what JSON cannot hold."""


#: Who says what.
SPEAKER: Final[Mapping[Kind, Role]] = {
    Kind.HELLO: Role.WORKER,
    Kind.SETUP: Role.HOST,
    Kind.CONFINED: Role.WORKER,
    Kind.LOAD: Role.HOST,
    Kind.LOADED: Role.WORKER,
    Kind.CALL: Role.HOST,
    Kind.CANCEL: Role.HOST,
    Kind.ANSWER: Role.WORKER,
    Kind.FAILURE: Role.WORKER,
    Kind.NOTE: Role.WORKER,
    Kind.USAGE: Role.WORKER,
    Kind.END: Role.HOST,
    Kind.BYE: Role.WORKER,
}

#: The fields of each kind, all of them required. `object` is anything that JSON holds.
FIELDS: Final[Mapping[Kind, Mapping[str, type]]] = {
    Kind.HELLO: {"version": int},
    Kind.SETUP: {"version": int, "confinement": dict},
    Kind.CONFINED: {"report": dict},
    Kind.LOAD: {"plugin": dict},
    Kind.LOADED: {"error": str, "functions": list},
    Kind.CALL: {"id": int, "function": str, "argument": object},
    Kind.CANCEL: {"id": int},
    Kind.ANSWER: {"id": int, "value": object},
    Kind.FAILURE: {"id": int, "error": str},
    Kind.NOTE: {"severity": str, "message": str},
    Kind.USAGE: {"tokens": int, "api_call": bool},
    Kind.END: {},
    Kind.BYE: {},
}

_TALK: Final = (Kind.ANSWER, Kind.FAILURE, Kind.NOTE, Kind.USAGE)

#: What may be said in a state, and the state that it leads to. What is not here is out of turn.
TURNS: Final[Mapping[tuple[State, Kind], State]] = {
    (State.GREETING, Kind.HELLO): State.GREETED,
    (State.GREETED, Kind.SETUP): State.CONFINING,
    (State.CONFINING, Kind.CONFINED): State.CONFINED,
    (State.CONFINED, Kind.LOAD): State.LOADING,
    (State.LOADING, Kind.NOTE): State.LOADING,
    (State.LOADING, Kind.LOADED): State.SERVING,
    (State.SERVING, Kind.CALL): State.SERVING,
    (State.SERVING, Kind.CANCEL): State.SERVING,
    (State.ENDING, Kind.CONFINED): State.ENDING,  # it crossed our end on the way, as may the next ones
    (State.ENDING, Kind.LOADED): State.ENDING,
    (State.ENDING, Kind.HELLO): State.ENDING,
    (State.ENDING, Kind.BYE): State.ENDED,
    **{(State.SERVING, kind): State.SERVING for kind in _TALK},
    **{(State.ENDING, kind): State.ENDING for kind in _TALK},
    **{(state, Kind.END): State.ENDING for state in State if state not in (State.ENDING, State.ENDED)},
}


class Conversation:
    """One end of a conversation. `receive` takes bytes as they come; after a violation it takes nothing any more."""

    def __init__(self, role: Role, *, most_bytes: int = MOST_BYTES) -> None:
        self.role = role
        self.state = State.GREETING
        self.broken: Violation | None = None
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._crowd = Crowd()

    def send(self, kind: Kind, **fields: Any) -> bytes:
        """The frame of a message. Raises Misuse where it may not be said now, is too long, or is no JSON."""
        if SPEAKER[kind] is not self.role or (self.state, kind) not in TURNS:
            raise Misuse(f"{self.role} may not say {kind} while {self.state}")
        if (wrong := _wrong_fields(kind, fields)) is not None:
            raise Misuse(wrong)
        frame = _frame({"kind": kind, **fields}, self._most_bytes)
        self.state = TURNS[self.state, kind]
        return frame

    def receive(self, data: bytes) -> Iterator[Message | Violation]:
        """What became whole with these bytes, in order; a violation is the last."""
        if self.broken is not None:
            return
        self._buffer += data
        while len(self._buffer) >= _HEAD:
            length = int.from_bytes(self._buffer[:_HEAD], "big")
            if length > self._most_bytes:
                yield self._break(Fault.TOO_LONG, f"of {length} bytes, where {self._most_bytes} are allowed")
                return
            if self._crowded(length):
                yield self._break(*_TOO_MANY)
                return
            if len(self._buffer) < _HEAD + length:
                return
            self._crowd = Crowd()
            body = bytes(self._buffer[_HEAD : _HEAD + length])
            del self._buffer[: _HEAD + length]
            taken = self._take(body)
            yield taken
            if isinstance(taken, Violation):
                return

    def _crowded(self, length: int) -> bool:
        """Whether what is there of a body holds too many values already."""
        if length > MOST_VALUES:
            self._crowd.feed(bytes(self._buffer[_HEAD + self._crowd.fed_bytes : _HEAD + length]))
        return self._crowd.full

    def _take(self, body: bytes) -> Message | Violation:
        read = _read(body)
        if isinstance(read, Violation):
            return self._break(*read)
        kind = read.kind
        if SPEAKER[kind] is self.role or (self.state, kind) not in TURNS:
            return self._break(Fault.OUT_OF_TURN, f"out of turn: {kind} while {self.state}")
        if read.fields.get("version", VERSION) != VERSION:
            return self._break(Fault.WRONG_VERSION, f"of version {read.fields['version']}, and we speak {VERSION}")
        self.state = TURNS[self.state, kind]
        return read

    def _break(self, fault: Fault, detail: str) -> Violation:
        self.broken = Violation(fault, detail)
        self._buffer.clear()
        return self.broken


def _frame(document: Mapping[str, Any], most_bytes: int) -> bytes:
    """The frame of a document that the other end will take. Raises Misuse: what it would not take would end it."""
    try:
        body = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Misuse(f"it is nothing that JSON can hold: {error}") from None
    if len(body) > most_bytes:
        raise Misuse(f"it has {len(body)} bytes, where {most_bytes} are allowed")
    if crowded(body):
        raise Misuse(f"it is {_TOO_MANY.detail}")
    if deep(document):
        raise Misuse(f"it is {_TOO_DEEP.detail}")
    return len(body).to_bytes(_HEAD, "big") + body


def _read(body: bytes) -> Message | Violation:
    """The message that a body is, or what is wrong with it. It may hold anything at all."""
    try:
        document = parsed(body)
    except RecursionError:
        return _TOO_DEEP
    except ValueError:  # also bad UTF-8
        return Violation(Fault.NOT_JSON, "that is not JSON")
    if deep(document):
        return _TOO_DEEP
    said = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(said, str) or said not in _KINDS:
        return Violation(Fault.NO_MESSAGE, "that is no message of this protocol")
    kind = Kind(document.pop("kind"))
    wrong = _wrong_fields(kind, document)
    return Message(kind, document) if wrong is None else Violation(Fault.NO_MESSAGE, wrong)


_KINDS: Final = frozenset(map(str, Kind))
_TOO_MANY: Final = Violation(Fault.TOO_MANY, f"of more than {MOST_VALUES} values")
_TOO_DEEP: Final = Violation(Fault.TOO_DEEP, f"nested deeper than {MOST_DEPTH} levels")


def _wrong_fields(kind: Kind, fields: Mapping[str, Any]) -> str | None:
    """What is wrong with the fields of a message; True is no number here, though Python says so."""
    expected = FIELDS[kind]
    if fields.keys() != expected.keys():
        return f"that is no {kind}: its fields are {', '.join(sorted(expected)) or 'none'}"
    for name, type_ in expected.items():
        value = fields[name]
        if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
            return f"that is no {kind}: its {name} is no {type_.__name__}"
    return None

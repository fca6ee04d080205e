"""Laws of what host and worker say to each other: bytes may be cut anywhere, and may be anything."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost import bounded
from brownout.pluginhost.bounded import MOST_DEPTH, MOST_VALUES
from brownout.pluginhost.protocol import (
    FIELDS,
    MOST_BYTES,
    SPEAKER,
    TURNS,
    VERSION,
    Conversation,
    Fault,
    Kind,
    Message,
    Misuse,
    Role,
    State,
    Violation,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def serving(*, most_bytes: int = 2**20) -> tuple[Conversation, Conversation]:
    """Host and worker, introduced to each other."""
    host, worker = (Conversation(role, most_bytes=most_bytes) for role in (Role.HOST, Role.WORKER))
    said: tuple[tuple[Conversation, Kind, dict[str, Any]], ...] = (
        (worker, Kind.HELLO, {"version": VERSION}),
        (host, Kind.SETUP, {"version": VERSION, "confinement": {}}),
        (worker, Kind.CONFINED, {"report": {}}),
        (host, Kind.LOAD, {"plugin": {}}),
        (worker, Kind.LOADED, {"error": "", "functions": []}),
    )
    for speaker, kind, fields in said:
        listener = worker if speaker is host else host
        assert list(listener.receive(speaker.send(kind, **fields))) == [Message(kind, fields)]
    return host, worker


@given(st.lists(JSON, min_size=1, max_size=5), st.integers(1, 7))
def test_what_is_said_is_heard_however_it_is_cut(values: list[Any], piece: int) -> None:
    """One byte at a time or all at once, the same messages in the same order, each once."""
    host, worker = serving()
    stream = b"".join(worker.send(Kind.ANSWER, id=at, value=value) for at, value in enumerate(values))
    heard = [one for at in range(0, len(stream), piece) for one in host.receive(stream[at : at + piece])]
    assert heard == [Message(Kind.ANSWER, {"id": at, "value": value}) for at, value in enumerate(values)]


@given(st.binary(max_size=200), st.integers(1, 9))
def test_garbage_ends_the_conversation_and_raises_nothing(garbage: bytes, piece: int) -> None:
    """Whatever comes: messages of this protocol, then at most one violation, then silence."""
    host, _ = serving(most_bytes=1000)
    heard = [one for at in range(0, len(garbage), piece) for one in host.receive(garbage[at : at + piece])]
    assert all(isinstance(one, Message) for one in heard[:-1])
    if any(isinstance(one, Violation) for one in heard):
        assert host.broken == heard[-1]
        assert list(host.receive(b"\0\0\0\2{}")) == []


@given(JSON)
def test_json_that_is_no_message_is_refused(value: Any) -> None:
    """Well-formed JSON is not enough."""
    host, _ = serving()
    (heard,) = host.receive(framed(value))
    assert isinstance(heard, Violation)
    assert heard.fault in (Fault.NO_MESSAGE, Fault.NOT_JSON, Fault.TOO_DEEP)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("state", list(State))
def test_the_table_rules_both_ends(state: State, kind: Kind) -> None:
    """Who may not speak is refused before it speaks and when it does; who may leads both to the same state."""
    speaker, listener = (Conversation(role) for role in _ends(kind))
    speaker.state = listener.state = state
    fields = {
        name: VERSION if name == "version" else type_() for name, type_ in FIELDS[kind].items() if type_ is not object
    }
    fields |= {name: None for name, type_ in FIELDS[kind].items() if type_ is object}
    document = {"kind": kind, **fields}
    (heard,) = listener.receive(framed(document))
    if (state, kind) in TURNS:
        assert heard == Message(kind, fields)
        speaker.send(kind, **fields)
        assert speaker.state is listener.state is TURNS[state, kind]
    else:
        assert isinstance(heard, Violation)
        assert heard.fault is Fault.OUT_OF_TURN
        with pytest.raises(Misuse):
            speaker.send(kind, **fields)


def test_every_kind_has_a_speaker_its_fields_and_a_turn() -> None:
    """Nothing is declared that nobody may say."""
    assert set(Kind) == set(SPEAKER) == set(FIELDS) == {kind for _, kind in TURNS}
    assert {state for state, _ in TURNS} | set(TURNS.values()) == set(State)


def test_an_echo_is_out_of_turn() -> None:
    """A worker cannot speak for the host."""
    host, _ = serving()
    (heard,) = host.receive(framed({"kind": "call", "id": 1, "function": "x", "argument": None}))
    assert isinstance(heard, Violation)
    assert heard.fault is Fault.OUT_OF_TURN


def test_a_frame_that_is_too_long_is_refused_by_its_head() -> None:
    """Before any of it is kept: 4 bytes are enough."""
    host, _ = serving(most_bytes=1000)
    (heard,) = host.receive((1001).to_bytes(4, "big"))
    assert isinstance(heard, Violation)
    assert heard.fault is Fault.TOO_LONG


def test_another_version_is_told_apart_from_nonsense() -> None:
    """A release that was installed beside a running worker is named as such."""
    host = Conversation(Role.HOST)
    (heard,) = host.receive(framed({"kind": "hello", "version": VERSION + 1}))
    assert isinstance(heard, Violation)
    assert heard.fault is Fault.WRONG_VERSION


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"kind":"answer","id":1,"value":' + b"[" * (MOST_DEPTH + 5) + b"]" * (MOST_DEPTH + 5) + b"}",
        b'{"kind":"answer","id":1,"value":NaN}',
        b'{"kind":"answer","id":1,"value":1e999}',
        b'{"kind":"answer","id":true,"value":1}',
        b'{"kind":"answer","id":1}',
        b'{"kind":"answer","id":1,"value":1,"more":1}',
        b'{"kind":"answer","id":' + b"9" * 5000 + b',"value":1}',
        b'{"kind":["answer"]}',
        b"\xff\xfe",
        b"",
    ],
)
def test_hostile_json_is_a_violation(body: bytes) -> None:
    """Deep, huge, half or not a number: one verdict, no exception."""
    host, _ = serving()
    (heard,) = host.receive(len(body).to_bytes(4, "big") + body)
    assert isinstance(heard, Violation)


def nested(depth: int) -> object:
    """Lists in lists."""
    value: object = 0
    for at in range(depth):
        value = [value] if at % 2 else (value,)
    return value


@given(st.integers(0, 2 * MOST_DEPTH))
def test_what_may_be_sent_is_taken(depth: int) -> None:
    """Both ends draw the line at the same depth: who asks for too much hears so, and nobody is ended for it."""
    host, worker = serving()
    try:
        frame = host.send(Kind.CALL, id=1, function="x", argument=nested(depth))
    except Misuse:
        assert depth >= MOST_DEPTH - 1
    else:
        assert isinstance(next(worker.receive(frame)), Message)
        assert depth < MOST_DEPTH


CROWDS = ("[]", "{}", "0", '""', '"a,b"', '{"a":0}')


@pytest.mark.parametrize("one", CROWDS)
def test_a_crowd_of_values_is_refused_before_it_is_made(one: str) -> None:
    """By both ends, whatever they are: to read eight megabytes of lists takes seconds, and thirty times their size."""
    crowd = json.loads(f"[{','.join([one] * (MOST_VALUES + 1))}]")
    host, worker = serving(most_bytes=MOST_BYTES)
    with pytest.raises(Misuse, match="more than 100000 values"):
        worker.send(Kind.ANSWER, id=1, value=crowd)
    (heard,) = host.receive(framed({"kind": "answer", "id": 1, "value": crowd}))
    assert isinstance(heard, Violation)
    assert heard.fault is Fault.TOO_MANY


@pytest.mark.parametrize("text", ["a,b" * MOST_VALUES, '",[{' * MOST_VALUES, "\\" * MOST_VALUES + ",", "x" * 10**6])
def test_what_looks_like_a_crowd_in_a_text_is_text(text: str) -> None:
    """Tables and programs travel as strings, with all their commas and brackets."""
    host, worker = serving(most_bytes=MOST_BYTES)
    assert list(host.receive(worker.send(Kind.ANSWER, id=1, value=text))) == [
        Message(Kind.ANSWER, {"id": 1, "value": text})
    ]


@given(JSON, st.text('"\\,[{a', max_size=60), st.integers(1, 7))
def test_values_are_counted_as_they_come(value: object, text: str, piece: int) -> None:
    """Wherever it is cut: each list and map, and each comma in them; quotes and backslashes of a text end nothing."""
    document = [value, text, {text: value}]
    body = json.dumps(document).encode()
    crowd = bounded.Crowd()
    for at in range(0, len(body), piece):
        crowd.feed(body[at : at + piece])
    assert crowd._values == values(document)
    assert crowd._quotes % 2 == 0


def values(document: object) -> int:
    """Of JSON, by whoever has read it."""
    held = list(document.values()) if isinstance(document, dict) else document
    return 1 + max(0, len(held) - 1) + sum(map(values, held)) if isinstance(held, list) else 0


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 2 * 10**6, b'"' * 4 * 10**6 + b"\\", b'"' + b"\\" * 4 * 10**6 + b","])
def test_a_text_without_an_end_is_looked_through_once(body: bytes) -> None:
    """However it is written: millions of quotes are no millions of looks."""
    host, _ = serving(most_bytes=MOST_BYTES)
    crowd = b"[" * MOST_VALUES + body
    (heard,) = host.receive(len(crowd).to_bytes(4, "big") + crowd)
    assert isinstance(heard, Violation)


def test_a_flood_of_quotes_is_refused_as_it_comes() -> None:
    """More strings than values may have are no JSON, and nobody waits for the end of them."""
    host, _ = serving(most_bytes=MOST_BYTES)
    (heard,) = host.receive(MOST_BYTES.to_bytes(4, "big") + b'"' * (4 * MOST_VALUES + 4))
    assert isinstance(heard, Violation)
    assert heard.fault is Fault.TOO_MANY


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, "x" * 2**20, nested(MOST_DEPTH)])
def test_what_json_cannot_hold_is_not_sent(value: object) -> None:
    """And the conversation goes on."""
    host, worker = serving()
    with pytest.raises(Misuse):
        worker.send(Kind.ANSWER, id=1, value=value)
    assert len(list(host.receive(worker.send(Kind.ANSWER, id=1, value=2)))) == 1


def framed(document: object) -> bytes:
    """A frame of anything."""
    body = json.dumps(document).encode()
    return len(body).to_bytes(4, "big") + body


def _ends(kind: Kind) -> tuple[Role, Role]:
    return (Role.HOST, Role.WORKER) if SPEAKER[kind] is Role.HOST else (Role.WORKER, Role.HOST)

"""What answers of OpenAI-compatible APIs say of usage, in whatever pieces they come, and what is passed on of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.errors import InvalidInput
from brownout.gateway import model_usage
from brownout.gateway.model_usage import EventStream, Inspector, PlainAnswer, asks_for_usage, with_usage_asked
from brownout.gateway.passing_on import answer_headers, check_upstream, is_loopback, request_headers

DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
DONE = b"data: [DONE]\n\n"


def passed(inspector: Inspector, data: bytes, size: int) -> bytes:
    """What comes out when it goes in by pieces of this size."""
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return b"".join(inspector.feed(piece) for piece in pieces) + inspector.close()


@given(size=st.integers(1, 40), hide=st.booleans())
def test_a_stream_is_passed_on_byte_for_byte_but_for_what_we_asked_for(size: int, *, hide: bool) -> None:
    """The client that did not ask for usage does not get it; the one that did gets all."""
    stream = EventStream(hide=hide)
    assert passed(stream, DELTA * 3 + USAGE + DONE, size) == DELTA * 3 + (b"" if hide else USAGE) + DONE
    assert stream.tokens == 15


@given(size=st.integers(1, 40), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_lines_end_as_the_standard_allows(size: int, end: bytes) -> None:
    """LF, CRLF and CR; comments and other fields are passed on."""
    data = (b": ping\n\nevent: x\n" + DELTA + USAGE).replace(b"\n", end)
    stream = EventStream(hide=True)
    assert passed(stream, data, size) == (b": ping\n\nevent: x\n" + DELTA).replace(b"\n", end)
    assert stream.tokens == 15


@pytest.mark.parametrize(
    ("document", "tokens"),
    [
        ({"usage": {"total_tokens": 7}}, 7),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, 7),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, 7),
        ({"usage": {"prompt_tokens": 3}}, 3),
        ({"response": {"usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}}, 7),
        ({"usage": None}, None),
        ({"usage": {"total_tokens": -7}}, None),
        ({"usage": {"total_tokens": True}}, None),
        ({"usage": {"total_tokens": "7"}}, None),
        ([], None),
        ({}, None),
    ],
)
def test_usage_is_found_where_these_apis_put_it(document: Any, tokens: int | None) -> None:
    """In an answer of one piece, and in an event."""
    plain, events = PlainAnswer(), EventStream(hide=False)
    data = json.dumps(document).encode()
    assert passed(plain, data, 7) == data
    passed(events, b"data: " + data + b"\n\n", 7)
    assert (plain.tokens, events.tokens) == (tokens, tokens)


def test_sums_so_far_are_not_summed() -> None:
    """Some servers say in each event what was used until then: the largest counts."""
    stream = EventStream(hide=True)
    for total in (5, 9, 15, 12):
        event = b'data: {"choices":[{"delta":{}}],"usage":{"total_tokens":%d}}\n\n' % total
        assert stream.feed(event) == event
    assert stream.tokens == 15


def test_an_answer_in_one_piece_is_counted_before_its_last_byte_goes_out() -> None:
    """Who asks after the answer is told the truth: the last piece is held back until the end."""
    plain = PlainAnswer()
    assert [plain.feed(b"{"), plain.feed(b"}"), plain.close()] == [b"", b"{", b"}"]


def test_what_is_too_long_is_passed_on_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer fills our memory."""
    monkeypatch.setattr(model_usage, "MOST_KEPT_BYTES", 10)
    monkeypatch.setattr(model_usage, "MOST_EVENT_BYTES", 10)
    plain, events = PlainAnswer(), EventStream(hide=True)
    assert passed(plain, b'{"usage": {"total_tokens": 7}}', 4) == b'{"usage": {"total_tokens": 7}}'
    assert passed(events, b"x" * 50, 4) == b"x" * 50
    assert (plain.tokens, events.tokens) == (None, None)


@given(data=st.binary(max_size=300), size=st.integers(1, 50))
def test_no_bytes_are_too_much_for_them(data: bytes, size: int) -> None:
    """Whatever it is, it is passed on."""
    assert passed(PlainAnswer(), data, size) == data
    assert passed(EventStream(hide=True), data, size) == data


def test_a_request_is_asked_to_say_what_it_used() -> None:
    """Other options of the stream stay."""
    body = {"stream": True, "stream_options": {"include_obfuscation": False}}
    assert not asks_for_usage(body)
    asked = with_usage_asked(body)
    assert asks_for_usage(asked)
    assert asked["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert asks_for_usage(with_usage_asked({"stream_options": "odd"}))


def test_headers_of_one_hop_are_not_passed_on() -> None:
    """Neither those of the standard nor those that Connection names; keys pass, and compression is not asked for."""
    given_headers = [
        ("Host", "here"), ("Connection", "close, X-Hop"), ("X-Hop", "1"), ("TE", "trailers"), ("Content-Length", "5"),
        ("Authorization", "Bearer key"), ("Accept-Encoding", "gzip"), ("X-Twice", "1"), ("X-Twice", "2"),
    ]  # fmt: skip
    assert request_headers(given_headers) == [
        ("Authorization", "Bearer key"), ("X-Twice", "1"), ("X-Twice", "2"), ("Accept-Encoding", "identity"),
    ]  # fmt: skip
    answer = [("Content-Length", "5"), ("Content-Encoding", "gzip"), ("Keep-Alive", "x"), ("Set-Cookie", "a")]
    assert answer_headers(answer, unchanged=True) == [answer[0], answer[1], answer[3]]
    assert answer_headers(answer, unchanged=False) == [answer[3]]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/v1",
        "ftp://x/v1",
        "http://",
        "http://u:secret@x/v1",
        "http://x/v1?a=1",
        "http://x:99999",
        "http://[/",
    ],
)
def test_an_upstream_is_a_plain_base_url(url: str) -> None:
    """Anything else is refused, and no password repeated."""
    with pytest.raises(InvalidInput, match="is not the base URL of an API") as refusal:
        check_upstream(url)
    assert "secret" not in str(refusal.value)


def test_a_slash_at_the_end_makes_no_difference() -> None:
    """And what is on this machine is reached directly."""
    assert check_upstream("http://localhost:1/v1/") == "http://localhost:1/v1"
    assert is_loopback("http://localhost:1/v1")
    assert is_loopback("http://127.0.0.1:1/v1")
    assert not is_loopback("https://api.example.com/v1")

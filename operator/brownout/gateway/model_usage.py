"""What an answer of an OpenAI-compatible API says it has used: bytes in, bytes to pass on and a count out.

Both kinds of answer end in `usage`: a JSON document as a whole, a stream of events (SSE) in its last but one event if
`stream_options.include_usage` was asked for, and the streams of the Responses API in `response.usage`. Some servers say
it in every event, as a sum so far: the largest counts, never the sum of sums. It opens no socket.
"""

import json
import re
from typing import Any, Final, Protocol

__all__ = ["EventStream", "Inspector", "PlainAnswer", "asks_for_usage", "with_usage_asked"]

#: An answer in one piece has some KiB, embeddings some MiB. What is longer is passed on and not looked at.
MOST_KEPT_BYTES: Final = 32 * 1024 * 1024
#: One event has some hundred bytes; what goes on without a blank line is no stream of events.
MOST_EVENT_BYTES: Final = 4 * 1024 * 1024
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class Inspector(Protocol):
    """Looks at an answer as it passes."""

    @property
    def tokens(self) -> int | None:
        """What it says it has used; None as long as it has not said so."""
        ...

    def feed(self, data: bytes) -> bytes:
        """What to pass on now."""
        ...

    def close(self) -> bytes:
        """What is left to pass on at the end."""
        ...


class PlainAnswer:
    """A JSON document. Its last piece is held back until the end, so that it is counted before the client has it."""

    def __init__(self) -> None:
        self._kept: bytearray | None = bytearray()
        self._held = b""
        self.tokens: int | None = None

    def feed(self, data: bytes) -> bytes:
        """All but the last piece so far."""
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > MOST_KEPT_BYTES:
                self._kept = None
        passed, self._held = self._held, data
        return passed

    def close(self) -> bytes:
        """Read it; the last piece."""
        self.tokens = _tokens_in(_parsed(bytes(self._kept))) if self._kept else None
        return self._held


class EventStream:
    """Server-sent events. `hide` drops the event that only we have asked for: usage beside an empty list of choices."""

    def __init__(self, *, hide: bool) -> None:
        self._hide = hide
        self._rest = b""
        self._blind = False  # it turned out to be something else: passed on as it comes
        self.tokens: int | None = None

    def feed(self, data: bytes) -> bytes:
        """The events that are complete now, each byte for byte as it came."""
        if self._blind:
            return data
        # A CR at the end may be half of a CRLF: the search begins again a little before what is new.
        begun = max(0, len(self._rest) - 3)
        self._rest += data
        passed: list[bytes] = []
        start = 0
        while found := _BLANK_LINE.search(self._rest, max(begun, start)):
            passed.append(self._event(self._rest[start : found.end()]))
            start = found.end()
        self._rest = self._rest[start:]
        if len(self._rest) > MOST_EVENT_BYTES:
            self._blind = True
            passed.append(self.close())
        return b"".join(passed)

    def close(self) -> bytes:
        """What was never ended by a blank line, if anything."""
        rest, self._rest = self._rest, b""
        return self._event(rest) if rest and not self._blind else rest

    def _event(self, event: bytes) -> bytes:
        """Count what it says; the event, or nothing where it is to be hidden."""
        if b'"usage"' not in event:
            return event
        found = _parsed(_data_of(event))
        tokens = _tokens_in(found)
        if tokens is None:
            return event
        self.tokens = max(tokens, self.tokens or 0)
        extra = self._hide and isinstance(found, dict) and found.get("choices") == []
        return b"" if extra else event


def asks_for_usage(body: dict[str, Any]) -> bool:
    """Whether a request asks for a stream that says what it used."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def with_usage_asked(body: dict[str, Any]) -> dict[str, Any]:
    """The same request, also asking for what the stream uses."""
    options = body.get("stream_options")
    return {**body, "stream_options": {**(options if isinstance(options, dict) else {}), "include_usage": True}}


def _data_of(event: bytes) -> bytes:
    """The `data` of an event: the lines of this field, joined."""
    fields = (line.partition(b":") for line in _LINE_END.split(event))
    return b"\n".join(value.removeprefix(b" ") for name, _, value in fields if name == b"data")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # also what is no UTF-8
        return None


def _tokens_in(document: Any) -> int | None:
    """The total of a document's `usage`, or of its parts, where an API names only those."""
    if not isinstance(document, dict):
        return None
    usage = document.get("usage")
    if not isinstance(usage, dict):
        inner = document.get("response")
        usage = inner.get("usage") if isinstance(inner, dict) else None
    if not isinstance(usage, dict):
        return None
    total = _whole(usage.get("total_tokens"))
    if total is not None:
        return total
    parts = ("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens")
    counted = [[_whole(usage.get(name)) for name in pair] for pair in parts]
    return next((sum(filter(None, pair)) for pair in counted if pair != [None, None]), None)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**12 else None

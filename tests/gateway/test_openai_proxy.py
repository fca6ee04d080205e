"""The proxy in front of a double of an OpenAI-compatible server: what it passes on, counts, hides and refuses."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from brownout.core.budget.advice import Advice
from brownout.core.budget.limits import Limits
from brownout.core.budget.lines import Garbage, Report
from brownout.core.budget.run import RunRecord
from brownout.core.budget.wrapping import Standing
from brownout.gateway.budget_door import BudgetDoor
from tests.local.loops import run
from tests.programs.openai_double import PROMPT_TOKENS, double

TOKEN = "0123456789abcdef"
RUN = RunRecord(id=1, name="agent", limits=Limits(), opened_at=0.0, seen_at=0.0)


@dataclass
class Counting:
    """A Desk in memory."""

    refused: str = ""
    tokens: int = 0
    calls: int = 0
    silent: int = 0
    after: Callable[[], None] = field(default=lambda: None)

    def took(self, found: Iterable[Report | Garbage], *, source: str) -> None:
        """Sum up."""
        for each in found:
            if isinstance(each, Report):
                self.tokens += each.tokens
                self.calls += each.api_calls
        self.after()

    async def written(self) -> Standing:
        """As it began."""
        return Standing(run=RUN, progress=None, advice=Advice.CONTINUE)

    def refusal(self) -> str:
        """As the test says."""
        return self.refused

    def unmeasured(self) -> None:
        """One more."""
        self.silent += 1


@dataclass
class Answer:
    """What a client gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """As JSON."""
        return json.loads(self.body)


class Client:
    """A program that knows its base URL."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def ask(self, body: dict[str, Any] | None, path: str = "/chat/completions", **headers: str) -> Answer:
        """A POST of a body, or a GET without one."""
        with closing(http.client.HTTPConnection(self._parts.netloc, timeout=30)) as connection:
            self.send(connection, body, path, **headers)
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())

    def send(
        self, connection: http.client.HTTPConnection, body: dict[str, Any] | None, path: str, **headers: str
    ) -> None:
        """Only the request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        connection.request("GET" if data is None else "POST", self._parts.path + path, data, {**named})

    def connection(self) -> http.client.HTTPConnection:
        """One to read from piece by piece."""
        return http.client.HTTPConnection(self._parts.netloc, timeout=30)


Story = Callable[[Client], None]


def behind(upstream: str, desk: Counting, story: Story) -> None:
    """Let a client in a thread of its own do something behind a proxy."""

    async def live() -> None:
        bound = socket.create_server(("127.0.0.1", 0))
        bound.setblocking(False)
        door = BudgetDoor(bound, token=TOKEN, desk=desk, upstream=upstream)
        await door.start()
        try:
            await asyncio.to_thread(story, Client(f"http://127.0.0.1:{bound.getsockname()[1]}/{TOKEN}/v1"))
        finally:
            await door.close()

    run(live())


def test_a_call_is_passed_on_and_counted() -> None:
    """Path, query, body and key arrive as they were; what belongs to one hop does not; the answer comes back whole."""
    desk = Counting()
    with double() as server:

        def story(client: Client) -> None:
            body = {"model": "words", "max_tokens": 3, "messages": []}
            answer = client.ask(
                body, "/chat/completions?a=%2Fb", Authorization="Bearer sk-key", Connection="close, X-Mine", X_Mine="1",
                OpenAI_Organization="org", Cookie="c=1",
            )  # fmt: skip
            assert (answer.status, answer.json()["usage"]["total_tokens"]) == (200, PROMPT_TOKENS + 3)
            assert answer.headers["Set-Cookie"] == "session=1"
            assert answer.headers["Content-Length"] == str(len(answer.body))
            assert client.ask(None, "/models").json()["object"] == "list"

        behind(server.url, desk, story)
        asked, listed = server.seen
    assert (asked.method, asked.path, listed.path) == ("POST", "/v1/chat/completions?a=%2Fb", "/v1/models")
    assert asked.json() == {"model": "words", "max_tokens": 3, "messages": []}
    assert (asked.header("Authorization"), asked.header("OpenAI-Organization")) == ("Bearer sk-key", "org")
    assert (asked.header("X-Mine"), asked.header("Cookie")) == (None, "c=1")
    assert asked.header("Host") == urlsplit(server.url).netloc
    assert listed.header("Cookie") is None  # no jar: what the upstream sets is the client's affair
    assert (desk.calls, desk.tokens, desk.silent) == (2, PROMPT_TOKENS + 3, 0)


@pytest.mark.parametrize("wants", [True, False])
def test_a_stream_says_what_it_used_to_who_asked(wants: bool) -> None:  # noqa: FBT001 - pytest's
    """We always ask; the client sees the event only if it did, and `[DONE]` in any case."""
    desk = Counting()
    with double() as server:

        def story(client: Client) -> None:
            options = {"stream_options": {"include_usage": True}} if wants else {}
            answer = client.ask({"model": "words", "max_tokens": 3, "stream": True, **options})
            events = [line for line in answer.body.split(b"\n\n") if line]
            assert len(events) == (5 if wants else 4)
            assert events[-1] == b"data: [DONE]"
            assert b'"choices": []' in events[-2] if wants else b"word" in events[-2]
            assert "X-Hop" not in answer.headers

        behind(server.url, desk, story)
        assert server.seen[0].json()["stream_options"] == {"include_usage": True}
    assert (desk.calls, desk.tokens, desk.silent) == (1, PROMPT_TOKENS + 3, 0)


def test_answers_are_streamed_and_not_gathered() -> None:
    """The first word is there while the upstream still holds the second back."""
    with double() as server:

        def story(client: Client) -> None:
            with closing(client.connection()) as connection:
                client.send(connection, {"model": "held", "max_tokens": 2, "stream": True}, "/chat/completions")
                reply = connection.getresponse()
                assert b"word" in reply.readline()
                assert not server.released.is_set()
                server.released.set()
                assert reply.read().count(b"word") == 1

        behind(server.url, Counting(), story)


def test_a_server_that_does_not_know_our_option_is_asked_again_without() -> None:
    """The client gets its stream; that its tokens are not known is told."""
    desk = Counting()
    with double() as server:

        def story(client: Client) -> None:
            answer = client.ask({"model": "plain", "max_tokens": 2, "stream": True})
            assert (answer.status, answer.body.count(b"word")) == (200, 2)

        behind(server.url, desk, story)
        assert ["stream_options" in each.json() for each in server.seen] == [True, False]
    assert (desk.calls, desk.tokens, desk.silent) == (1, 0, 1)


def test_half_an_answer_does_not_look_like_a_whole_one() -> None:
    """The upstream hangs up in the middle: so do we."""
    desk = Counting()
    with double() as server:

        def story(client: Client) -> None:
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                client.ask({"model": "broken", "max_tokens": 9, "stream": True})

        behind(server.url, desk, story)
    assert (desk.calls, desk.tokens, desk.silent) == (1, 0, 1)


def test_over_the_limit_nothing_is_passed_on() -> None:
    """429 in the form of these APIs, which their clients do not try again by themselves; the upstream sees nothing."""
    with double() as server:

        def story(client: Client) -> None:
            answer = client.ask({"model": "words"})
            assert answer.status == 429
            assert answer.headers["x-should-retry"] == "false"
            error = answer.json()["error"]
            assert (error["code"], error["type"]) == ("budget_exceeded", "insufficient_quota")
            assert error["message"] == "brownout: the limit of tokens is reached"

        behind(server.url, Counting(refused="the limit of tokens is reached"), story)
        assert server.seen == []


def test_many_calls_at_once_are_all_counted() -> None:
    """Streams and whole answers side by side: no call and no token is lost."""
    desk = Counting()
    with double() as server:

        def story(client: Client) -> None:
            def one(number: int) -> int:
                return client.ask({"model": "words", "max_tokens": 5, "stream": bool(number % 2)}).status

            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(one, range(40))) == [200] * 40

        behind(server.url, desk, story)
    assert (desk.calls, desk.tokens) == (40, 40 * (PROMPT_TOKENS + 5))


def test_an_upstream_that_is_away_is_named_without_the_key() -> None:
    """502, with the base URL and what the system says."""
    with double() as server:
        url = server.url

    def story(client: Client) -> None:
        answer = client.ask({"model": "words"}, Authorization="Bearer sk-key")
        assert answer.status == 502
        assert answer.json()["error"]["message"] == f"brownout: {url} cannot be reached: Connection refused"

    behind(url, Counting(), story)

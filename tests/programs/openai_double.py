"""A double of an OpenAI-compatible server, on loopback: chat completions, in one piece and as a stream.

It answers with as many words as `max_tokens` says, and counts each as a token; the prompt has 10. A model named `plain`
knows no `stream_options` and refuses them, `silent` never says what it used, `broken` hangs up in the middle, `held`
sends the rest only when somebody asks for /release. What it was sent it keeps, for the test to look at.

    python -m tests.programs.openai_double PORT_FILE
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROMPT_TOKENS = 10


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Its body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def header(self, name: str) -> str | None:
        """The one header of this name."""
        found = [value for given, value in self.headers if given.lower() == name.lower()]
        assert len(found) < 2, found
        return found[0] if found else None


class Double(ThreadingHTTPServer):
    """The server. `seen` is what it was asked, oldest first."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.seen: list[Seen] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def double() -> Iterator[Double]:
    """One that serves until the block ends."""
    server = Double()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class _Answer:
    """What a request asked for."""

    model: str
    words: int
    usage: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = PROMPT_TOKENS + self.words
        self.usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": self.words, "total_tokens": total}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer goes out in several writes, and its delay would be ours
    server: Double

    def do_GET(self) -> None:
        self._keep(b"")
        if self.path == "/release":
            self.server.released.set()
        self._send({"object": "list", "data": [{"id": "words"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._keep(body)
        asked = json.loads(body)
        answer = _Answer(asked.get("model", "words"), int(asked.get("max_tokens", 5)))
        if answer.model == "plain" and "stream_options" in asked:
            self._send({"error": {"message": "unknown parameter: stream_options"}}, status=400)
        elif asked.get("stream"):
            self._stream(answer, told=bool(asked.get("stream_options", {}).get("include_usage")))
        else:
            text = " ".join(["word"] * answer.words)
            usage = {} if answer.model == "silent" else {"usage": answer.usage}
            self._send({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}], **usage})

    def _stream(self, answer: _Answer, *, told: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "keep-alive, X-Hop")
        self.send_header("X-Hop", "only to here")
        self.end_headers()
        for number in range(answer.words):
            usage = {"usage": None} if told else {}
            self._event({"choices": [{"index": 0, "delta": {"content": "word "}}], **usage})
            if answer.model == "broken" and number:
                self.close_connection = True
                self.connection.close()
                return
            if answer.model == "held" and not number:
                self.server.released.wait(30)
        if told and answer.model != "silent":
            self._event({"choices": [], "usage": answer.usage})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, document: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(document).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _send(self, document: dict[str, Any], *, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        self.wfile.write(body)

    def _keep(self, body: bytes) -> None:
        self.server.seen.append(Seen(self.command, self.path, list(self.headers.items()), body))

    def log_message(self, *_: Any) -> None:
        """Nothing: tests look at `seen`."""


if __name__ == "__main__":
    alone = Double()
    Path(sys.argv[1]).write_text(alone.url)
    alone.serve_forever()

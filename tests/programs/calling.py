"""Calls a model directly and through a proxy, in turn, and prints what each call took, in milliseconds, as JSON.

    calling.py DIRECT_URL PAIRS

The proxy is the one of the environment (`OPENAI_BASE_URL`). Each way has one connection of its own that stays open, and
both ask for the same: whole answers of 50 words, and streams of 50 events, of which also the time to the first one is
taken.
"""

import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit

WORDS = 50


class Way:
    """One way to the model."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path}/chat/completions"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=30)

    def call(self, *, stream: bool) -> tuple[float, float]:
        """Milliseconds to the first line of the answer's body, and to its end."""
        asked = {"model": "words", "max_tokens": WORDS, "stream": stream, "stream_options": {"include_usage": True}}
        body = json.dumps(asked if stream else {"model": "words", "max_tokens": WORDS})
        began = time.perf_counter()
        self._connection.request("POST", self._path, body, {"Authorization": "Bearer key"})
        answer = self._connection.getresponse()
        answer.readline()
        first = time.perf_counter()
        answer.read()
        return (first - began) * 1000.0, (time.perf_counter() - began) * 1000.0


def measured(direct: Way, proxied: Way, pairs: int, *, stream: bool) -> dict[str, list[float]]:
    """Pairs of calls, the order changing, so that whatever else the machine does hits both."""
    found: dict[str, list[float]] = {"direct": [], "proxied": [], "direct_first": [], "proxied_first": []}
    for number in range(-20, pairs):
        ways = [("direct", direct), ("proxied", proxied)]
        for name, way in ways if number % 2 else reversed(ways):
            first, whole = way.call(stream=stream)
            if number >= 0:
                found[name].append(whole)
                found[f"{name}_first"].append(first)
    return found


if __name__ == "__main__":
    one, other, count = Way(sys.argv[1]), Way(os.environ["OPENAI_BASE_URL"]), int(sys.argv[2])
    found = {kind: measured(one, other, count, stream=kind == "stream") for kind in ("whole", "stream")}
    json.dump(found, sys.stdout)

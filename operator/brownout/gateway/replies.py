"""Replies: JSON as the wire has it, errors in one form, and the headers that every answer carries."""

import json
from typing import Any, Final

from aiohttp import web

__all__ = ["HEADERS", "Refusal", "json_reply", "problem", "text_reply"]

#: An answer is data: never framed, sniffed, cached, run, or read by another origin. `Server` without versions.
HEADERS: Final = {
    "Server": "brownout",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refusal(Exception):
    """A request that is not answered as it was asked: the status, what is wrong, and what would be accepted."""

    def __init__(self, status: int, error: str, *, allowed: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.allowed = allowed


def json_reply(document: Any, *, status: int = 200) -> web.Response:
    """The document as JSON. Raises ValueError on NaN and infinities, which JSON has no word for."""
    body = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    return _reply(body, status, "application/json")


def text_reply(text: str, *, status: int = 200) -> web.Response:
    """Plain text."""
    return _reply(text.encode("utf-8", "backslashreplace"), status, "text/plain")


def problem(status: int, error: str, *, allowed: str = "") -> web.Response:
    """An error: what is wrong, and where that helps what would be accepted."""
    return json_reply({"error": error, **({"allowed": allowed} if allowed else {})}, status=status)


def _reply(body: bytes, status: int, content_type: str) -> web.Response:
    return web.Response(body=body, status=status, content_type=content_type, charset="utf-8", headers=HEADERS)

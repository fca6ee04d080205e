"""What of a request and of an answer may be passed on by a proxy, and where to. Pure: names and URLs.

Hop-by-hop headers (RFC 9110, 7.6.1) belong to one connection; those that `Connection` names as well. The rest passes
unread, `Authorization` with it.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from brownout.core.errors import InvalidInput

__all__ = ["answer_headers", "check_upstream", "is_loopback", "request_headers"]

Headers = Iterable[tuple[str, str]]

_HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
#: Set anew for each connection. An answer is read on its way, so it must come as it is: no compression.
_OURS: Final = frozenset({"host", "content-length", "accept-encoding", "expect"})


def request_headers(headers: Headers) -> list[tuple[str, str]]:
    """Those that go to the upstream."""
    return [*_end_to_end(headers, but=_OURS), ("Accept-Encoding", "identity")]


def answer_headers(headers: Headers, *, unchanged: bool) -> list[tuple[str, str]]:
    """Those that go to the client. `unchanged`: the body goes out byte for byte, so its length and encoding hold."""
    return _end_to_end(headers, but=frozenset() if unchanged else frozenset({"content-length", "content-encoding"}))


def check_upstream(url: str) -> str:
    """The upstream without a slash at its end. Raises InvalidInput where it is no URL of HTTP."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        named, parts = False, urlsplit("")
    if not named or parts.query or parts.fragment or parts.username is not None or not url.isprintable():
        shown = "" if "@" in url else f' "{url}"'  # it may hold a password
        raise InvalidInput(
            f"the upstream{shown} is not the base URL of an API",
            advice="write what OPENAI_BASE_URL would be without Brownout, such as https://api.example.com/v1",
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether an upstream is on this machine, where no proxy of the network can reach it."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _end_to_end(headers: Headers, *, but: frozenset[str]) -> list[tuple[str, str]]:
    given = list(headers)
    listed = {
        word.strip().lower() for name, value in given if name.lower() == "connection" for word in value.split(",")
    }
    dropped = _HOP_BY_HOP | listed | but
    return [(name, value) for name, value in given if name.lower() not in dropped]

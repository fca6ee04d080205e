"""Bodies: the JSON of a request, read in one way only. What it means is for others to say."""

import json
from typing import Any

from aiohttp import web

from brownout.gateway.replies import Refusal

__all__ = ["body_of"]


async def body_of(request: web.Request) -> object:
    """What a request brings, an empty object where it brings nothing. Raises Refusal (400, 413, 415).

    Only JSON, and said to be so: a page of another origin cannot send that without asking first (CSRF).
    """
    raw = await request.read()
    if not raw.strip():
        return {}
    if request.content_type != "application/json":
        raise Refusal(415, "this is not said to be JSON", allowed="Content-Type: application/json")
    try:
        return json.loads(raw, object_pairs_hook=_once, parse_constant=_none)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON", allowed="an object, each name once, no NaN") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names stand there once: what is read in two ways is not read at all."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _none(word: str) -> float:
    raise ValueError(f"{word} is not JSON")

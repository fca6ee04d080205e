"""What a function of a plugin may return, and what that means. Runs in the worker, and where a plugin is tried.

What is none of it is the author's slip, and is told as one. A health check that returns `{"ok": False}` would otherwise
be true as Python sees it, and its plugin well for ever.
"""

from brownout.plugin import Health, Response

__all__ = ["health_of", "response_of"]


def response_of(value: object) -> Response:
    """What `handle_request` returned, as a Response. Raises TypeError."""
    response = value if isinstance(value, Response) else Response(value)
    if not isinstance(response.refused, str):
        raise TypeError(f"Response.refused must be a string, not {type(response.refused).__name__}")
    return response


def health_of(value: object) -> Health:
    """What `health_check` returned, as Health. Raises TypeError."""
    if value is None or isinstance(value, bool):
        return Health(ok=value is None or value)
    if not isinstance(value, Health):
        raise TypeError(f"health_check must return Health, a bool or nothing, not {type(value).__name__}")
    if not all(map(isinstance, value, (bool, str))):
        raise TypeError("Health must have ok, a bool, and message, a string")
    return value

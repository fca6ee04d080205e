"""What a plugin is: the whole contract, on this page. It is all that a plugin's author imports.

A plugin is one Python file with a `plugin.yaml` beside it. The file holds either functions or, where the manifest's
`entry` says `voice.py:Voice`, a class whose instance has them as methods. Each may be `def` or `async def`; a plain one
runs in a thread of its own, so that it may block. Nothing is inherited and nothing registered.

    initialize(config)               once, before anything else. `config` is the manifest's, with defaults, overlaid by
                                     the integration's and the level's. Returns nothing; raises where it cannot start.
    health_check()                   every few seconds, within 200 ms. Returns Health, a bool, or nothing (well);
                                     anything else is a failure.
    handle_request(request)          for each Request. Returns a Response, or what its body shall be. An exception is
                                     counted against the plugin; what it only does not want, it refuses with a Response.
    shutdown()                       once, at the end, after the last request has been answered.

and, where the plugin wants them:

    export_state()                   what the next version of it shall know: anything that JSON holds.
    import_state(state)              what the last version exported; after `initialize`, before any request. It checks
                                     what it is given, for it may come from an older version.
    set_level(level)                 changes to a level of quality, by its name. Between requests, never during one.
                                     Without it the plugin is started anew with the level's config.

`initialize` may ask for a second argument: the Context, with everything that a plugin may use. It lives in a process of
its own, gets what `plugin.yaml` says that it needs, and nothing else.

Values here are named tuples and not dataclasses: those would add 2.2 MB to a process that has 15 (measured).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Context", "Health", "Request", "Response"]


class Request(NamedTuple):
    """What is asked of a plugin. All of it goes over JSON."""

    id: str
    """Names the request; the same one is never given twice."""
    properties: Mapping[str, str]
    """What it was routed by, such as channel and command."""
    body: Any = None
    """Anything that JSON holds."""
    timeout_s: float = 5.0
    """After this the answer is of no use any more, and counts as a failure."""


class Response(NamedTuple):
    """What a plugin answers. `refused` says in a sentence why it does not; empty where it does."""

    body: Any = None
    refused: str = ""


class Health(NamedTuple):
    """Whether the plugin works; `message` says in a sentence what is missing."""

    ok: bool = True
    message: str = ""


def _nothing(*_: Any, **__: Any) -> None:
    """What a context does with what nobody wants to know."""


class Context:
    """What a plugin may use beside its config. The worker makes it; a test may make one with what it wants to see.

    Attributes:
        name: the plugin's.
        version: the plugin's.
        data_folder: a folder of its own, which is also the working folder; the only place that it may always write to.
        level: the level it is at, empty where it has none. The worker changes it before `set_level` is called.
    """

    __slots__ = ("_log", "_now", "_usage", "data_folder", "level", "name", "version")

    def __init__(  # noqa: PLR0913 - made in one place, by the worker, with each named
        self,
        name: str,
        data_folder: str,
        *,
        version: str = "",
        level: str = "",
        log: Callable[[str, str], object] = _nothing,
        now: Callable[[], float] = lambda: 0.0,
        usage: Callable[[int, bool], object] = _nothing,
    ) -> None:
        self.name = name
        self.version = version
        self.data_folder = data_folder
        self.level = level
        self._log = log
        self._now = now
        self._usage = usage

    def log(self, message: str, severity: str = "info") -> None:
        """Write a line into the controller's log. Severity is debug, info, warning or error. Never a secret."""
        self._log(severity, message)

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self._now()

    def record_usage(self, tokens: int = 0, *, api_call: bool = False) -> None:
        """Count tokens, or a call of somebody's API, against the budget of the integration."""
        self._usage(tokens, api_call)

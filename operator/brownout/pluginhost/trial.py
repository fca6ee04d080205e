"""A plugin tried in this very process: for its author's tests, which need neither a worker nor a sandbox.

    with Trial(Path(__file__).parent, {"greeting": "Hi"}) as plugin:
        assert plugin.ask({"name": "Ada"}).body == {"text": "Hi, Ada!"}

The manifest is read and the config checked as the controller does; a mistake in either is an InvalidInput that tells
every problem. What goes in and out goes over JSON, as it will in earnest.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import ModuleType
from typing import Any, Final, Self

from brownout.core.errors import InvalidInput
from brownout.plugin import Context, Health, Request, Response
from brownout.pluginhost.manifest import MANIFEST, Manifest, read_manifest
from brownout.pluginhost.setting import check_config
from brownout.pluginhost.shapes import health_of, response_of

__all__ = ["Trial"]

_PATIENCE_S: Final = 30.0


class Trial:
    """One plugin from `initialize` to `shutdown`. `logged` and `usage` hold what it said through its context."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None = None,
        *,
        level: str = "",
        data_folder: Path | None = None,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.manifest = _accepted(read_manifest((folder / MANIFEST).read_bytes()))
        levels = {one.name: one.config for one in self.manifest.levels}
        at = level or next(iter(levels), "")
        self.config = _accepted(check_config(self.manifest.config, {**(config or {}), **levels.get(at, {})}))
        self.logged: list[tuple[str, str]] = []
        self.usage: list[tuple[int, bool]] = []
        self._scratch = TemporaryDirectory(prefix="brownout-trial-")
        self.context = Context(
            self.manifest.name,
            str(data_folder or self._scratch.name),
            version=self.manifest.version,
            level=at,
            log=lambda severity, message: self.logged.append((severity, message)),
            now=now,
            usage=lambda tokens, api_call: self.usage.append((tokens, api_call)),
        )
        self._plugin = _loaded(folder, self.manifest)
        self._numbers = count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="trial", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.call("initialize", self.config, self.context, optional=1)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("shutdown")
        finally:
            self._close()

    def ask(self, body: Any = None, **properties: str) -> Response:
        """Ask it something, as routed by these properties."""
        request = Request(f"trial-{next(self._numbers)}", properties, _over_json(body))
        answer = self.call("handle_request", request)
        response = response_of(answer)
        return response._replace(body=_over_json(response.body))

    def health(self) -> Health:
        """How it is."""
        return health_of(self.call("health_check"))

    def set_level(self, level: str) -> None:
        """Change its level, as the worker does."""
        self.context.level = level
        self.call("set_level", level)

    def export_state(self) -> Any:
        """What it would hand over."""
        return _over_json(self.call("export_state"))

    def import_state(self, state: Any) -> None:
        """Hand something over to it."""
        self.call("import_state", _over_json(state))

    def call(self, name: str, *arguments: Any, optional: int = 0) -> Any:
        """Call one of its functions, sync or async. The last `optional` arguments are left out where it has none."""
        function = getattr(self._plugin, name)
        if optional and not _takes(function, len(arguments)):
            arguments = arguments[:-optional]

        async def run() -> Any:
            if iscoroutinefunction(function):
                return await function(*arguments)
            return await asyncio.to_thread(function, *arguments)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_S)

    def _close(self) -> None:
        async def drain() -> None:
            await self._loop.shutdown_asyncgens()
            await self._loop.shutdown_default_executor()

        asyncio.run_coroutine_threadsafe(drain(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()
        self._scratch.cleanup()


def _accepted(found: Any) -> Any:
    """What was read, or an InvalidInput with all its problems."""
    if isinstance(found, tuple):
        raise InvalidInput("; ".join(str(problem) for problem in found))
    return found


def _loaded(folder: Path, manifest: Manifest) -> Any:
    """The module, or the instance of its class, made from the bytes and under a name that shadows nothing."""
    file = folder / manifest.module
    module = ModuleType(f"brownout_plugin_{manifest.name.replace('-', '_')}")
    module.__file__ = str(file)
    exec(compile(file.read_bytes(), file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - what a plugin is
    return getattr(module, manifest.attribute)() if manifest.attribute else module


def _takes(function: Callable[..., Any], arguments: int) -> bool:
    code = getattr(function, "__code__", None)
    bound = int(hasattr(function, "__self__"))
    return code is not None and (code.co_argcount - bound >= arguments or bool(code.co_flags & 0x04))


def _over_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))

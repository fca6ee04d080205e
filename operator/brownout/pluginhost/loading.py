"""The module that a plugin is, made from bytes, and the functions of the contract that it has. Runs in the worker.

Nothing is read from disk: neither the file, which may have changed since it was checked, nor a `.pyc` beside it.
"""

import base64
import sys
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

from brownout.pluginhost.crew import asyncio_of

__all__ = ["FUNCTIONS", "Plugin", "brief", "load"]

#: What a plugin may have; the first four it must have.
FUNCTIONS: Final = (
    "initialize",
    "health_check",
    "handle_request",
    "shutdown",
    "export_state",
    "import_state",
    "set_level",
)
_REQUIRED: Final = frozenset(FUNCTIONS[:4])
_LONGEST: Final = 500


class Plugin(NamedTuple):
    """A plugin that has been loaded: its functions by name."""

    functions: Mapping[str, Callable[..., Any]]


def load(plugin: Mapping[str, Any], context: object) -> Plugin | str:
    """Run the module; or say in a sentence why it is no plugin."""
    # Not by its own name: the plugin discord imports the library discord.
    module = ModuleType(f"brownout_plugin_{plugin['name'].replace('-', '_')}")
    module.__file__ = plugin["file"]
    sys.modules[module.__name__] = module
    source = base64.b64decode(plugin["source"])
    if b"async" in source:
        asyncio_of(network=plugin["network"])  # before the module imports it in its whole size
    try:
        code = compile(source, plugin["file"], "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - this is what a plugin is; its bytes were checked by the host
        holder = getattr(module, plugin["attribute"])() if plugin["attribute"] else module
    except BaseException as error:  # noqa: BLE001 - also SystemExit: a module that ends the process is no plugin
        return f"cannot be loaded: {brief(error)}"
    functions = {name: found for name in FUNCTIONS if callable(found := getattr(holder, name, None))}
    if missing := sorted(_REQUIRED - functions.keys()):
        return f"is no plugin: it has no {', '.join(missing)}"
    if _wants_context(functions["initialize"]):
        begin = functions["initialize"]
        functions["initialize"] = lambda config: begin(config, context)
    return Plugin(functions)


def _wants_context(initialize: Callable[..., Any]) -> bool:
    """Whether it takes two arguments. `inspect` would tell as well, for 1.5 MB."""
    code = getattr(initialize, "__code__", None)
    if code is None:
        return False
    return bool(code.co_argcount - hasattr(initialize, "__self__") >= 2 or code.co_flags & 0x04)


def brief(error: BaseException) -> str:
    """What went wrong, in one line with its place; never the values around it, which may be secrets."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/brownout/" not in frame.filename]
    where = f" ({own[-1].filename.rpartition('/')[2]}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        where = f" (line {error.lineno})"
        return f"SyntaxError: {error.msg}{where}"
    said = str(error).replace("\n", " ")[:_LONGEST]
    return f"{type(error).__name__}{f': {said}' if said else ''}{where}"

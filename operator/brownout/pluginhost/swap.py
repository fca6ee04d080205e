"""Changing a plugin under load: to another level in the same process, or to another version in a new one.

Both happen between two requests: the gate is shut, who is inside finishes, who waits waits. So no request is lost and
none is answered twice, and a state is carried over whole.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from brownout.pluginhost.gate import Gate
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess

__all__ = ["hand_over", "move"]


async def move(serving: PluginProcess, launch: PluginLaunch, gate: Gate) -> str:
    """Ask it to change its level by itself; why it did not, empty where it did."""
    with _shut(gate):
        await gate.until_idle()
        answer = await serving.call("set_level", launch.level)
        if answer.ok:
            serving.launch = launch
            return ""
    return f"its set_level failed: {answer.detail}"


async def hand_over(old: PluginProcess, new: PluginProcess, gate: Gate, serve: Callable[[PluginProcess], None]) -> str:
    """Carry the state over and let the new one serve; why not, empty where it does. The old one is left as it is."""
    with _shut(gate):
        await gate.until_idle()
        if why := await _state(old, new):
            return why
        if new.ended.done():
            return new.ended.result()
        serve(new)
    return ""


async def _state(old: PluginProcess, new: PluginProcess) -> str:
    """Give the new one what the old one exports. An old one that has just died has nothing any more."""
    if "export_state" not in old.functions or "import_state" not in new.functions or old.ended.done():
        return ""
    exported = await old.call("export_state")
    if not exported.ok:
        return "" if old.ended.done() else f"the old one's export_state failed: {exported.detail}"
    imported = await new.call("import_state", exported.body)
    return "" if imported.ok else f"its import_state failed: {imported.detail}"


@contextmanager
def _shut(gate: Gate) -> Iterator[None]:
    gate.shut()
    try:
        yield
    finally:
        gate.open()

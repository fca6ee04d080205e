"""Changing a plugin under load: to another level in the same process, or to another version in a new one.

Both happen between two requests: the gate is shut, who is inside finishes, who waits waits. So no request is lost and
none is answered twice, and a state is carried over whole.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from brownout.pluginhost.gate import Gate
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.process import PluginProcess

__all__ = ["Scene", "exchange", "move"]

_BESIDE: Final = 1.5
_NOT_WANTED: Final = "it was told to stop"
_MAKES_ROOM: Final = "it made room for another version"
_STAYS: Final = "the new version did not take over, the old one stays: {why}"

#: What a version has exported: one value, or nothing.
_State = tuple[Any, ...]


async def move(serving: PluginProcess, launch: PluginLaunch, gate: Gate) -> str:
    """Ask it to change its level by itself; why it did not, empty where it did."""
    with _shut(gate):
        await gate.until_idle()
        answer = await serving.call("set_level", launch.level)
        if answer.ok:
            serving.launch = launch
            return ""
    return f"its set_level failed: {answer.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where versions are exchanged. `born` makes a run of a version, `serve` says which one is asked from now on.

    `wanted` is False as soon as somebody has stopped the plugin; then nothing is started any more. `free_bytes` is how
    much memory is left, None where nobody knows.
    """

    gate: Gate
    born: Callable[[PluginLaunch], PluginProcess]
    serve: Callable[[PluginProcess], None]
    wanted: Callable[[], bool]
    free_bytes: Callable[[], int | None]


async def exchange(old: PluginProcess, launch: PluginLaunch, scene: Scene) -> str:
    """Start the new one beside the old one, and let it take over; why it did not, empty where it did."""
    beside, grace_s = await _roomy(old, scene.free_bytes()), launch.limits.request_timeout + 1.0
    if not scene.wanted():
        return _NOT_WANTED
    new = scene.born(launch)
    if not beside:
        return await _take_turns(old, new, scene, grace_s)
    why = await new.start() or await _hand_over(old, new, scene)
    await (new if why else old).end(why or "another version took over", grace_s=grace_s)
    return _STAYS.format(why=why) if why else ""


async def _roomy(old: PluginProcess, free_bytes: int | None) -> bool:
    """Whether a second one of its size can come up beside it: half as large again, since a start has its peak."""
    held_bytes = await old.memory_bytes()
    return free_bytes is None or held_bytes is None or free_bytes >= held_bytes * _BESIDE


async def _hand_over(old: PluginProcess, new: PluginProcess, scene: Scene) -> str:
    """Carry the state over and let the new one serve; why not, empty where it does. The old one is left as it is."""
    with _shut(scene.gate):
        await scene.gate.until_idle()
        if why := await _state(old, new):
            return why
        if new.ended.done():
            return new.ended.result()
        scene.serve(new)
    return ""


async def _take_turns(old: PluginProcess, new: PluginProcess, scene: Scene, grace_s: float) -> str:
    """End the old one, then start the new one with its state; if that does not come up, the old one again.

    Requests wait meanwhile, as long as each may. Why the new one does not serve; empty where it does.
    """
    with _shut(scene.gate):
        await scene.gate.until_idle()
        state = await _exported(old)
        if isinstance(state, str):
            return _STAYS.format(why=state)
        await old.end(_MAKES_ROOM, grace_s=grace_s)
        if not scene.wanted():
            return _NOT_WANTED
        if why := await _up(new, state):
            return f"the new version did not come up, {await _back(old.launch, state, scene)}: {why}"
        scene.serve(new)
    return ""


async def _back(launch: PluginLaunch, state: _State, scene: Scene) -> str:
    """Start the old version again, with its state; what came of that, in words."""
    if not scene.wanted():
        return _NOT_WANTED
    again = scene.born(launch)
    if why := await _up(again, state):
        return f"and the old one did not come up again either ({why})"
    scene.serve(again)
    return "the old one serves again"


async def _up(process: PluginProcess, state: _State) -> str:
    why = await process.start() or await _imported(process, state)
    if why:
        await process.end(why, grace_s=0.0)
    return why


async def _state(old: PluginProcess, new: PluginProcess) -> str:
    """Give the new one what the old one exports."""
    state = await _exported(old)
    return state if isinstance(state, str) else await _imported(new, state)


async def _exported(old: PluginProcess) -> _State | str:
    """What it exports, if anything; why it cannot. One that has just died has nothing any more."""
    if "export_state" not in old.functions or old.ended.done():
        return ()
    exported = await old.call("export_state")
    if exported.ok:
        return (exported.body,)
    return () if old.ended.done() else f"the old one's export_state failed: {exported.detail}"


async def _imported(new: PluginProcess, state: _State) -> str:
    if not state or "import_state" not in new.functions:
        return ""
    imported = await new.call("import_state", state[0])
    return "" if imported.ok else f"its import_state failed: {imported.detail}"


@contextmanager
def _shut(gate: Gate) -> Iterator[None]:
    gate.shut()
    try:
        yield
    finally:
        gate.open()

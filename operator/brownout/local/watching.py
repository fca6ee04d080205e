"""Being told that something in the directory has changed: by the kernel where it can, by the clock in any case.

inotify loses events when its queue overflows, has a limit of watches, sees nothing of what another machine changes
on a file server, and falls silent when the folder is replaced. So it only makes us quick; the looks that the caller
makes anyway make us right. It says that something changed, never what: reading everything is cheap and cannot miss.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from watchfiles import Change, watch

__all__ = ["Watching"]

#: How long a burst of changes may go on before it is told, and how long it must be quiet to be told at once.
_BURST_MS = 400
_QUIET_MS = 50
#: How often the watching thread comes back to see whether it should end.
_TURN_MS = 1000


class Watching:
    """Watches one folder at a time. `ignored` is a real path under which nothing counts.

    `sources` is one in which Python files and manifests count too, inside of that folder or elsewhere; empty: none.
    """

    def __init__(self, ignored: str, *, on_fault: Callable[[str], None], sources: str = "") -> None:
        self._ignored = ignored
        self._sources = sources
        self._sources_changed = False
        self._on_fault = on_fault
        self._loop = asyncio.get_running_loop()
        self._bell = asyncio.Event()
        self._end = Event()
        self._thread: Thread | None = None
        self._failed = False

    @property
    def works(self) -> bool:
        """Whether the kernel tells us; otherwise only the clock does."""
        return self._thread is not None and self._thread.is_alive()

    async def change(self, *, timeout_s: float) -> bool:
        """Return True as soon as something has changed since the last call, False when the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        return True

    def sources_changed(self) -> bool:
        """Whether a source has changed since the last call."""
        changed, self._sources_changed = self._sources_changed, False
        return changed

    async def restart(self, directory: str) -> None:
        """Watch this folder, a real path, and no longer the one before."""
        await self.close()
        self._end = Event()
        self._thread = Thread(target=self._watch, args=(directory, self._end), name="brownout-watch", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """End the watching thread; takes at most a moment."""
        if self._thread is not None:
            self._end.set()
            await asyncio.to_thread(self._thread.join, 2.0)
            self._thread = None

    def _watch(self, directory: str, end: Event) -> None:
        try:
            elsewhere = self._sources and not self._sources.startswith(directory + os.sep)
            changes = watch(
                directory,
                *([self._sources] if elsewhere and Path(self._sources).is_dir() else []),
                watch_filter=self._counts,
                debounce=_BURST_MS,
                step=_QUIET_MS,
                rust_timeout=_TURN_MS,
                stop_event=end,
                recursive=True,
                ignore_permission_denied=True,
            )
            for changed in changes:
                self._loop.call_soon_threadsafe(self._ring, any(self._is_source(path) for _, path in changed))
            self._failed = False
        except Exception as error:  # noqa: BLE001  # the library raises its own, OSError and RuntimeError; the clock goes on
            if not self._failed and not end.is_set():
                self._on_fault(
                    f"the directory is only looked at every few seconds, the kernel does not watch it: {error}"
                )
            self._failed = True

    def _ring(self, sources: bool) -> None:  # noqa: FBT001 - called by the loop
        self._sources_changed = self._sources_changed or sources
        self._bell.set()

    def _is_source(self, path: str) -> bool:
        inside = bool(self._sources) and path.startswith(self._sources + os.sep)
        return inside and path.endswith((".py", "plugin.yaml"))

    def _counts(self, change: Change, path: str) -> bool:
        """Whether a change may concern us. Programs may write their own files here: those changes do not."""
        if path == self._ignored or path.startswith(self._ignored + os.sep):
            return False
        name = Path(path).name
        if self._is_source(path):
            return True
        return change is not Change.modified or name.endswith((".yaml", ".yml")) or name.startswith("..")

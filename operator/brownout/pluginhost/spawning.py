"""Starting a worker: one end of a socket pair, its own session and folder, and nothing else of ours.

All workers are started from one thread that lives as long as the host: the kernel kills a worker when the thread that
started it ends (PR_SET_PDEATHSIG), and a thread of a pool may end at any time.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from brownout.disk.atomic import private_folder
from brownout.engine.ports import ProcessId, ProcessTable
from brownout.pluginhost.cgroup import ControlGroup
from brownout.pluginhost.cpu_group import CpuGroup
from brownout.pluginhost.found import Found
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.precedence import place_behind
from brownout.processes.logs import Logs

__all__ = ["Spawned", "Spawner"]

#: Start time of a process that had ended before it could be looked at.
_UNKNOWN_START: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """A worker that was just started: its process, its pidfd, and our end of the socket."""

    process: ProcessId
    pidfd: int
    socket: socket.socket
    run: str
    group: ControlGroup | None
    child: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def identity(self) -> str:
        """This very run, for people and for steps that are planned against it."""
        return f"{self.process.pid}:{self.process.started}"

    @property
    def cpu(self) -> CpuGroup | None:
        """What says when it may compute, where we may say so."""
        return self.group.cpu if self.group else None


class Untrusted(Exception):
    """These bytes may not run any more; says why, in words that follow the plugin's name."""


class Spawner:
    """Starts workers. `host` is the real path of the state folder, which marks them as ours."""

    def __init__(self, table: ProcessTable, logs: Logs, host: str, *, untrusted: Callable[[Found], str]) -> None:
        self._untrusted = untrusted
        self._table = table
        self._logs = logs
        self._host = host
        self._runs = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="brownout-plugins")

    async def spawn(self, launch: PluginLaunch, took: Callable[[Spawned], None], *, behind: bool) -> str:
        """Start one, behind the others or beside them; why not, empty where it was.

        `took` has it also when nobody waits any more.
        """
        loop = asyncio.get_running_loop()
        starting = loop.run_in_executor(self._thread, partial(self._spawn, launch, behind=behind))
        # Shielded: a thread cannot be cancelled, and what it starts must not be lost.
        starting.add_done_callback(lambda done: None if done.exception() else took(done.result()))
        try:
            await asyncio.shield(starting)
        except Untrusted as untrusted:
            return f"it {untrusted}"
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return f"its process cannot be started: {error}"
        return ""

    def close(self) -> None:
        """End the thread, and with it whatever was not ended before."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _spawn(self, launch: PluginLaunch, *, behind: bool) -> Spawned:
        if why := self._untrusted(launch.found):  # the list may have changed since it was wanted
            raise Untrusted(why)
        self._runs += 1
        run = f"{launch.key}/{os.getpid()}/{self._runs}"
        folder = private_folder(launch.folder)
        ours, theirs = socket.socketpair()
        writer = self._logs.attach(_log_name(launch))
        try:
            output = subprocess.DEVNULL if writer is None else writer
            child = self._execute(launch, run, folder, theirs.fileno(), output)
            group = self._grouped(launch, child.pid, behind=behind)
            if behind and (group is None or group.cpu is None):
                place_behind(child.pid)
            return self._held(child, ours, run, group)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            if writer is not None:
                os.close(writer)

    def _execute(
        self, launch: PluginLaunch, run: str, folder: Path, theirs: int, output: int
    ) -> "subprocess.Popen[bytes]":
        # No preexec_fn: it could deadlock in a process with threads. What it would do, the worker does to itself.
        return subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
            launch.argv(theirs),
            env=launch.environment(os.environ, self._host, run),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(theirs,),
            start_new_session=True,
        )

    def _grouped(self, launch: PluginLaunch, pid: int, *, behind: bool) -> ControlGroup | None:
        """Put it into a group of its own, before it is told anything: nothing of it is outside."""
        limits, name = launch.limits, f"{os.getpid()}-{self._runs}"
        group = ControlGroup.make(name, memory_bytes=limits.memory, processes=limits.tasks)
        if isinstance(group, str):
            return None
        if group.cpu is not None:
            group.cpu.place(behind=behind, yields=behind)
        try:
            return group.add(pid)
        except OSError:  # it has ended already, or the group is another's after all
            group.remove()
            return None

    def _held(
        self, child: "subprocess.Popen[bytes]", ours: socket.socket, run: str, group: ControlGroup | None
    ) -> Spawned:
        try:
            # Nobody else reaps our child, so its pid cannot have been given away, even if it has exited already.
            pidfd = os.pidfd_open(child.pid)
        except OSError:  # no descriptor left: what cannot be watched must not run
            child.kill()
            child.wait()
            raise
        ours.setblocking(False)
        process = self._table.identify(child.pid) or ProcessId(pid=child.pid, started=_UNKNOWN_START)
        return Spawned(process=process, pidfd=pidfd, socket=ours, run=run, group=group, child=child)


def _log_name(launch: PluginLaunch) -> str:
    return f"plugin-{launch.key}"


def kill_group(pid: int, number: int) -> None:
    """Signal the whole process group of a worker, which the kernel does in one go: nothing can fork out of it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)

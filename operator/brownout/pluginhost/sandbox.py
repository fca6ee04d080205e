"""What is enforced of a plugin on this machine: asked of the kernel by confining a worker for once, not looked up.

The worker that is tried is the one that plugins run in, so what is said here is what happens there. What the kernel
refuses to enforce is told with its reason; the plugin runs all the same, and its owner decides whether that is enough.
"""

import os
import socket
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

from brownout.api.quantities import format_quantity
from brownout.pluginhost.cgroup import ControlGroup
from brownout.pluginhost.found import Found
from brownout.pluginhost.launch import PluginLaunch, launch_of
from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.needs import Granted, granted
from brownout.pluginhost.precedence import yielding
from brownout.pluginhost.protocol import VERSION, Conversation, Kind, Message, Role
from brownout.pluginhost.setting import check_config

__all__ = ["Aspect", "Guarantee", "enforcement"]

_PATIENCE_S: Final = 10.0
_PIECE_BYTES: Final = 65536
_PORTS, _SIGNALS = 4, 6  # the versions of Landlock that know them


class Aspect(StrEnum):
    """What a guarantee is about."""

    FILES = "files"
    ATTRIBUTES = "attributes"
    NETWORK = "network"
    LISTENING = "listening"
    PROGRAMS = "programs"
    TRACING = "tracing"
    SIGNALS = "signals"
    PRIVILEGES = "privileges"
    MEMORY = "memory"
    PROCESSES = "processes"
    CPU = "cpu"
    PRECEDENCE = "precedence"
    OUTLIVING = "outliving"
    ENVIRONMENT = "environment"
    FILE_SIZE = "fileSize"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """One promise about a plugin: `what` it cannot do, `how` that is enforced, or `why_not`."""

    aspect: Aspect
    what: str
    enforced: bool
    how: str
    why_not: str = ""


def enforcement(manifest: Manifest) -> tuple[Guarantee, ...]:
    """What is enforced of a plugin here, with the defaults of its config. Starts a worker for it; blocks 0.1 s."""
    optional = {name: setting for name, setting in manifest.config.items() if not setting.required}
    config = check_config(optional, {})
    given = granted(manifest.needs, config if isinstance(config, dict) else {})
    online = bool(given.connect or given.listen or given.resolve)
    tried = _tried(online=online, programs=bool(given.programs))
    return tuple(_Told(manifest, given, online, tried).all())


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a worker reported: what failed, by the name of the measure; Landlock's version; why there are no groups.

    `yields` is how who computes gives way to the others, empty where it does not.
    """

    failed: MappingProxyType[str, str]
    landlock: int
    no_group: str
    yields: str


@cache
def _tried(*, online: bool, programs: bool) -> _Tried:
    """Confine a worker, and end it. Once for each of the four kinds that differ in what the kernel is asked."""
    needs: dict[str, Any] = {"network": {"connect": [443]}} if online else {}
    needs |= {"programs": ["sh"]} if programs else {}
    document = {"name": "probe", "version": "1", "entry": "probe.py", "needs": needs}
    found = Found(manifest=Manifest.from_wire(document), module_bytes=b"", sha256="", folder="/")
    with TemporaryDirectory(prefix="brownout-probe-") as folder:
        launch = launch_of("probe", found, Path(folder), level="", config={}, base={})
        report = _reported(launch)
    group = ControlGroup.make(f"probe-{os.getpid()}", memory_bytes=launch.limits.memory, processes=2)
    if isinstance(group, ControlGroup):
        group.remove()
    failed = MappingProxyType({str(name): str(why) for name, why in report["failed"].items()})
    no_group = group if isinstance(group, str) else ""
    return _Tried(failed, int(report["landlock"]), no_group, yielding(None if isinstance(group, str) else group.cpu))


def _reported(launch: PluginLaunch) -> dict[str, Any]:
    """The report of a worker that is confined as this launch would be."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
            launch.argv(theirs.fileno()),
            env=launch.environment({}, "", ""),
            cwd=launch.folder,
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        ours.settimeout(_PATIENCE_S)
        try:
            return _confined(ours, launch)
        except OSError as error:
            why = f"a worker could not be tried: {error}"
            return {"failed": dict.fromkeys(_MEASURES, why), "landlock": 0}
        finally:
            worker.kill()
            worker.wait()


def _confined(ours: socket.socket, launch: PluginLaunch) -> dict[str, Any]:
    talk = Conversation(Role.HOST)
    while data := ours.recv(_PIECE_BYTES):
        for said in talk.receive(data):
            if not isinstance(said, Message):
                raise OSError(said.detail)
            if said.kind is Kind.HELLO:
                ours.sendall(talk.send(Kind.SETUP, version=VERSION, confinement=launch.confinement(grouped=False)))
            elif said.kind is Kind.CONFINED:
                return dict(said.fields["report"])
    raise OSError("it ended")


_MEASURES: Final = (
    *("no_new_privileges", "memory", "cpu", "open_files", "file_size", "namespaces", "processes"),
    *("capabilities", "landlock", "system_calls"),
)


@dataclass(frozen=True, slots=True)
class _Told:
    """The guarantees for one plugin, from what was tried."""

    manifest: Manifest
    given: Granted
    online: bool
    tried: _Tried

    def all(self) -> list[Guarantee]:
        """Every one, the same aspects for every plugin."""
        return [
            self._files(), self._attributes(), self._network(), self._listening(), self._programs(), self._tracing(),
            self._signals(), self._privileges(), self._memory(), self._processes(), self._cpu(), self._precedence(),
            self._outliving(), self._environment(), self._file_size(), self._disk(),
        ]  # fmt: skip

    def _files(self) -> Guarantee:
        what = "opens no file but Python's own, those that it declares, and those of its data folder"
        return self._by(Aspect.FILES, what, "Landlock", "landlock")

    def _attributes(self) -> Guarantee:
        what = "changes the mode, owner, times and attributes of no file, and watches none"
        return self._by(Aspect.ATTRIBUTES, what, "seccomp", "system_calls")

    def _network(self) -> Guarantee:
        if not self.online:
            how = "seccomp refuses every socket"
            how += "" if "namespaces" in self.tried.failed else ", and its network namespace is empty"
            return self._by(Aspect.NETWORK, "opens no connection", how, "system_calls")
        what = "connects to no TCP port but those that it declares"
        if self.given.resolve:
            why = "UDP, which it needs to ask for addresses, goes wherever it likes: the kernel has no rules for it"
            return Guarantee(aspect=Aspect.NETWORK, what=what, enforced=False, how="", why_not=why)
        if self.tried.landlock < _PORTS:
            return self._not(Aspect.NETWORK, what, "this kernel has no Landlock rules for ports (Linux 6.7)")
        how = "Landlock; seccomp refuses every socket that is not TCP"
        return self._by(Aspect.NETWORK, what, how, "landlock", "system_calls")

    def _listening(self) -> Guarantee:
        what = "listens on no TCP port but those that it declares"
        if not self.given.listen:
            return self._by(Aspect.LISTENING, what, "seccomp", "system_calls")
        why = "it may not choose another (Landlock), but may let the kernel choose one, since it may listen at all"
        return self._not(Aspect.LISTENING, what, why)

    def _programs(self) -> Guarantee:
        if not self.given.programs:
            return self._by(Aspect.PROGRAMS, "starts no program", "seccomp", "system_calls")
        what = "executes no file but the programs that it declares, and what those need to start"
        return self._by(Aspect.PROGRAMS, what, "Landlock", "landlock")

    def _tracing(self) -> Guarantee:
        what = "looks into no other process, and changes nothing of it"
        return self._by(Aspect.TRACING, what, "seccomp; Landlock keeps it out of /proc", "system_calls", "landlock")

    def _signals(self) -> Guarantee:
        what = "sends no signal to any process but its own"
        if self.tried.landlock < _SIGNALS:
            return self._not(Aspect.SIGNALS, what, "this kernel has no Landlock rules for signals (Linux 6.12)")
        return self._by(Aspect.SIGNALS, what, "Landlock", "landlock")

    def _privileges(self) -> Guarantee:
        what = "gains no right that we do not have, and keeps none of root's"
        how = "no_new_privs, and every capability is given up"
        return self._by(Aspect.PRIVILEGES, what, how, "no_new_privileges", "capabilities")

    def _memory(self) -> Guarantee:
        what = f"holds no more than {format_quantity(self.manifest.limits.memory)}, all its processes together"
        if not self.tried.no_group:
            return self._by(Aspect.MEMORY, what, "a control group; RLIMIT_DATA for each process", "memory")
        if self.given.programs:
            why = f"{self.tried.no_group}; each process is held to it, all together only by a look every 2 s"
            return self._not(Aspect.MEMORY, what, why)
        how = "RLIMIT_DATA; what it shares is bounded by RLIMIT_AS, and looked at every 2 s"
        return self._by(Aspect.MEMORY, what, how, "memory", "system_calls")

    def _processes(self) -> Guarantee:
        limit = self.manifest.limits.tasks
        what = f"has no more than {limit} processes and threads, those of its worker among them"
        if not self.given.programs:
            return self._by(Aspect.PROCESSES, "starts no other process", "seccomp", "system_calls")
        if not self.tried.no_group:
            return self._by(Aspect.PROCESSES, what, "a control group")
        if "namespaces" in self.tried.failed:
            return self._not(
                Aspect.PROCESSES, what, f"{self.tried.no_group}; its user's other processes would count too"
            )
        return self._by(Aspect.PROCESSES, what, "RLIMIT_NPROC in a user namespace of its own", "processes")

    def _cpu(self) -> Guarantee:
        what = f"uses no more than {self.manifest.limits.cpu_time:g} s of CPU time in one life"
        if self.given.programs:
            return self._not(Aspect.CPU, what, "each process that it starts has as much again (RLIMIT_CPU)")
        return self._by(Aspect.CPU, what, "RLIMIT_CPU", "cpu", "system_calls")

    def _precedence(self) -> Guarantee:
        what = "gives way at once to who answers, while it computes"
        if self.tried.yields:
            return self._by(Aspect.PRECEDENCE, what, self.tried.yields)
        why = "no control group of ours can be idle; niceness ends at a session (autogroup), or cannot be taken back"
        return self._not(Aspect.PRECEDENCE, what, why)

    def _outliving(self) -> Guarantee:
        what = "ends with the controller, also when that is killed"
        if self.given.programs:
            why = "what it starts is ended with it; but after a kill of the controller only at its next start"
            return self._not(Aspect.OUTLIVING, what, why)
        how = "PR_SET_PDEATHSIG, which seccomp keeps it from taking back; it starts no other process"
        return self._by(Aspect.OUTLIVING, what, how, "system_calls")

    def _environment(self) -> Guarantee:
        how = "its environment is made anew, and every descriptor but its own is closed"
        what = "sees nothing of the controller's environment and open files but what it declares"
        return Guarantee(aspect=Aspect.ENVIRONMENT, what=what, enforced=True, how=how)

    def _file_size(self) -> Guarantee:
        what = f"writes no file of more than {format_quantity(self.manifest.limits.disk)}"
        return self._by(Aspect.FILE_SIZE, what, "RLIMIT_FSIZE", "file_size")

    def _disk(self) -> Guarantee:
        what = f"holds no more than {format_quantity(self.manifest.limits.disk)} in its data folder"
        why = "the kernel knows no limit for a folder; all files together are held to it by a look every 2 s"
        return self._not(Aspect.DISK, what, why)

    def _by(self, aspect: Aspect, what: str, how: str, *measures: str) -> Guarantee:
        """Enforced, if each of these measures was taken."""
        why = "; ".join(dict.fromkeys(self.tried.failed[name] for name in measures if name in self.tried.failed))
        return Guarantee(aspect=aspect, what=what, enforced=not why, how="" if why else how, why_not=why)

    def _not(self, aspect: Aspect, what: str, why: str) -> Guarantee:
        return Guarantee(aspect=aspect, what=what, enforced=False, how="", why_not=why)

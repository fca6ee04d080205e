"""What a plugin needs of the machine, and what it may take of it: the parts of a manifest that the kernel enforces.

A plugin gets what it declares, and nothing else where the kernel can hold it to that. A port, a path or a program may
be written as `$name`: it is then what the plugin's config says under that name, so that the owner who chooses another
port need not edit the plugin.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from typing_extensions import override

from brownout.api.leaves import Flag, Leaf, Text, Whole, refuse
from brownout.api.quantities import Duration, Quantity
from brownout.api.rules import Location, Rule, Ruled
from brownout.api.wire import Wire

__all__ = ["Files", "Granted", "Limits", "Needs", "Network", "granted", "granting"]

_REFERENCE: Final = re.compile(r"\$([a-zA-Z][a-zA-Z0-9]*)")
_KIB: Final = 2**10
_MIB: Final = 2**20
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, kw_only=True)
class _Port(Leaf):
    """A port, or the name of a config entry that holds one."""

    @override
    def accept(self, value: object, *, wire: bool) -> object:
        if isinstance(value, str) and _REFERENCE.fullmatch(value):
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _HIGHEST_PORT:
            refuse(f"must be a port from 1 to {_HIGHEST_PORT}, or $name for what the config says under that name")
        return value


_PATH: Final = Text(
    allowed="must be an absolute path without '..', or $name for what the config says under that name",
    pattern=r"(/[^\x00-\x1f]*|\$[a-zA-Z][a-zA-Z0-9]*)",
    longest=1024,
)
_VARIABLE: Final = Text(
    allowed="must be named by letters, digits and '_', not beginning with a digit",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*",
    longest=128,
)
_PROGRAM: Final = Text(
    allowed="must be the name of a program, such as espeak-ng, or $name for what the config says under that name",
    pattern=r"([A-Za-z0-9][A-Za-z0-9._+-]*|\$[a-zA-Z][a-zA-Z0-9]*)",
    longest=128,
)
#: Of a worker beside the hands for requests: the one that reads, the one for health and levels, and the event loop's.
_OWN_THREADS: Final = 3
#: What makes another program out of Python or of the loader, before a line of the plugin is read.
_STEERING: Final = re.compile(r"(PYTHON|LD_|BROWNOUT_)\w*")


class Network(Wire):
    """Which doors to the network it needs. None, unless it says so."""

    connect: tuple[Annotated[int | str, _Port()], ...] = Field(
        default=(), max_length=32, description="TCP ports that it connects to, on any machine."
    )
    listen: tuple[Annotated[int | str, _Port()], ...] = Field(
        default=(), max_length=32, description="TCP ports that it accepts connections on."
    )
    resolve: Annotated[bool, Flag()] = Field(
        default=False, description="Whether it asks for the addresses of names (DNS)."
    )


def _way_up(read: object, write: object) -> Location | None:
    for field, paths in (("read", read), ("write", write)):
        for at, path in enumerate(paths if isinstance(paths, list | tuple) else ()):
            if isinstance(path, str) and ".." in path.split("/"):
                return (field, at)
    return None


class Files(Ruled):
    """Which files and folders it needs, beside Python's own and its data folder."""

    read: tuple[Annotated[str, _PATH], ...] = Field(default=(), max_length=64, description="Files or folders it reads.")
    write: tuple[Annotated[str, _PATH], ...] = Field(
        default=(), max_length=64, description="Files or folders it writes, and may read."
    )

    rules: ClassVar[tuple[Rule, ...]] = (Rule(fields=("read", "write"), fault=_way_up, message=_PATH.allowed),)


def _steering(names: object) -> Location | None:
    listed = names if isinstance(names, list | tuple) else ()
    wrong = (at for at, name in enumerate(listed) if isinstance(name, str) and _STEERING.fullmatch(name))
    return next((("environment", at) for at in wrong), None)


class Needs(Ruled):
    """What it needs of the machine. What is not listed, it does not get."""

    network: Network = Field(default=Network.model_construct(), description="Doors to the network.")
    files: Files = Field(default=Files.model_construct(), description="Files and folders.")
    environment: tuple[Annotated[str, _VARIABLE], ...] = Field(
        default=(), max_length=64, description="Variables of the controller's environment that it is given."
    )
    programs: tuple[Annotated[str, _PROGRAM], ...] = Field(
        default=(), max_length=16, description="Programs of the machine that it starts, as they are found on the PATH."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("environment",),
            fault=_steering,
            message="must not be a variable that steers Python, the loader or the controller",
        ),
    )


class Limits(Wire):
    """How much of the machine it may take. Beyond, it is refused, or ended; nobody else notices."""

    memory: Annotated[int, Quantity(at_least=16 * _MIB)] = Field(
        default=256 * _MIB, description="Most memory, of all its processes."
    )
    cpu_time: Annotated[float, Duration(at_least=1.0)] = Field(
        default=3600.0, description="CPU time that it may use in one life; then it is ended, and started anew."
    )
    open_files: Annotated[int, Whole(at_least=16, at_most=65536)] = Field(
        default=64, description="Most files and sockets that it holds open."
    )
    disk: Annotated[int, Quantity(at_least=64 * _KIB)] = Field(
        default=256 * _MIB, description="Most that its data folder takes of the disk, and the largest file it writes."
    )
    processes: Annotated[int, Whole(at_least=1, at_most=1024)] = Field(
        default=16, description="Most processes and threads, beside the threads of the worker itself."
    )
    request_timeout: Annotated[float, Duration(at_least=0.01, at_most=600)] = Field(
        default=5.0, description="Time that it is given for one request."
    )
    concurrency: Annotated[int, Whole(at_least=1, at_most=256)] = Field(
        default=4, description="Most requests that it is given at once."
    )
    queue: Annotated[int, Whole(at_least=0, at_most=10000)] = Field(
        default=16, description="Most requests that wait for it; further ones are refused at once."
    )

    @property
    def tasks(self) -> int:
        """Most tasks, as the kernel counts them: what the manifest allows, and the threads of the worker itself."""
        return self.processes + self.concurrency + _OWN_THREADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The needs of a plugin with one config: no `$name` is left, and each thing stands once."""

    connect: tuple[int, ...] = ()
    listen: tuple[int, ...] = ()
    resolve: bool = False
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


def granted(needs: Needs, config: Mapping[str, Any]) -> Granted:
    """What a plugin with this config, which has been checked, is to be given. A `$name` without a value gives nothing.

    What a config puts in is held to the same bounds as what the manifest says; what does not fit gives nothing either.
    """
    return Granted(
        connect=tuple(_ports(needs.network.connect, config)),
        listen=tuple(_ports(needs.network.listen, config)),
        resolve=needs.network.resolve,
        read=tuple(_texts(needs.files.read, config, _absolute)),
        write=tuple(_texts(needs.files.write, config, _absolute)),
        environment=needs.environment,
        programs=tuple(_texts(needs.programs, config, _startable)),
    )


def granting(needs: Needs) -> frozenset[str]:
    """The names in a config that say what the plugin is to be given of the machine."""
    network, files = needs.network, needs.files
    items = (*network.connect, *network.listen, *files.read, *files.write, *needs.programs)
    matches = (_REFERENCE.fullmatch(item) for item in items if isinstance(item, str))
    return frozenset(match[1] for match in matches if match)


def _values(items: Iterable[Any], config: Mapping[str, Any]) -> list[Any]:
    """The items with what stands for each `$name`; a list stands for all that it holds."""
    found: list[Any] = []
    for item in items:
        match = _REFERENCE.fullmatch(item) if isinstance(item, str) else None
        value = config.get(match[1]) if match else item
        found.extend(value if isinstance(value, list | tuple) else [value])
    return list(dict.fromkeys(found))


def _ports(items: Iterable[Any], config: Mapping[str, Any]) -> list[int]:
    return [each for each in _values(items, config) if type(each) is int and 1 <= each <= _HIGHEST_PORT]


def _texts(items: Iterable[Any], config: Mapping[str, Any], fits: "re.Pattern[str]") -> list[str]:
    values = (each for each in _values(items, config) if isinstance(each, str) and ".." not in each.split("/"))
    return [each for each in values if fits.fullmatch(each)]


_absolute: Final = re.compile(r"/[^\x00-\x1f]*")
_startable: Final = re.compile(r"/[^\x00-\x1f]+|[A-Za-z0-9][A-Za-z0-9._+-]*")

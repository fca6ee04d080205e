"""What an integration switches on and off: a program, a plugin, anything with a scale subresource, or a systemd unit.

Every value here ends as an argument of a program, an environment variable, or part of a URL of the API server. No
shell ever sees one, so `;` and `$(...)` are harmless text; refused is what could be taken for an option, a path, a
pattern, or the end of a string. LD_PRELOAD and the like are allowed: whoever may write the command may run any program
anyway.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from brownout.api.leaves import Choice, Text, cel_string
from brownout.api.metadata import NAME
from brownout.api.rules import Location, Rule, Ruled
from brownout.api.wire import Wire

__all__ = [
    "PLUGIN_NAME",
    "RUNNABLE",
    "CommandWorkload",
    "LevelSignal",
    "Load",
    "PluginWorkload",
    "ScaleWorkload",
    "SystemdWorkload",
    "Workload",
    "WorkloadKind",
]

NO_WAY_UP: Final = "must be a path without '..'; a relative one starts at the watched directory"
VARIABLE: Final = "must be named by letters, digits and '_', not beginning with a digit"
OWN_UNIT: Final = "must not be a unit that the machine or the controller itself rests on"
_RESERVED_UNITS: Final = (
    r"(systemd-|dbus|init\.|user[@.-]|system\.|machine\.|-|brownout\.|basic\.|sysinit\.|multi-user\.|graphical\.|default\.|"
    r"rescue\.|emergency\.|local-fs|remote-fs|network|sockets\.|timers\.|slices\.|paths\.|shutdown\.|reboot\.|poweroff\.|halt\.)"
)
_UNIT: Final = Text(
    allowed="must be the name of a systemd unit such as voice.service (.service, .socket, .timer, .slice or .target)",
    pattern=r"[A-Za-z0-9_][A-Za-z0-9:_.\\-]*(@[A-Za-z0-9:_.\\-]*[A-Za-z0-9:_\\-])?\.(service|socket|timer|slice|target)",
    longest=255,
)
PLUGIN_NAME: Final = Text(
    allowed="must be a lowercase name of letters, digits, '-' and '_', such as voice",
    pattern=r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?",
    longest=63,
)
_GROUP_VERSION: Final = Text(
    allowed="must be an API version such as apps/v1",
    pattern=r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?",
)
_KIND: Final = Text(allowed="must be a kind such as Deployment", pattern=r"[A-Z][A-Za-z0-9]*", longest=63)
_ARGUMENT: Final = Text(longest=32768)
_VALUE: Final = Text(longest=32768)
_DIRECTORY: Final = Text(allowed=NO_WAY_UP, pattern=r"[^\x00-\x1f]+", longest=1024)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Environment = dict[str, Annotated[str, _VALUE]]


def _not_a_program(argv: object) -> Location | None:
    first = argv[0] if isinstance(argv, list | tuple) and argv else "unknown"
    return ("argv", 0) if isinstance(first, str) and (not first or first.startswith("-")) else None


def _way_up(directory: object) -> Location | None:
    return ("workingDirectory",) if isinstance(directory, str) and ".." in directory.split("/") else None


def _misnamed_variable(env: object) -> Location | None:
    names = env if isinstance(env, Mapping) else {}
    wrong = sorted(name for name in names if isinstance(name, str) and not _VARIABLE.fullmatch(name))
    return ("env", wrong[0]) if wrong else None


#: What an argv of any field must begin with.
RUNNABLE: Final = Rule(
    fields=("argv",),
    fault=_not_a_program,
    message="the first of argv must be a program: not empty, and not beginning with '-'",
    cel="size(self.argv) == 0 || self.argv[0].matches('^[^-]')",
)


class WorkloadKind(StrEnum):
    """Which of the four an integration switches."""

    COMMAND = "command"
    PLUGIN = "plugin"
    SCALE = "scale"
    SYSTEMD = "systemd"


class LevelSignal(StrEnum):
    """The signals that may tell a program to look at its level."""

    HANGUP = "SIGHUP"
    USER_1 = "SIGUSR1"
    USER_2 = "SIGUSR2"


class CommandWorkload(Ruled):
    """A program that is started, supervised and ended. No shell is involved."""

    argv: tuple[Annotated[str, _ARGUMENT], ...] = Field(
        min_length=1, max_length=256, description="The program and its arguments, each by itself."
    )
    env: Environment = Field(
        default_factory=dict, max_length=128, description="Environment variables, added to the controller's own few."
    )
    working_directory: Annotated[str, _DIRECTORY] | None = Field(
        default=None, description="Where the program starts; a relative path starts at the watched directory."
    )
    level_signal: Annotated[LevelSignal, Choice(of=LevelSignal)] | None = Field(
        default=None,
        description="Tells the running program that its level has changed, which stands in the file that "
        "BROWNOUT_LEVEL_FILE names. Absent: the program is started anew at each level.",
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        RUNNABLE,
        Rule(
            fields=("working_directory",),
            fault=_way_up,
            message=NO_WAY_UP,
            cel=r"!has(self.workingDirectory) || !self.workingDirectory.matches('(^|/)[.][.](/|$)')",
        ),
        # CEL could say it of each key, but the API server reckons keys as unbounded and refuses the CRD for its cost.
        Rule(fields=("env",), fault=_misnamed_variable, message=VARIABLE),
    )


class Load(StrEnum):
    """When a plugin's module is run: with its first request, or as soon as its integration is enabled."""

    LAZY = "Lazy"
    EAGER = "Eager"


class PluginWorkload(Wire):
    """A plugin of the plugin directory or of an installed package, run in a process of its own."""

    name: Annotated[str, PLUGIN_NAME] = Field(description="Name of the plugin.")
    config: dict[str, Any] = Field(default_factory=dict, description="What the plugin is given at its start.")
    load: Annotated[Load, Choice(of=Load)] | None = Field(
        default=None,
        description="Whether it starts with its first request (Lazy) or at once (Eager). Absent: as the plugin says.",
    )


class ScaleWorkload(Wire):
    """Anything in the same namespace that has a scale subresource. Its replicas are set to 0 and back."""

    api_version: Annotated[str, _GROUP_VERSION] = Field(description="API version of the target, such as apps/v1.")
    kind: Annotated[str, _KIND] = Field(description="Kind of the target, such as Deployment.")
    name: Annotated[str, NAME] = Field(description="Name of the target.")


class SystemdWorkload(Ruled):
    """A systemd unit that is started and stopped."""

    unit: Annotated[str, _UNIT] = Field(description="Name of the unit, with its suffix: voice.service.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=("unit",),
            fault=lambda unit: ("unit",) if re.match(_RESERVED_UNITS, unit) else None,
            message=OWN_UNIT,
            cel=f"!self.unit.matches({cel_string('^' + _RESERVED_UNITS)})",
        ),
    )


class Workload(Ruled):
    """What the integration switches on and off: exactly one of the four."""

    command: CommandWorkload | None = Field(default=None, description="A program (single box).")
    plugin: PluginWorkload | None = Field(default=None, description="A plugin.")
    scale: ScaleWorkload | None = Field(default=None, description="Anything with a scale subresource (Kubernetes).")
    systemd: SystemdWorkload | None = Field(default=None, description="A systemd unit (single box).")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            fields=tuple(WorkloadKind),
            fault=lambda *kinds: None if sum(kind is not None for kind in kinds) == 1 else (),
            message="exactly one of command, plugin, scale and systemd must be set",
            cel="[has(self.command), has(self.plugin), has(self.scale), has(self.systemd)]"
            ".filter(set, set).size() == 1",
        ),
    )

    @property
    def kind(self) -> WorkloadKind:
        """Which one is set."""
        return next(kind for kind in WorkloadKind if getattr(self, kind) is not None)

    @property
    def target(self) -> str:
        """Name what is switched, so that two with one target can be told; empty where sharing is harmless."""
        if self.scale is not None:
            group = self.scale.api_version.rpartition("/")[0]
            return f"{self.scale.kind}.{group}/{self.scale.name}" if group else f"{self.scale.kind}/{self.scale.name}"
        return f"systemd/{self.systemd.unit}" if self.systemd is not None else ""

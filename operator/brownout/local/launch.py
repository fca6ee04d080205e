"""What exactly is run for an integration at a level: argv, environment, folder, and the marks to find it again.

Pure: it starts nothing. Two launches with one `spec` hash are the same thing to run; the controller's own
environment is no part of the hash, or a restart from another shell would replace every child.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from brownout.api.integration import Integration, Level
from brownout.api.workload import CommandWorkload
from brownout.disk.atomic import file_stem

__all__ = ["INTEGRATION_MARK", "LEVELS_FOLDER", "LEVEL_MARK", "SPEC_MARK", "STATE_MARK"]
__all__ += ["Launch", "inherited", "launch_of", "launches_of"]

#: Set in the environment of every child and inherited by what it starts. They tell whose a process is, also after
#: the controller was killed, and reach the child that was spawned in the moment before, which a pid file written
#: after the spawn would miss.
STATE_MARK: Final = "BROWNOUT_STATE"
INTEGRATION_MARK: Final = "BROWNOUT_INTEGRATION"
LEVEL_MARK: Final = "BROWNOUT_LEVEL"
SPEC_MARK: Final = "BROWNOUT_SPEC"

#: Where a program that is told of its level by a signal reads it, and in which folder of the state that is.
LEVEL_FILE: Final = "BROWNOUT_LEVEL_FILE"
LEVELS_FOLDER: Final = "levels"

#: What a program needs of the controller's environment to find its way about. The rest stays here: it may hold secrets.
_PASSED: Final = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "TMPDIR"})
_PASSED_PREFIXES: Final = ("LC_", "XDG_")
_HASH_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything needed to start a program once. `spec` identifies it; `grace_s` is how long it may take to finish.

    `signal` tells a running one that its level has changed; without it each level is a program of its own. `config` is
    the level's.
    """

    key: str
    level: str
    spec: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    directory: Path
    grace_s: float
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    signal: str | None = None

    def environment(self, own: Mapping[str, str], state: str) -> Mapping[str, str]:
        """The child's whole environment; `own` is the controller's, `state` the real path of the state folder."""
        passed = inherited(own)
        marks = {STATE_MARK: state, INTEGRATION_MARK: self.key, LEVEL_MARK: self.level, SPEC_MARK: self.spec}
        place = {LEVEL_FILE: f"{state}/{LEVELS_FOLDER}/{file_stem(self.key)}.json"} if self.signal else {}
        return MappingProxyType({**passed, **self.env, **marks, **place})


def inherited(own: Mapping[str, str]) -> Mapping[str, str]:
    """What a program that we start is given of the controller's own environment."""
    return {name: value for name, value in own.items() if _is_passed(name)}


def _is_passed(name: str) -> bool:
    return name in _PASSED or name.startswith(_PASSED_PREFIXES)


def launch_of(key: str, integration: Integration, level: Level | None, directory: Path) -> Launch | None:
    """The launch at a level; None where the workload is not a command. Relative folders start at `directory`."""
    command = integration.spec.workload.command
    if command is None:
        return None
    name = level.name if level else ""
    config = _level_env(level) if level else {}
    env = {**command.env, **config}
    place = directory / (command.working_directory or "")
    return Launch(
        key=key,
        level=name,
        spec=_hash_of_all(command, integration, place) if command.level_signal else _hash(command, env, place, name),
        argv=command.argv,
        env=MappingProxyType(env),
        directory=place,
        grace_s=integration.spec.stop.grace,
        config=MappingProxyType(dict(config)),
        signal=command.level_signal,
    )


def launches_of(key: str, integration: Integration, directory: Path) -> Iterator[Launch]:
    """The launches at every level: what a process that was found may be an instance of."""
    for level in integration.spec.levels or (None,):
        launch = launch_of(key, integration, level, directory)
        if launch is not None:
            yield launch


def _level_env(level: Level) -> Mapping[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in level.config.items()}


def _hash_of_all(command: CommandWorkload, integration: Integration, place: Path) -> str:
    """The same at every level, for it is one program; another one once any of its levels is edited."""
    levels = json.dumps([[level.name, sorted(_level_env(level).items())] for level in integration.spec.levels])
    return _hash(command, command.env, place, f"{command.level_signal} {levels}")


def _hash(command: CommandWorkload, env: Mapping[str, str], place: Path, level: str) -> str:
    """Tell apart what is run. The name of the level counts: a program may read it from its environment."""
    run = json.dumps([command.argv, sorted(env.items()), str(place), level], ensure_ascii=False)
    return sha256(run.encode()).hexdigest()[:_HASH_CHARACTERS]

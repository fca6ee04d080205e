"""What exactly is run of a plugin: its checked bytes, its config at a level, what it is given, and nothing else.

Starts nothing; it looks at the machine for the programs that a plugin declares. Two launches with one `spec` are the
same thing to run.
"""

import base64
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from brownout.engine.secrecy import COVER
from brownout.pluginhost.found import Found
from brownout.pluginhost.needs import Granted, Limits, granted
from brownout.pluginhost.programs import runnable
from brownout.pluginhost.setting import secret_texts

__all__ = ["HOST_MARK", "RUN_MARK", "PluginLaunch", "launch_of"]

#: In the environment of each worker, and inherited by what it starts: whose it is, also after the host was killed.
HOST_MARK: Final = "BROWNOUT_PLUGIN_HOST"
RUN_MARK: Final = "BROWNOUT_PLUGIN_RUN"

_HASH_CHARACTERS: Final = 16
#: Where this package is found, installed or not; the worker finds it there too, for -I passes PYTHONPATH over.
ROOT: Final = Path(__file__).resolve().parent.parent.parent
_BOOT: Final = "import sys; sys.path.append(sys.argv[2]); from brownout.pluginhost.worker import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginLaunch:
    """Everything needed to start a plugin once. `folder` is its own; `level` empty where it has none.

    `spec` identifies what is run, `base` the same whatever its level.
    """

    key: str
    found: Found
    level: str
    config: Mapping[str, Any] = field(repr=False)
    folder: Path
    spec: str
    base: str

    @property
    def limits(self) -> Limits:
        """How much of the machine it may take."""
        return self.found.manifest.limits

    @property
    def granted(self) -> Granted:
        """What it is given of the machine."""
        return granted(self.found.manifest.needs, self.config)

    def covered(self, text: str) -> str:
        """What the plugin says, without the secrets of its config."""
        for secret in secret_texts(self.found.manifest.config, self.config):
            text = text.replace(secret, COVER)
        return text

    def argv(self, socket: int) -> tuple[str, ...]:
        """The command line of its worker. -S: no `sitecustomize` and no `.pth` file of anybody runs in there."""
        return (sys.executable, "-I", "-S", "-B", "-u", "-c", _BOOT, str(socket), str(ROOT))

    def environment(self, own: Mapping[str, str], host: str, run: str) -> dict[str, str]:
        """The worker's whole environment; `own` is ours, of which it gets what it declares."""
        asked = {name: own[name] for name in self.granted.environment if name in own}
        return {
            "PATH": own.get("PATH", os.defpath) if self.granted.programs else os.defpath,
            "LANG": "C.UTF-8",
            "MALLOC_ARENA_MAX": "2",  # each arena of each thread reserves 64 MiB, and a plugin has few threads
            **({"TZ": own["TZ"]} if "TZ" in own else {}),
            **asked,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            HOST_MARK: host,
            RUN_MARK: run,
        }

    def confinement(self, *, grouped: bool) -> dict[str, Any]:
        """What the worker is to confine itself to; `grouped`: a control group counts its memory."""
        given, limits = self.granted, self.limits
        return {
            "memory_bytes": limits.memory,
            "grouped": grouped,
            "cpu_s": limits.cpu_time,
            "open_files": limits.open_files,
            "file_bytes": limits.disk,
            "processes": limits.tasks,
            "folder": str(self.folder),
            "read": [*given.read, *self.paths()],
            "write": [*given.write],
            "devices": ["/dev/null"],
            "execute": runnable(given.programs),
            "network": self.online,
            "connect": [*given.connect, *((53,) if given.resolve else ())],  # DNS goes over TCP where an answer is long
            "listen": [*given.listen],
            "resolve": given.resolve,
        }

    def document(self) -> dict[str, Any]:
        """What the worker is to load."""
        manifest = self.found.manifest
        return {
            "name": manifest.name,
            "version": manifest.version,
            "file": str(Path(self.found.folder) / manifest.module),
            "attribute": manifest.attribute,
            "source": base64.b64encode(self.found.module_bytes).decode(),
            "level": self.level,
            "paths": self.paths(),
            "concurrency": manifest.limits.concurrency,
            "network": self.online,
        }

    @property
    def online(self) -> bool:
        """Whether it is given any network at all."""
        given = self.granted
        return bool(given.connect or given.listen or given.resolve)

    def paths(self) -> list[str]:
        """Where it finds the installed packages that it declares; nowhere, where it declares none."""
        if not self.found.manifest.packages:
            return []
        return sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})


def launch_of(
    key: str, found: Found, folder: Path, *, level: str, config: Mapping[str, Any], base: Mapping[str, Any]
) -> PluginLaunch:
    """The launch of a plugin for an integration, with a config that was checked; `base` is it without the level."""
    return PluginLaunch(
        key=key,
        found=found,
        level=level,
        config=config,
        folder=folder,
        spec=_hash(found.sha256, level, dict(config)),
        base=_hash(found.sha256, dict(base)),
    )


def _hash(*parts: object) -> str:
    said = json.dumps(parts, sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()[:_HASH_CHARACTERS]

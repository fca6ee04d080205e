"""The settings of one run: what the command line chose, as a value that survives an exec.

The command line (typer, rich) costs about 10 MB that a controller does not need, so `brownout run` parses, then
replaces itself by `python -m brownout.bootstrap SETTINGS`, which imports neither.
"""

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from brownout.core.errors import ControllerFault

#: What asks a controller to end: a supervisor, Ctrl-C, a terminal that is closed.
ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: aiohttp reads the machine's certificate authorities when it is imported, to be ready for connections that a box never
#: makes. The controller forgets this again at once; what it starts gets an environment that never had it.
NO_AUTHORITIES: Final = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
#: Lists of signals and quoting of URLs need no compiled code: that of frozenlist alone brings libstdc++ with it, 1 MiB.
#: Columns in tracebacks take another 0.5 MiB. This too is for the controller alone.
LEAN: Final = {
    "FROZENLIST_NO_EXTENSIONS": "1",
    "PROPCACHE_NO_EXTENSIONS": "1",
    "YARL_NO_EXTENSIONS": "1",
    "PYTHONNODEBUGRANGES": "1",
}


class HomeMode(StrEnum):
    """Which home to run."""

    AUTO = "auto"
    KUBE = "kube"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths are absolute. `directory` None: none was named. `plugins` None: `plugins` in the directory."""

    mode: HomeMode = HomeMode.AUTO
    directory: str | None = None
    plugins: str | None = None
    state: str
    listen: str = "127.0.0.1:8321"
    allow_hosts: tuple[str, ...] = ()
    token_file: str | None = None
    dry_run: bool = False
    node: str = ""
    kubeconfig: str | None = None
    log_format: str = "auto"
    log_level: str = "info"
    table: bool = False

    def to_json(self) -> str:
        """For the argument of the process that runs it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """The settings again. Raises ControllerFault: only our own command line writes them."""
        try:
            read = json.loads(text)
            read["mode"] = HomeMode(read["mode"])
            read["allow_hosts"] = tuple(read["allow_hosts"])
            return cls(**read)
        except (ValueError, TypeError, KeyError) as error:
            raise ControllerFault(f"settings cannot be read: {error}", advice="start it with `brownout run`") from None


def plugins_of(directory: Path) -> Path:
    """Where the plugins of a directory of integrations lie unless told otherwise: beside them."""
    return directory / "plugins"


def default_state(environ: Mapping[str, str] = os.environ) -> Path:
    """Where state lives unless told otherwise: under the user's XDG state home."""
    home = environ.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path("~/.local/state").expanduser()
    return base / "brownout"

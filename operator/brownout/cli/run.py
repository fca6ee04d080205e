"""`brownout run`: the controller. Parses, then becomes the process that runs it, without the command line's memory."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from brownout.bootstrap.settings import ENDING, LEAN, NO_AUTHORITIES, HomeMode, Settings, default_state
from brownout.cli.usage import wrong_usage
from brownout.core.errors import InvalidInput
from brownout.gateway.address import DEFAULT, parse_address
from brownout.telemetry.logs import LogFormat, level_of

# glibc gives every thread an arena of its own; with one, a controller with some threads stays about 3 MB smaller.
# Freed memory above 128 KiB at the top of the heap goes back to the kernel: memory is our subject.
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}


def run(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder with the integrations' files.")
    ] = None,
    mode: Annotated[HomeMode, typer.Option(help="Which home: a cluster, or this box.")] = HomeMode.AUTO,
    state: Annotated[Path | None, typer.Option(help="Folder for status, history and logs.")] = None,
    plugins: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the plugins; else DIR/plugins.")
    ] = None,
    listen: Annotated[str, typer.Option(metavar="ADDR:PORT|none", help="Where the gateway listens.")] = DEFAULT,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Further Host names the gateway answers to.")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="Token of the gateway; else one in the state folder.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, record and show, but switch nothing.")] = False,
    node: Annotated[str, typer.Option(envvar="NODE_NAME", help="The node this agent is responsible for.")] = "",
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubeconfig to use in place of kubectl's.")] = None,
    log_format: Annotated[LogFormat, typer.Option(help="Text in a terminal, JSON elsewhere.")] = LogFormat.AUTO,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the controller until it is interrupted.

    Example: brownout run ./integrations --state ./state
    """
    _check_folders(directory, state, plugins)
    with wrong_usage():
        parse_address(listen)
        level_of(log_level)
    settings = Settings(
        mode=mode,
        directory=str(directory.resolve()) if directory else None,
        plugins=str(plugins.resolve()) if plugins else None,
        state=str((state or default_state()).absolute()),
        listen=listen,
        allow_hosts=tuple(allow_host or ()),
        token_file=str(token_file.absolute()) if token_file else None,
        dry_run=dry_run,
        node=node,
        kubeconfig=str(kubeconfig.absolute()) if kubeconfig else None,
        log_format=log_format.value,
        log_level=log_level,
        table=sys.stdout.isatty(),
    )
    _become(settings)


def _become(settings: Settings) -> None:
    argv, environment = controller_command(settings)
    sys.stdout.flush()
    # Held back until the controller listens to them: they stay blocked over the exec, and are not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.execve(argv[0], argv, environment)  # noqa: S606 - no shell is the point


def _check_folders(directory: Path | None, state: Path | None, plugins: Path | None) -> None:
    if directory is not None and not directory.is_dir():
        raise InvalidInput(f"{directory} is not a folder", advice="name the folder that holds the integrations' files")
    if state is not None and state.exists() and not state.is_dir():
        raise InvalidInput(f"{state} is not a folder", advice="name one for the state, or none to use the default")
    if plugins is not None and not plugins.is_dir():
        raise InvalidInput(f"{plugins} is not a folder", advice="name the folder that holds the plugins' folders")


def controller_command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """The argv and the environment of a controller with these settings.

    `-P` keeps the working directory off the path: a file `types.py` in it must not become ours. The package is found
    where this one was, which matters for a source checkout that is not installed. A box does without docstrings
    (`-OO`: 2.3 MiB) and certificate authorities (1.6 MiB).
    """
    box = settings.directory is not None and settings.mode is not HomeMode.KUBE
    argv = [sys.executable, *(("-OO",) if box else ()), "-P", "-m", "brownout.bootstrap", settings.to_json()]
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(dict.fromkeys(filter(None, [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])))
    return argv, {**ALLOCATOR, **os.environ, **(NO_AUTHORITIES | LEAN if box else {}), "PYTHONPATH": path}

"""The command line: what a person types. Each command stands in a file of its own; this one joins them.

Errors go to standard error in one sentence, never as a traceback. Exit codes: 0 done, 1 the answer is no or the input
is wrong, 2 wrong usage, 130 interrupted.
"""

import os
import signal
import sys
from types import FrameType

import typer

from brownout import __version__
from brownout.cli.crds import crds
from brownout.cli.demo import demo
from brownout.cli.explain import explain
from brownout.cli.get import get
from brownout.cli.history import history
from brownout.cli.run import run
from brownout.cli.validate import validate
from brownout.core.errors import BrownoutError

INTERRUPTED = 130

app = typer.Typer(
    name="brownout",
    help="Lowers the least important integrations before memory runs out, brings them back, and says why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, get, explain, validate, history, crds, demo):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brownout {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Options of the program itself."""


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    sys.exit(INTERRUPTED)


def main() -> None:
    """Run the command line; ends the process."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        app()
    except BrownoutError as error:
        sys.stderr.write(f"brownout: {error}\n")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has gone (`| head`): nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)

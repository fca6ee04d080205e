"""The command line: what a person types. Each command stands in a file of its own, and is imported by lazy.py.

Errors go to standard error in one sentence, never as a traceback. Exit codes: 0 done, 1 the answer is no or the input
is wrong, 2 wrong usage, 130 interrupted.
"""

import errno
import io
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import typer

from brownout import __version__
from brownout.cli.lazy import LazyGroup
from brownout.cli.streams import flush, let_go, stand_in
from brownout.core.errors import BrownoutError, describe

INTERRUPTED = 130
_ROOM = ": make room on the disk that holds its files, or name a folder on another"

app = typer.Typer(
    name="brownout",
    cls=LazyGroup,
    help="Lowers the least important integrations before memory runs out, brings them back, and says why.\n\n"
    "Example: brownout run ./integrations",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    stand_in()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name of a file may be no text, a terminal may know ASCII alone
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            app(prog_name="brownout")
        finally:
            flush()
    except BrownoutError as error:
        _refuse(str(error))
    except BrokenPipeError:  # the reader of our output has gone (`| head`): nothing is left to say
        let_go()
        sys.exit(1)
    except OSError as error:
        _refuse(_of_system(error))
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user, not even that of our own mistake
        _refuse(f"this is a fault of brownout, please report it: {type(error).__name__}: {error}")


def _of_system(error: OSError) -> str:
    """What the system refused, of which file if it says so, and what to do where that is known."""
    what = error.strerror or describe(error)
    advice = _ROOM if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{error.filename}: {what}{advice}" if error.filename else f"{what}{advice}"


def _refuse(why: str) -> NoReturn:
    """One line on standard error, and the exit code for it."""
    with suppress(OSError):  # nobody can be told
        sys.stderr.write(f"brownout: {_on_one_line(why)}\n")
    let_go()
    sys.exit(1)


def _on_one_line(text: str) -> str:
    """What a terminal shows as it stands: a name that was typed may hold what would steer it."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in " ".join(text.split()))

"""`brownout budget run`: any program under a budget. Parses, then becomes the process that wraps it (bootstrap)."""

import os
import re
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from brownout.api.duration_text import InvalidDuration, parse_duration
from brownout.bootstrap.settings import default_state
from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.cli.options import chosen
from brownout.cli.usage import wrong_usage
from brownout.core.budget.document import limits_from
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import checked_name
from brownout.core.errors import InvalidInput
from brownout.gateway.passing_on import check_upstream
from brownout.local.relay import hold_back

SIGNALS: Final = ("USR1", "USR2", "HUP", "INT")
#: What a budget is that nobody says anything of.
DEFAULT_LIMITS: Final = {"duration": "1h", "tokens": 1_000_000, "apiCalls": 1000}
# `-P` keeps the working directory off the path; the environment is the program's, so nothing is put into it.
_PROGRAM: Final = (
    "import sys; root = sys.argv.pop(1); sys.path.insert(0, root); "
    "from brownout.bootstrap.wrapper import main; sys.exit(main(sys.argv[1:]))"
)

Duration = Annotated[str | None, typer.Option(metavar="DURATION", help="Limit of time, such as 90s, 30m or 1h30m.")]
Tokens = Annotated[int | None, typer.Option(min=0, metavar="N", help="Limit of tokens.")]
ApiCalls = Annotated[int | None, typer.Option(min=0, metavar="N", help="Limit of API calls.")]


def run(
    command: Annotated[list[str], typer.Argument(metavar="CMD", help="The program and its arguments, after --.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the run; one is made up without.")] = None,
    duration: Duration = None,
    tokens: Tokens = None,
    api_calls: ApiCalls = None,
    warn_at: Annotated[
        list[str] | None,
        typer.Option(metavar="[LIMIT=]PERCENT", help="Approaching from here on; 80, and also tokens=90 for one."),
    ] = None,
    finish_at: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Who has done so much may finish though approaching: 80.")
    ] = None,
    grace: Annotated[str, typer.Option(metavar="DURATION", help="Time to end in, once asked to.")] = "30s",
    strict: Annotated[
        bool, typer.Option("--strict", help="Who says nothing of its progress has done nothing, and may not finish.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Continue this run, with what it has used and kept.")
    ] = None,
    proxy: Annotated[
        str | None, typer.Option(metavar="URL", help="Count what passes to this OpenAI-compatible API.")
    ] = None,
    signal: Annotated[
        str | None, typer.Option(metavar="|".join(SIGNALS), help="Also tell the program by this signal.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", readable=False, help="State folder that keeps the run.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line with bars, no summary.")] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="json", help="The summary as JSON, on standard error.")
    ] = "",
    summary: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the summary there, as JSON.")] = None,
) -> None:
    """Run any program under a budget: warned in time, let finish, else stopped gracefully.

    Without any limit: an hour, 1000000 tokens and 1000 API calls. Ends with the program's own exit code, or with 124
    where a limit stopped it, 123 where it approached one with too much left to do, 122 after `brownout budget stop`.

    Example: brownout budget run --duration 1h --tokens 1000000 --api-calls 1000 -- python agent.py
    """
    chosen(output, ("", "json"), "an output")
    if signal is not None:
        signal = chosen(signal.upper().removeprefix("SIG"), SIGNALS, "a signal to tell by")
    if name is not None and resume is not None:
        raise typer.BadParameter("--resume names the run already: give no --name with it")
    limits = limits_of(duration, tokens, api_calls, warn_at=warn_at, finish_at=finish_at)
    if not resume and not limits.keys() & DEFAULT_LIMITS:
        limits |= DEFAULT_LIMITS
    _check_folder(state)
    with wrong_usage():
        settings = WrapSettings(
            name=checked_name(resume or name or made_up_name(command[0])),
            state=str((state or default_state()).absolute()),
            limits=limits,
            resume=resume is not None,
            grace_s=seconds(grace),
            strict=strict,
            signal=signal,
            upstream=None if proxy is None else check_upstream(proxy),
            quiet=quiet,
            json_summary=output == "json",
            summary_file=str(summary.absolute()) if summary else None,
        )
    _become(settings, command)


def limits_of(
    duration: str | None,
    tokens: int | None,
    api_calls: int | None,
    *,
    warn_at: list[str] | None = None,
    finish_at: float | None = None,
) -> dict[str, Any]:
    """The document of the limits that were given; wrong usage where one of them is wrong."""
    given = {"duration": duration, "tokens": tokens, "apiCalls": api_calls, "finishAt": finish_at, **_warnings(warn_at)}
    if duration is not None:
        seconds(duration)
    document = {name: value for name, value in given.items() if value is not None}
    with wrong_usage():
        limits_from(document)
    return document


def seconds(text: str) -> float:
    """The seconds of a duration; anything else is wrong usage."""
    try:
        return parse_duration(text)
    except InvalidDuration:
        raise typer.BadParameter(f'"{text}" is not a duration: write it like 30s, 10m or 1h30m') from None


def made_up_name(program: str) -> str:
    """A name for a run of this program that no other run has."""
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", Path(program).name).strip(".-")[:40]
    return f"{stem or 'run'}-{secrets.token_hex(3)}"


def _warnings(given: list[str] | None) -> dict[str, Any]:
    """`80` is for all limits, `tokens=90` for one."""
    found: dict[str, Any] = {}
    each: dict[str, float] = {}
    for text in given or ():
        measure, equals, percent = text.rpartition("=")
        try:
            number = float(percent)
        except ValueError:
            raise typer.BadParameter(f'"{text}" is not a percentage: write 80, or tokens=90') from None
        if not equals:
            found["warnAt"] = number
        elif (word := _MEASURES.get(measure)) is None:
            raise typer.BadParameter(f'"{measure}" is not a limit: use one of {", ".join(_MEASURES)}')
        else:
            each[word] = number
    return {**found, **({"warnAtEach": each} if each else {})}


_MEASURES: Final = {"duration": Measure.DURATION, "tokens": Measure.TOKENS, "api-calls": Measure.API_CALLS}


def _check_folder(state: Path | None) -> None:
    if state is not None and state.exists() and not state.is_dir():
        raise InvalidInput(f"{state} is not a folder", advice="name one for the state, or none to use the default")


def _become(settings: WrapSettings, command: list[str]) -> None:
    """Replace this process by the wrapper, which does without what the command line has loaded."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Held back until the wrapper listens: they stay blocked over the exec, and are not lost.
    hold_back()
    argv = [*wrapper_argv(settings), *command]
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the point


def wrapper_argv(settings: WrapSettings) -> list[str]:
    """The argv of a wrapper with these settings, to which the program's own is added."""
    root = str(Path(__file__).resolve().parents[2])
    return [sys.executable, "-P", "-c", _PROGRAM, root, settings.to_json()]

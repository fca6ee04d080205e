"""`brownout budget run`: any program under a budget. Parses, then becomes the process that wraps it (bootstrap)."""

import os
import re
import secrets
import sys
from pathlib import Path
from typing import Any, Final

import typer

from brownout.api.duration_text import InvalidDuration, parse_duration
from brownout.bootstrap.settings import default_state
from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.cli.budget_options import (
    SIGNALS,
    ApiCalls,
    Command,
    Duration,
    FinishAt,
    Grace,
    Keep,
    Proxy,
    Quiet,
    Resume,
    RunName,
    Signal,
    Strict,
    SummaryFile,
    SummaryJson,
    Tokens,
    WarnAt,
)  # fmt: skip
from brownout.cli.options import chosen
from brownout.cli.usage import wrong_usage
from brownout.core.budget.document import limits_from
from brownout.core.budget.measure import Measure
from brownout.core.budget.run import checked_name
from brownout.gateway.passing_on import check_upstream
from brownout.local.relay import hold_back

#: What a budget is that nobody says anything of.
DEFAULT_LIMITS: Final = {"duration": "1h", "tokens": 1_000_000, "apiCalls": 1000}
# `-P` keeps the working directory off the path; the environment is the program's, so nothing is put into it.
_PROGRAM: Final = (
    "import sys; root = sys.argv.pop(1); root in sys.path or sys.path.insert(0, root); "
    "from brownout.bootstrap.wrapper import main; sys.exit(main(sys.argv[1:]))"
)


def run(
    command: Command,
    name: RunName = None,
    duration: Duration = None,
    tokens: Tokens = None,
    api_calls: ApiCalls = None,
    warn_at: WarnAt = None,
    finish_at: FinishAt = None,
    grace: Grace = "30s",
    strict: Strict = False,
    resume: Resume = None,
    proxy: Proxy = None,
    signal: Signal = None,
    state: Keep = None,
    quiet: Quiet = False,
    output: SummaryJson = "",
    summary: SummaryFile = None,
) -> None:
    """Run any program under a budget: warned in time, let finish, else stopped gracefully.

    Without any limit: an hour, 1000000 tokens and 1000 API calls. Ends with the program's own exit code, or with 124
    where a limit stopped it, 123 where it approached one with too much left to do, 122 after `brownout budget stop`.

    Example: brownout budget run --duration 1h --tokens 1000000 --api-calls 1000 -- python agent.py
    """
    chosen(output, ("", "json"), "an output")
    if name is not None and resume is not None:
        raise typer.BadParameter("--resume names the run already: give no --name with it")
    limits = limits_of(duration, tokens, api_calls, warn_at=warn_at, finish_at=finish_at)
    if not resume and not limits.keys() & DEFAULT_LIMITS:
        limits |= DEFAULT_LIMITS
    called = resume if resume is not None else name if name is not None else made_up_name(command[0])
    with wrong_usage():
        settings = WrapSettings(
            name=checked_name(called), state=_folder(state), limits=limits,
            resume=resume is not None, grace_s=seconds(grace), strict=strict, signal=_told_by(signal),
            upstream=None if proxy is None else check_upstream(proxy), quiet=quiet, json_summary=output == "json",
            summary_file=str(summary.absolute()) if summary else None,
        )  # fmt: skip
    _become(settings, command)


def _told_by(signal: str | None) -> str | None:
    """The name of a signal without its SIG."""
    return None if signal is None else chosen(signal.upper().removeprefix("SIG"), SIGNALS, "a signal to tell by")


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


def _folder(state: Path | None) -> str:
    if state is not None and state.exists() and not state.is_dir():
        raise typer.BadParameter(f"{state} is not a folder: name one for the state, or none to use the default")
    return str((state or default_state()).absolute())


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

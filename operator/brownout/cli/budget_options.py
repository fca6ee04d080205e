"""The options of `brownout budget`, each with what it means."""

from pathlib import Path
from typing import Annotated, Final

import typer

SIGNALS: Final = ("USR1", "USR2", "HUP", "INT")

Command = Annotated[list[str], typer.Argument(metavar="CMD", help="The program and its arguments, after --.")]
RunName = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Of the run; one is made up without.")]
Duration = Annotated[str | None, typer.Option(metavar="DURATION", help="Limit of time, such as 90s, 30m or 1h30m.")]
Tokens = Annotated[int | None, typer.Option(min=0, metavar="N", help="Limit of tokens.")]
ApiCalls = Annotated[int | None, typer.Option(min=0, metavar="N", help="Limit of API calls.")]
WarnAt = Annotated[
    list[str] | None,
    typer.Option(metavar="[LIMIT=]PERCENT", help="Approaching from here on; 80, and also tokens=90 for one."),
]
FinishAt = Annotated[
    float | None, typer.Option(metavar="PERCENT", help="Who has done so much may finish though approaching: 80.")
]
Grace = Annotated[str, typer.Option(metavar="DURATION", help="Time to end in, once asked to.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Who says nothing of its progress has done nothing, and may not finish.")
]
Resume = Annotated[str | None, typer.Option(metavar="NAME", help="Continue this run, with what it has used and kept.")]
Proxy = Annotated[str | None, typer.Option(metavar="URL", help="Count what passes to this OpenAI-compatible API.")]
Signal = Annotated[str | None, typer.Option(metavar="|".join(SIGNALS), help="Also tell the program by this signal.")]
Keep = Annotated[Path | None, typer.Option(metavar="DIR", readable=False, help="State folder that keeps the run.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No line with bars, no summary.")]
SummaryJson = Annotated[
    str, typer.Option("-o", "--output", metavar="json", help="The summary as JSON, on standard error.")
]
SummaryFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the summary there, as JSON.")]
TokenFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Token of the gateway; else that in the state folder.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the run; the newest of that name is meant.")]

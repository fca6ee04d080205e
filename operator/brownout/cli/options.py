"""Options that several commands share, and how they print."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from brownout.api.duration_text import parse_duration
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.settings import HomeMode

# `readable=False`: typer would call a folder of another user wrong usage; we say whom to ask.
State = Annotated[Path | None, typer.Option(readable=False, help="State folder of the controller, as for run.")]
Server = Annotated[str | None, typer.Option(metavar="URL", help="Ask a running controller's gateway.")]
GatewayToken = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="Token of a gateway on another machine.")
]
Mode = Annotated[HomeMode, typer.Option(help="Which home to ask: a cluster, or this box.")]
Kubeconfig = Annotated[Path | None, typer.Option(help="Kubeconfig to use in place of kubectl's.")]
Json = Annotated[str, typer.Option("-o", "--output", metavar="json", help="Print JSON, for programs.")]
Since = Annotated[str, typer.Option(metavar="DURATION", help="How far back, such as 30m, 24h or 7d.")]


def since_instant(text: str) -> float:
    """The instant that lies a duration back; whole days may be written `7d`. Anything else is wrong usage."""
    days = text.removesuffix("d")
    try:
        return now() - parse_duration(f"{24 * int(days)}h" if days != text and days.isdecimal() else text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is not a duration: write it like 30s, 10m or 1h30m') from None


def now() -> float:
    """The time."""
    return SteadyClock().now()


def chosen(text: str, allowed: Sequence[str], what: str, *, shown: Sequence[str] = ()) -> str:
    """One of the allowed words, of which not all need be shown; anything else is wrong usage, and ends with 2."""
    if text not in allowed:
        raise typer.BadParameter(f'"{text}" is not {what}: use one of {", ".join(filter(None, shown or allowed))}')
    return text


class Noted(Protocol):
    """What an answer came from, with what is to be known of it."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences."""


def notes_of(source: Noted) -> None:
    """Say on standard error what a reader of the answer has to know."""
    for note in source.notes:
        sys.stderr.write(f"note: {note}\n")


def print_json(document: Any) -> None:
    """A document as JSON, for programs."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

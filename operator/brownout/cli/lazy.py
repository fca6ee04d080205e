"""The commands, each imported when it is typed: to say its version, or what there is, the program needs none of them.

All of them together take half a second of CPU to import. The pattern is click's "Lazily Loading Subcommands".
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperCommand
from typing_extensions import override

from brownout.cli.helptext import Command, Group

__all__ = ["COMMANDS", "LazyGroup"]

#: What each command does, in the words with which its own help begins, in the order in which they are listed. Each
#: stands in the module of its name.
COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": "Run the controller until it is interrupted.",
        "get": "Show integrations or the policy with their state.",
        "explain": "Say why an integration is as it is, with the numbers.",
        "validate": "Check files as the controller would read them; exit code 1 if anything is wrong.",
        "history": "Show decisions and a summary of the samples.",
        "replay": "Run the core on a recorded load in virtual time, and score what it did.",
        "compare": "Say which policy would have been better on this box's own history, and what to change to get it.",
        "crds": "Print the CRDs, as they stand in crds/.",
        "demo": "Show it at work: voice goes, then android, then both come back.",
        "plugins": "Show, check, trust and make plugins.",
        "budget": "Runs of work with limits on time, tokens and API calls.",
    }
)


#: What other programs call it, and what it is here.
_MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "status": "get",
        "list": "get",
        "ps": "get",
        "top": "get",
        "describe": "explain",
        "why": "explain",
        "check": "validate",
        "start": "run",
        "up": "run",
    }
)


class LazyGroup(Group):
    """The group of all commands. Listed they are names with a line of help; called or completed they are imported."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # Of a path, an empty one would be the folder where we are. A program's own arguments are its own.
        if "" in args and args[:2] != ["budget", "run"] and not ctx.resilient_parsing:
            raise typer.BadParameter("an argument is empty: is a variable not set?", ctx=ctx)
        return super().parse_args(ctx, args)

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in _MEANT and not ctx.resilient_parsing:
            ctx.fail(f"No such command '{args[0]}': use {_MEANT[args[0]]}")
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _imported(name), rest

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as refusal:  # of whatever command; what parses it speaks of its own types
            from brownout.cli.usage import in_our_words  # noqa: PLC0415 - it needs the models, and who is right does not

            refusal.message = in_our_words(refusal)
            raise


def _imported(name: str) -> Any:
    """The command of this name with its options, or the group with its commands."""
    found = getattr(import_module(f"brownout.cli.{name}"), name)
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found)
    else:
        alone.command(cls=Command)(found)
    return typer.main.get_group(alone).commands[name]

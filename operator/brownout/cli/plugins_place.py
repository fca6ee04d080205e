"""Which plugins the commands about plugins speak of: those that a controller with this state folder would find."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from brownout.api.problems import Problem
from brownout.bootstrap.settings import default_state, plugins_of
from brownout.core.errors import InvalidInput
from brownout.local.remembering import directory_of
from brownout.pluginhost.discovery import Discovery, discover
from brownout.pluginhost.examination import Examined, examine
from brownout.pluginhost.trust import TrustList, read_trust

Plugins = Annotated[
    Path | None,
    typer.Option("--plugins", metavar="DIR", help="Folder of the plugins; else that of the controller, or ./plugins."),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Only these.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found, and what is trusted."""

    discovery: Discovery
    trusted: TrustList
    folder: Path
    state: Path

    def names(self, wanted: list[str] | None) -> tuple[str, ...]:
        """The plugins that are spoken of, sorted: all without a wish. Raises InvalidInput for others."""
        known = sorted(self.discovery.candidates)
        for name in wanted or ():
            if broken := self.broken(name):
                raise not_in_order(name, broken)
            if name not in self.discovery.candidates:
                there = ", ".join(known) or "none"
                said = f"found in {self.folder} and in installed packages are: {there}; --plugins DIR looks elsewhere"
                raise InvalidInput(f'there is no plugin "{name}" that can be read', advice=said)
        return tuple(known) if wanted is None else tuple(dict.fromkeys(wanted))

    def broken(self, name: str) -> tuple[Problem, ...]:
        """What is wrong with the manifest of a plugin of which nothing more is known."""
        return () if name in self.discovery.candidates else self.discovery.broken.get(name, ())

    def examined(self, wanted: list[str] | None) -> tuple[Examined, ...]:
        """Them, examined."""
        return tuple(examine(self.discovery, self.trusted, name) for name in self.names(wanted))


def not_in_order(name: str, problems: tuple[Problem, ...]) -> InvalidInput:
    """The refusal of a plugin that cannot be run."""
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    why = f'the plugin "{name}" is not in order: {problems[0]}{more}'
    return InvalidInput(why, advice=f"`brownout plugins check {name}` tells all")


def find(plugins: Path | None, state: Path | None) -> Found:
    """Look where the options say. Raises InvalidInput for a folder that was named and is none."""
    if plugins is not None and not plugins.is_dir():
        raise InvalidInput(f"{plugins} is not a folder", advice="name the folder that holds the plugins' folders")
    where = state or default_state()
    if where.exists() and not where.is_dir():
        raise InvalidInput(f"{where} is not a folder", advice="name one for the state, or none to use the default")
    directory = directory_of(where)
    folder = plugins or plugins_of(directory or Path())
    return Found(
        discovery=discover([folder]), trusted=read_trust(where, always=False), folder=folder.absolute(), state=where
    )

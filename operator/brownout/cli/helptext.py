"""Help as it is printed: whole sentences in lists of commands, and no names of types that only we know."""

import re
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

__all__ = ["Command", "Group"]

#: Behind a name that already says that it may be repeated: `FILE... <list[Path]>`.
_LIST: Final = re.compile(r" <list\[.*\]>$")
#: Longer than any sentence, so that none is cut; the formatter wraps it.
_WHOLE: Final = 1000


class Command(TyperCommand):
    """One command."""

    @override
    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for each in self.get_params(ctx):
            name, meaning = each.get_help_record(ctx) or ("", "")
            if name:
                rows[each.param_type_name].append((_LIST.sub("", name), meaning))
        for kind, found in rows.items():
            if found:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl(found)


class Group(TyperGroup):
    """A group of commands."""

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(_WHOLE)) for name, each in found.items() if each])

"""`brownout plugins`: the commands about plugins, each in a file of its own; this one joins them."""

import typer

from brownout.cli.helptext import Command, Group
from brownout.cli.plugins_check import check
from brownout.cli.plugins_list import list_plugins
from brownout.cli.plugins_new import new
from brownout.cli.plugins_trust import trust

plugins = typer.Typer(
    cls=Group,
    name="plugins",
    help="Show, check, trust and make plugins.\n\nExample: brownout plugins check voice",
    no_args_is_help=True,
    rich_markup_mode=None,
)
plugins.command("list", cls=Command)(list_plugins)
for command in (check, trust, new):
    plugins.command(cls=Command)(command)

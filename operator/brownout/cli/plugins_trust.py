"""`brownout plugins trust`: the owner's yes to the very bytes of a plugin."""

import sys
from typing import Annotated

import typer

from brownout.cli.options import State
from brownout.cli.plugins_place import Plugins, find, not_in_order
from brownout.pluginhost.found import Found
from brownout.pluginhost.trust import TRUST_FILE, write_trust


def trust(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The plugins that may run.")],
    plugins: Plugins = None,
    state: State = None,
) -> None:
    """Let plugins run as they are now; a changed byte, and they have to be trusted anew.

    Example: brownout plugins trust voice discord
    """
    found = find(plugins, state)
    loaded: list[Found] = []
    for name in found.names(names):
        plugin = found.discovery.candidates[name].load()
        if isinstance(plugin, tuple):
            raise not_in_order(name, plugin)
        loaded.append(plugin)
    write_trust(found.state, loaded)
    for plugin in loaded:
        sys.stdout.write(f"{plugin.sha256}  {plugin.name} {plugin.manifest.version}\n")
    sys.stderr.write(f"trusted, in {found.state / TRUST_FILE}; what is not in it does not run\n")

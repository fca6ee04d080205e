"""`brownout plugins list`: what is found, from where, and whether it may run."""

import sys
from typing import Any

from brownout.cli.options import Json, State, chosen, print_json
from brownout.cli.plugins_place import Found, Plugins, find
from brownout.core.table import plain_table
from brownout.pluginhost.examination import Examined

HEADER = ("NAME", "VERSION", "LOAD", "LEVELS", "REQUIRES", "FROM", "RUNS")


def list_plugins(plugins: Plugins = None, state: State = None, output: Json = "") -> None:
    """Show the plugins in the folder and in installed packages.

    Example: brownout plugins list --plugins ./plugins
    """
    chosen(output, ("", "json"), "an output")
    found = find(plugins, state)
    examined = found.examined(None)
    if output:
        print_json(listed(found, examined))
        return
    for problem in found.discovery.problems:
        sys.stderr.write(f"{problem}\n")
    if not examined:
        sys.stdout.write(none_found(found))
        return
    sys.stdout.write(plain_table(HEADER, [_row(each) for each in examined]) + "\n")


def none_found(found: Found) -> str:
    """Where was looked, in place of an empty answer."""
    return f"No plugins found in {found.folder} and in installed packages.\n"


def listed(found: Found, examined: tuple[Examined, ...]) -> dict[str, Any]:
    """The answer for programs."""
    return {
        "folder": str(found.folder),
        "trustEnforced": found.trusted.enforced,
        "plugins": [document(each) for each in examined],
        "problems": [str(problem) for problem in (*found.trusted.problems, *found.discovery.problems)],
    }


def document(examined: Examined) -> dict[str, Any]:
    """One plugin for programs: its manifest as it is read, and what is to be said of it."""
    return {
        "name": examined.name,
        "version": examined.manifest.version,
        "folder": examined.folder,
        "package": examined.package,
        "sha256": examined.sha256,
        "runs": examined.runs,
        "trusted": not examined.refusal,
        "refusal": examined.refusal,
        "missing": list(examined.missing),
        "problems": [str(problem) for problem in examined.problems],
        "manifest": examined.manifest.to_wire(),
    }


def _row(examined: Examined) -> tuple[str, ...]:
    manifest = examined.manifest
    return (
        examined.name,
        manifest.version,
        manifest.load.value,
        ",".join(level.name for level in manifest.levels),
        ",".join(manifest.requires),
        f"package {examined.package}" if examined.package else examined.folder,
        verdict(examined),
    )


def verdict(examined: Examined) -> str:
    """In two words whether it runs; the first thing in the way, where there are several."""
    if examined.problems:
        return "no: broken"
    if examined.refusal:
        return "no: not trusted"
    return "no: incomplete" if examined.missing else "yes"

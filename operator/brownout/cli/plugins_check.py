"""`brownout plugins check`: every problem of every plugin, and what each may do."""

import sys
from collections.abc import Iterator

import typer

from brownout.api.quantities import approximate_bytes, format_duration
from brownout.cli.options import Json, State, chosen, print_json
from brownout.cli.plugins_list import listed, verdict
from brownout.cli.plugins_place import Names, Plugins, find
from brownout.pluginhost.examination import Examined


def check(names: Names = None, plugins: Plugins = None, state: State = None, output: Json = "") -> None:
    """Check plugins as the controller would load them, without running them; exit code 1 if one cannot run.

    Example: brownout plugins check voice
    """
    chosen(output, ("", "json"), "an output")
    found = find(plugins, state)
    examined = found.examined(names)
    # What has no name yet (a manifest that cannot be read) concerns whoever asked for all.
    told = {problem for each in examined for problem in each.problems}
    others = () if names else tuple(problem for problem in found.discovery.problems if problem not in told)
    if output:
        print_json(listed(found, examined))
    else:
        for problem in (*found.trusted.problems, *others):
            sys.stdout.write(f"{problem}\n")
        sys.stdout.write("\n".join(line for each in examined for line in _lines(each)) + "\n" if examined else "")
    if others or not all(each.runs for each in examined):
        raise typer.Exit(1)


def _lines(examined: Examined) -> Iterator[str]:
    manifest, package = examined.manifest, f" of package {examined.package}" if examined.package else ""
    yield f"{examined.name} {manifest.version}{package}: {_runs(examined)}"
    for problem in examined.problems:
        yield f"  problem: {problem}"
    for sentence in examined.missing:
        yield f"  missing: {sentence}"
    if examined.refusal:
        yield f"  trust: it {examined.refusal}"
    if examined.sha256:
        yield f"  sha256: {examined.sha256}"
    for what, items in _needs(examined):
        yield f"  {what}: {', '.join(items) or 'nothing'}"
    limits = manifest.limits
    yield (
        f"  limits: {approximate_bytes(limits.memory)}, {format_duration(limits.cpu_time)} of CPU time, "
        f"{limits.open_files} open files, {limits.processes} processes and threads, "
        f"{limits.concurrency} requests at once, {limits.queue} waiting, {format_duration(limits.request_timeout)} each"
    )


def _runs(examined: Examined) -> str:
    return "can run" if examined.runs else f"cannot run ({verdict(examined).removeprefix('no: ')})"


def _needs(examined: Examined) -> Iterator[tuple[str, tuple[str, ...]]]:
    needs = examined.manifest.needs
    doors = [f"connects to port {port}" for port in needs.network.connect]
    doors += [f"listens on port {port}" for port in needs.network.listen]
    doors += ["asks for addresses (DNS)"] if needs.network.resolve else []
    yield "network", tuple(doors)
    yield "files", (*(f"reads {path}" for path in needs.files.read), *(f"writes {path}" for path in needs.files.write))
    yield "environment", needs.environment
    yield "programs", needs.programs

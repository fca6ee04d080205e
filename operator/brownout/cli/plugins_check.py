"""`brownout plugins check`: every problem of every plugin, what each may do, and what holds it to that."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer

from brownout.api.quantities import approximate_bytes, format_duration
from brownout.cli.options import Json, State, chosen, print_json
from brownout.cli.plugins_list import listed, none_found, verdict
from brownout.cli.plugins_place import Names, Plugins, find
from brownout.pluginhost.examination import Examined
from brownout.pluginhost.sandbox import Guarantee, enforcement


def check(names: Names = None, plugins: Plugins = None, state: State = None, output: Json = "") -> None:
    """Check plugins as the controller would load them, without running them, and say what of each is enforced here.

    Exit code 1 if one cannot run.

    Example: brownout plugins check voice
    """
    chosen(output, ("", "json"), "an output")
    found = find(plugins, state)
    examined = found.examined([name for name in names if not found.broken(name)] if names else None)
    # A manifest that cannot be read concerns whoever asked for it, or for all.
    told = {problem for each in examined for problem in each.problems}
    problems = [it for name in names for it in found.broken(name)] if names else found.discovery.problems
    others = tuple(problem for problem in problems if problem not in told)
    if output:
        answer = listed(found, examined)
        for document, each in zip(answer["plugins"], examined, strict=True):
            document["enforcement"] = [_document(it) for it in enforcement(each.manifest)]
        print_json(answer)
    else:
        for problem in (*found.trusted.problems, *others):
            sys.stdout.write(f"{problem}\n")
        sys.stdout.writelines(f"{line}\n" for each in examined for line in _lines(each))
        if not examined and not others:
            sys.stdout.write(none_found(found))
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
        f"{approximate_bytes(limits.disk)} on the disk, "
        f"{limits.open_files} open files, {limits.processes} processes and threads, "
        f"{limits.concurrency} requests at once, {limits.queue} waiting, {format_duration(limits.request_timeout)} each"
    )

    for guarantee in enforcement(manifest):
        yield f"  {_held(guarantee)}"


def _document(guarantee: Guarantee) -> dict[str, Any]:
    document = asdict(guarantee)
    return {**document, "whyNot": document.pop("why_not")}


def _held(guarantee: Guarantee) -> str:
    if guarantee.enforced:
        return f"enforced: it {guarantee.what} ({guarantee.how})"
    return f"NOT enforced: it {guarantee.what} ({guarantee.why_not})"


def _runs(examined: Examined) -> str:
    return "can run" if examined.runs else f"cannot run ({verdict(examined).removeprefix('no: ')})"


def _needs(examined: Examined) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What it asks for; of what its config decides, the name and the default."""
    needs = examined.manifest.needs

    def named(item: object) -> str:
        setting = examined.manifest.config.get(item[1:]) if isinstance(item, str) and item.startswith("$") else None
        if setting is None:
            return str(item)
        default = setting.default if setting.default not in (None, "", []) else "nothing"
        shown = ", ".join(map(str, default)) if isinstance(default, list) else default
        return f"{item} of its config ({shown} by default)"

    doors = [f"connects to port {named(port)}" for port in needs.network.connect]
    doors += [f"listens on port {named(port)}" for port in needs.network.listen]
    doors += ["asks for addresses (DNS)"] if needs.network.resolve else []
    yield "network", tuple(doors)
    reads, writes = needs.files.read, needs.files.write
    yield "files", (*(f"reads {named(path)}" for path in reads), *(f"writes {named(path)}" for path in writes))
    yield "environment", needs.environment
    yield "programs", tuple(named(program) for program in needs.programs)

"""In which order plugins start, and which of them cannot, because what they require is missing or goes in a circle.

Pure: manifests in, order and problems out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from brownout.api.problems import Problem, shown
from brownout.pluginhost.manifest import MANIFEST, Manifest

__all__ = ["Order", "order_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Names in the order of their start, each after what it requires; and the problems of those that are left out."""

    names: tuple[str, ...]
    problems: Mapping[str, tuple[Problem, ...]]


def order_of(manifests: Mapping[str, Manifest]) -> Order:
    """Put plugins in order. Each gap and each circle is told once for every plugin that it stops."""
    problems: dict[str, tuple[Problem, ...]] = {}
    standing = dict(manifests)
    while stopped := _gaps(standing, known=manifests) or _circle(standing):
        problems.update(stopped)
        standing = {name: manifest for name, manifest in standing.items() if name not in stopped}
    # Sorted first, so that the order is the same at every start.
    graph = {name: sorted(standing[name].requires) for name in sorted(standing)}
    return Order(names=tuple(TopologicalSorter(graph).static_order()), problems=problems)


def _gaps(standing: Mapping[str, Manifest], known: Mapping[str, Manifest]) -> dict[str, tuple[Problem, ...]]:
    """Plugins that require what is not there, or what cannot start itself."""
    found = {name: tuple(_missing(manifest, standing, known)) for name, manifest in standing.items()}
    return {name: problems for name, problems in found.items() if problems}


def _missing(manifest: Manifest, standing: Mapping[str, Manifest], known: Mapping[str, Manifest]) -> Iterator[Problem]:
    for at, wanted in enumerate(manifest.requires):
        if wanted in standing:
            continue
        others = ", ".join(sorted(known.keys() - {manifest.name})) or "none"
        allowed = "cannot start itself" if wanted in known else f"there is no such plugin; found are: {others}"
        yield Problem(file=_file(manifest), path=f"requires[{at}]", value=shown(wanted), allowed=allowed)


def _circle(standing: Mapping[str, Manifest]) -> dict[str, tuple[Problem, ...]]:
    """The plugins of one circle; empty where there is none."""
    sorter = TopologicalSorter({name: standing[name].requires for name in sorted(standing)})
    try:
        sorter.prepare()
    except CycleError as error:
        # graphlib names each before what requires it; read backwards, each requires the next.
        circle = list(reversed(error.args[1]))
        allowed = f"goes in a circle: {' requires '.join(circle)}"
        files = {name: _file(standing[name]) for name in circle}
        return {
            name: (Problem(file=file, path="requires", value='"array"', allowed=allowed),)
            for name, file in files.items()
        }
    return {}


def _file(manifest: Manifest) -> str:
    return f"{manifest.name}/{MANIFEST}"

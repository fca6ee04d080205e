"""What the proxy of `brownout budget run` adds to a call: the same calls directly and through it, in turn, in one run.

The model is a double in a process of its own that answers at once, so that what is measured is the way to it. A real
one takes seconds for an answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from brownout.bootstrap.wrap_settings import WrapSettings
from brownout.cli.budget_run import wrapper_argv
from tests.bench.report import Figure, quantile
from tests.checkout import ROOT
from tests.eventually import eventually

PAIRS = 500
CALLING = ROOT / "tests" / "programs" / "calling.py"


def figures() -> Iterator[Figure]:
    """Medians of both ways, and what the proxy adds to a call, pair by pair."""
    with tempfile.TemporaryDirectory() as folder, _double(Path(folder)) as url:
        found = _measured(Path(folder), url)
    for kind, what in (("whole", "an answer in one piece"), ("stream", "a stream of 50 events")):
        direct, proxied = found[kind]["direct"], found[kind]["proxied"]
        yield Figure(name=f"{what}: directly, p50", value=quantile(direct, 0.5), unit="ms")
        yield Figure(name=f"{what}: through the proxy, p50", value=quantile(proxied, 0.5), unit="ms")
        yield from _added(f"{what}: added by the proxy", direct, proxied)
    stream = found["stream"]
    yield from _added("the first event of a stream: added", stream["direct_first"], stream["proxied_first"])


def _added(name: str, direct: Sequence[float], proxied: Sequence[float]) -> Iterator[Figure]:
    added = [with_it - without for without, with_it in zip(direct, proxied, strict=True)]
    for q in (0.5, 0.99):
        yield Figure(name=f"{name}, p{q * 100:g}", value=quantile(added, q), unit="ms", note=f"{PAIRS} pairs")


def _measured(folder: Path, url: str) -> dict[str, dict[str, list[float]]]:
    """A wrapped program calls; its usage goes to a real store on disk."""
    settings = WrapSettings(
        name="bench", state=str(folder / "state"), limits={"tokens": 10**9}, upstream=url, quiet=True
    )
    done = subprocess.run(
        [*wrapper_argv(settings), sys.executable, str(CALLING), url, str(PAIRS)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return found


@contextmanager
def _double(folder: Path) -> Iterator[str]:
    """The double's base URL."""
    place = folder / "url"
    with subprocess.Popen([sys.executable, "-m", "tests.programs.openai_double", str(place)], cwd=ROOT) as process:
        try:
            yield eventually(place.read_text, within_s=20)
        finally:
            process.kill()

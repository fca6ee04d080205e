"""The controller of a box: the parts of a tick, and its memory after an hour's worth of ticks and after five.

120 ticks are an hour at 30 s. Here they come every 100 ms, with every other time of the policy shortened alike, so that
the window, the history and the forecast hold as many samples as they would.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from brownout.bootstrap.settings import HomeMode
from brownout.disk.documents import dump_yaml
from tests.bench.report import Figure
from tests.builders import make_integration
from tests.controllers import running

HOUR_OF_TICKS = 120
POLICY = {
    "apiVersion": "brownout.dev/v1alpha1",
    "kind": "BrownoutPolicy",
    "metadata": {"name": "default"},
    "spec": {
        "interval": "100ms",
        "window": "6s",
        "forecast": {"horizon": "1s"},
        "stabilization": {"enable": "1s", "settle": "100ms"},
    },
}


def figures() -> Iterator[Figure]:
    """A box with four programs."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        stage = Path(folder)
        write_integrations(stage / "integrations")
        with running(HomeMode.LOCAL, stage / "state", directory=stage / "integrations") as controller:
            controller.wait_for_ticks(HOUR_OF_TICKS, within_s=60)
            first = controller.pss_mib
            controller.wait_for_ticks(5 * HOUR_OF_TICKS, within_s=180)
            last = controller.pss_mib
            yield from tick_figures("box, 4 integrations", controller.tick_ms())
    yield Figure(name="box: memory after an hour of ticks (PSS)", value=first, unit="MiB", goal=50.0)
    yield Figure(name="box: memory after five hours of ticks (PSS)", value=last, unit="MiB", goal=50.0)
    yield Figure(name="box: growth from hour 1 to 5, per hour", value=(last - first) / 4, unit="MiB", goal=0.25)


def tick_figures(where: str, parts_ms: dict[str, float]) -> Iterator[Figure]:
    """Each part, and all of them; a tick of ours has 40 ms (requirement N1)."""
    for part, mean_ms in sorted(parts_ms.items()):
        yield Figure(name=f"tick, {where}: {part}", value=mean_ms, unit="ms", note="mean")
    total = sum(parts_ms.values())
    yield Figure(name=f"tick, {where}", value=total, unit="ms", goal=40.0, note="mean of all parts")


def write_integrations(folder: Path) -> None:
    """Four programs that do nothing, and the policy."""
    folder.mkdir()
    (folder / "policy.yaml").write_text(dump_yaml(POLICY))
    for index, name in enumerate(("voice", "android", "discord", "stubs")):
        workload = {"command": {"argv": ["sleep", "3600"]}}
        integration = make_integration(name, priority=10 * index, essential=name == "stubs", workload=workload)
        (folder / f"{name}.yaml").write_text(dump_yaml(integration.to_wire()))

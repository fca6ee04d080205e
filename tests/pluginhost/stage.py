"""A stage for plugins: made of a few lines of Python, run by the real host, and nothing is left at the end."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from signal import SIGKILL
from textwrap import dedent
from typing import Any, TypeVar

from brownout.api.integration import Integration
from brownout.engine.circuits import Circuits
from brownout.engine.ports import ProcessId
from brownout.engine.request_counts import RequestCounts
from brownout.pluginhost.answers import Answer
from brownout.pluginhost.catalog import Catalog
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.found import Found, digest
from brownout.pluginhost.host import Place, PluginHost
from brownout.pluginhost.launch import HOST_MARK, PluginLaunch, launch_of
from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.process import Patience
from brownout.sensing.processes import ProcTable
from tests.builders import make_integration
from tests.local.box import SteadyClock
from tests.local.loops import run

T = TypeVar("T")
TABLE = ProcTable()
QUICK = Patience(stage_s=10.0, initialize_s=2.0, call_s=3.0, last_s=0.3)

#: What every plugin of a test has, unless its own lines say otherwise.
PLAIN = """
    def initialize(config): pass
    def health_check(): pass
    def handle_request(request): return request.body
    def shutdown(): pass
"""


def found(name: str, source: str = "", **manifest: Any) -> Found:
    """A plugin of these lines, after PLAIN."""
    content = dedent(PLAIN).encode() + dedent(source).encode()
    document = {"name": name, "version": "1.0.0", "entry": f"{name}.py", "load": "Eager", **manifest}
    module = f"{name}.py"
    return Found(
        manifest=Manifest.from_wire(document),
        module_bytes=content,
        sha256=digest(module, b"", content),
        folder="/nowhere",
    )


@dataclass
class Stage:
    """One state folder with a host."""

    root: Path
    patience: Patience = QUICK
    faults: list[str] = field(default_factory=list)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    used: list[tuple[str, int, bool]] = field(default_factory=list)
    free_bytes: int | None = None
    free: Callable[[], int | None] | None = None
    counts: RequestCounts = field(default_factory=RequestCounts)
    circuits: Circuits | None = None
    refusals: dict[str, str] = field(default_factory=dict)
    woken: list[tuple[str, ...]] = field(default_factory=list)
    refusal: Callable[[Sequence[str]], str] | None = None
    ids: "count[int]" = field(default_factory=count)

    @property
    def state(self) -> Path:
        """Where the host keeps what it keeps."""
        return self.root / "state"

    def launch(
        self, name: str, source: str = "", *, level: str = "", config: Mapping[str, Any] | None = None, **manifest: Any
    ) -> PluginLaunch:
        """How a plugin of these lines is run."""
        folder = self.state / "plugins" / name
        plugin = found(name, source, **manifest)
        return launch_of(name, plugin, folder, level=level, config=config or {}, base=config or {})

    def _refused(self, keys: Sequence[str]) -> str:
        self.woken.append(tuple(keys))
        return next((self.refusals[key] for key in keys if key in self.refusals), "")

    def host(self) -> PluginHost:
        """A host; needs a running loop."""
        place = Place(
            state=self.state,
            table=TABLE,
            clock=SteadyClock(),
            on_fault=lambda where, why: self.faults.append(why),
            on_note=lambda *note: self.notes.append(note),
            on_usage=lambda *used: self.used.append(used),
            free_bytes=lambda: self.free() if self.free else self.free_bytes,
            circuits=self.circuits,
            untrusted=Catalog((), self.state).untrusted,
            refusal=lambda keys: self.refusal(keys) if self.refusal else self._refused(keys),
        )
        return PluginHost(place, self.counts, patience=self.patience)

    def live(self, story: Callable[[PluginHost], Awaitable[T]]) -> T:
        """Tell a story with a host, which is closed at the end."""

        async def told() -> T:
            host = self.host()
            try:
                return await story(host)
            finally:
                await host.close()

        return run(told())

    # --- with a driver, and plugins that lie in a folder ---

    def put(self, name: str, source: str, more: str = "") -> None:
        """Put a plugin of these lines into the folder, all of them this time."""
        head = f"name: {name}\nversion: 1.0.0\nentry: {name}.py\nload: Eager\n"
        folder = self.root / "plugins" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plugin.yaml").write_text(head + more)
        (folder / f"{name}.py").write_text(dedent(source))

    def integration(self, name: str, *, config: Mapping[str, Any] | None = None, **spec: Any) -> Integration:
        """An integration whose workload is the plugin of its name."""
        workload = {"plugin": {"name": name, "config": dict(config or {})}}
        return make_integration(name, **{"workload": workload, "stop": {"grace": "5s"}, **spec})

    @property
    def catalog(self) -> Catalog:
        """The plugins of that folder."""
        return Catalog((self.root / "plugins",), self.state)

    def drive(self, story: Callable[[PluginDriver], Awaitable[T]], **options: Any) -> T:
        """Tell a story with a driver, which is closed at the end."""

        async def told() -> T:
            driver = PluginDriver(self.host(), self.catalog.plugin, data=self.state / "plugins", **options)
            try:
                return await story(driver)
            finally:
                await driver.close()

        return run(told())

    async def ask(self, host: PluginHost, name: str, body: object = None) -> Answer:
        """One request."""
        request = {"id": str(next(self.ids)), "properties": {}, "body": body, "timeout_s": 5.0}
        return await host.request(name, request)

    def processes(self) -> tuple[ProcessId, ...]:
        """Every process of every plugin that is there."""
        return tuple(TABLE.marked(HOST_MARK, os.path.realpath(self.state)))

    def clear(self) -> tuple[ProcessId, ...]:
        """Kill whatever is left, and say what it was."""
        left = self.processes()
        while alive := self.processes():
            for process in alive:
                os.kill(process.pid, SIGKILL)
        return left

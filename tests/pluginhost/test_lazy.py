"""Laws of lazy plugins: they start with their first request, and only where there is room for them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from brownout.api.workload import WorkloadKind
from brownout.bootstrap.assembly import world_of
from brownout.bootstrap.box import box
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.plugins import Plugins
from brownout.bootstrap.settings import Settings
from brownout.core.member import Presence
from brownout.disk.documents import dump_yaml
from brownout.engine.admission import Admission
from brownout.engine.controller import Controller
from brownout.engine.observers import Observers
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.host import PluginHost
from tests.builders import integration_document
from tests.engine.world import Box, until
from tests.eventually import eventually_async
from tests.local.loops import run
from tests.pluginhost.stage import PLAIN, Stage

GIB = 2**30


def test_a_refused_first_request_starts_nothing(stage: Stage) -> None:
    """It says why, counts neither against the plugin nor as a request to it, and the next one is asked afresh.

    The status keeps the first reason, so that a flood of requests is no flood of writes.
    """

    async def story(host: PluginHost) -> None:
        stage.refusals["lazy"] = "RAM 79.0 %; ask again in 30 s"
        assert (await host.start(stage.launch("lazy", load="Lazy"))).status is OutcomeStatus.DONE
        for _ in range(5):
            answer = await stage.ask(host, "lazy", 1)
            assert answer.status is AnswerStatus.UNAVAILABLE
            assert answer.detail == "it is not started now: RAM 79.0 %; ask again in 30 s"
        assert stage.processes() == ()
        seen = host.presence("lazy")
        assert seen is not None
        assert (seen.presence, seen.asleep) == (Presence.RUNNING, True)
        assert seen.detail == "it starts with its first request; one was refused: RAM 79.0 %; ask again in 30 s"
        assert stage.faults == ["lazy: a first request did not start it: RAM 79.0 %; ask again in 30 s"]
        stage.refusals["lazy"] = "RAM 80.0 %; ask again in 30 s"
        assert "RAM 80.0 %" in (await stage.ask(host, "lazy", 1)).detail
        assert host.presence("lazy") == seen
        assert len(stage.faults) == 1
        assert (await host.check("lazy", within_s=1.0)).ok
        assert stage.counts.readings(now=host._place.clock.now(), within_s=60.0) == {}
        del stage.refusals["lazy"]
        assert (await stage.ask(host, "lazy", 2)).body == 2
        woken = host.presence("lazy")
        assert woken is not None
        assert not woken.asleep

    stage.live(story)


def test_a_new_version_sleeps_without_the_trouble_of_the_old_one(stage: Stage) -> None:
    """The one that failed is gone: to start the new one again is done, and it wakes with its first request."""

    async def story(host: PluginHost) -> None:
        broken, sound = (stage.launch("voice", lines, load="Lazy") for lines in ("raise RuntimeError('half')", ""))
        await host.start(broken)
        await stage.ask(host, "voice")
        await until(lambda: _presence(host) is Presence.FAILED, within_s=10.0)
        for _ in range(2):
            assert (await host.start(sound)).status is OutcomeStatus.DONE
        assert (await stage.ask(host, "voice")).ok

    stage.live(story)


def _presence(host: PluginHost) -> Presence | None:
    seen = host.presence("voice")
    return seen.presence if seen else None


def test_nobody_is_asked_about_what_runs(stage: Stage) -> None:
    """What was started by a plan, or runs since an earlier request, answers also under pressure."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("eager"))
        await host.start(stage.launch("lazy", load="Lazy"))
        assert (await stage.ask(host, "lazy", 1)).ok
        stage.refusals.update(eager="no", lazy="no")
        assert (await stage.ask(host, "eager", 1)).ok
        assert (await stage.ask(host, "lazy", 1)).ok

    stage.live(story)


def test_a_controller_decides_on_a_real_plugin(stage: Stage) -> None:
    """A controller, its planner and a real process: refused where 3 % more do not fit, started once they do."""
    admission = Admission()
    stage.put("voice", PLAIN)
    voice = stage.integration("voice", uid="uid-voice", memory=3 * GIB, workload=_lazy("voice"))
    machine = Box(voice, base=50.0)

    async def story() -> None:
        stage.refusal = admission.refusal
        host = stage.host()
        driver = PluginDriver(host, stage.catalog.plugin, data=stage.state / "plugins")
        async with machine.controlled(drivers={WorkloadKind.PLUGIN: driver}, admission=admission):  # which closes it
            await until(lambda: host.launch("voice"), within_s=10.0)
            machine.machine.base = 78.0
            refused = await stage.ask(host, "voice", 1)
            assert "RAM 78.0 %: with voice, which takes up to 3 GiB, it would be 81.0 %" in refused.detail
            assert stage.processes() == ()
            machine.machine.base = 70.0

            async def answers() -> bool:  # the same refusal stands for a moment
                return bool((await stage.ask(host, "voice", 2)).body == 2)

            await eventually_async(answers)
            await until(lambda: machine.status("voice").memory, within_s=10.0)

    run(story())


def test_the_box_asks_its_planner(tmp_path: Path) -> None:
    """As it is put together for `brownout run`: the planner of the box answers for a request to one of its plugins."""
    directory, stage = tmp_path / "box", Stage(tmp_path / "box")
    stage.put("voice", PLAIN)
    file = directory / "voice.yaml"
    settings = Settings(directory=str(directory), state=str(stage.state), listen="none")
    file.write_text(dump_yaml(integration_document("voice", memory="1Mi", workload=_lazy("voice"))))

    async def story(plugins: Plugins, controller: Controller) -> None:
        await until(lambda: plugins._driver and plugins._driver._host.launch("voice"), within_s=20.0)
        assert plugins._driver is not None
        host = plugins._driver._host
        larger = integration_document("voice", memory="900Ti", workload=_lazy("voice"))
        file.write_text(dump_yaml(larger))
        await until(lambda: controller.reconciler.inventory.integrations["voice"].metadata.generation == 2)
        refused = await stage.ask(host, "voice", 1)
        assert "with voice, which takes up to 900 TiB" in refused.detail
        assert refused.detail.endswith("it does not fit here, ask again in 30 s")
        assert stage.processes() == ()

    run(_on_a_box(settings, story))


async def _on_a_box(settings: Settings, story: Callable[[Plugins, Controller], Awaitable[None]]) -> None:
    """Tell a story with a controller on the parts of a real box."""
    clock, faults = SteadyClock(), FaultLine()
    with ExitStack() as closing:
        parts = box(settings, "a test", clock=clock, faults=faults, closing=closing)
        world = world_of(parts, settings, clock=clock, faults=faults, observers=Observers([]), closing=closing)
        controller, plugins = Controller(world, (parts.service,)), parts.drivers[WorkloadKind.PLUGIN]
        assert isinstance(plugins, Plugins)
        running = asyncio.create_task(controller.run())
        try:
            await story(plugins, controller)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await parts.close()


def _lazy(name: str) -> dict[str, object]:
    return {"plugin": {"name": name, "load": "Lazy"}}

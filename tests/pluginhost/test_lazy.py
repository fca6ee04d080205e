"""Laws of lazy plugins: they start with their first request, and only where there is room for them."""

from brownout.api.workload import WorkloadKind
from brownout.core.member import Presence
from brownout.engine.admission import Admission
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.host import PluginHost
from tests.engine.world import Box, until
from tests.eventually import eventually_async
from tests.local.loops import run
from tests.pluginhost.stage import PLAIN, Stage

GIB = 2**30


def test_a_refused_first_request_starts_nothing(stage: Stage) -> None:
    """It says why, counts neither against the plugin nor as a request to it, and the next one is asked afresh."""

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
        assert (await host.check("lazy", within_s=1.0)).ok
        assert stage.counts.readings(now=host._place.clock.now(), within_s=60.0) == {}
        del stage.refusals["lazy"]
        assert (await stage.ask(host, "lazy", 2)).body == 2
        woken = host.presence("lazy")
        assert woken is not None
        assert not woken.asleep

    stage.live(story)


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
    box = Box(voice, base=50.0)

    async def story() -> None:
        stage.refusal = admission.refusal
        host = stage.host()
        driver = PluginDriver(host, stage.catalog.plugin, data=stage.state / "plugins")
        async with box.controlled(drivers={WorkloadKind.PLUGIN: driver}, admission=admission):  # which closes it
            await until(lambda: host.launch("voice"), within_s=10.0)
            box.machine.base = 78.0
            refused = await stage.ask(host, "voice", 1)
            assert "RAM 78.0 %: with voice, which takes up to 3 GiB, it would be 81.0 %" in refused.detail
            assert stage.processes() == ()
            box.machine.base = 70.0

            async def answers() -> bool:  # the same refusal stands for a moment
                return bool((await stage.ask(host, "voice", 2)).body == 2)

            await eventually_async(answers)
            await until(lambda: box.status("voice").memory, within_s=10.0)

    run(story())


def _lazy(name: str) -> dict[str, object]:
    return {"plugin": {"name": name, "load": "Lazy"}}

"""Laws of plugins that require each other: what is required comes up first, and who loses it says so and goes on."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from signal import SIGKILL

from brownout.api.workload import WorkloadKind
from brownout.core.member import Observation, Presence
from brownout.engine.admission import Admission
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.driver import PluginDriver
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.launch import PluginLaunch
from tests.engine.world import Box, until
from tests.local.loops import run
from tests.pluginhost.stage import Stage

#: Answers when it came up, by the clock that all processes share.
TIMED = """
import time
came = 0
def initialize(config):
    global came
    came = time.monotonic()
def health_check(): pass
def handle_request(request): return came
def shutdown(): pass
"""


def _launch(stage: Stage, name: str, *requires: str, load: str = "Eager") -> PluginLaunch:
    return stage.launch(name, TIMED, requires=list(requires), load=load)


def _seen(host: PluginHost, launch: PluginLaunch) -> Observation:
    """What is seen of it, with what it lacks."""
    seen = host.presence(launch.key)
    assert seen is not None
    return host.required(launch.key, launch.found.manifest, seen)


async def _came(stage: Stage, host: PluginHost, names: Sequence[str]) -> list[float]:
    answers = [await stage.ask(host, name) for name in names]
    assert all(answer.ok for answer in answers), answers
    return [answer.body for answer in answers]


def test_a_plugin_comes_up_after_what_it_requires(stage: Stage) -> None:
    """Started too early it says what is missing, and comes up by itself as soon as that is up."""

    async def story(host: PluginHost) -> None:
        early = await host.start(_launch(stage, "phone", "voice"))
        assert early.status is OutcomeStatus.FAILED
        assert early.detail.startswith('it requires the plugin "voice", which no integration runs')
        host.declare("voice", "voice")
        assert _seen(host, _launch(stage, "phone", "voice")).lacking == "it requires voice, which is off"
        assert (await host.start(_launch(stage, "voice"))).status is OutcomeStatus.DONE
        await until(lambda: _seen(host, _launch(stage, "phone", "voice")).presence is Presence.RUNNING, within_s=10.0)
        voice, phone = await _came(stage, host, ("voice", "phone"))
        assert voice < phone

    stage.live(story)


def test_one_that_is_coming_up_is_waited_for(stage: Stage) -> None:
    """Whoever is told to start in the same moment starts once what it requires serves."""
    slow = "import time\ntime.sleep(0.3)\n" + TIMED

    async def story(host: PluginHost) -> None:
        first = asyncio.ensure_future(host.start(stage.launch("voice", slow)))
        await until(lambda: host.launch("voice"))
        second = asyncio.ensure_future(host.start(_launch(stage, "phone", "voice")))
        assert [one.status for one in await asyncio.gather(first, second)] == [OutcomeStatus.DONE] * 2
        voice, phone = await _came(stage, host, ("voice", "phone"))
        assert voice < phone

    stage.live(story)


def test_who_is_withdrawn_while_it_is_waited_for_is_waited_for_no_more(stage: Stage) -> None:
    """Also where it is declared anew in that moment, and sleeps: whoever requires it tries again, and wakes it."""
    slow = "import time\ntime.sleep(1.0)\n" + TIMED

    async def story(host: PluginHost) -> None:
        first = asyncio.ensure_future(host.start(stage.launch("model", slow)))
        await host.start(_launch(stage, "voice"))
        third = asyncio.ensure_future(host.start(_launch(stage, "phone", "model", "voice")))
        await until(lambda: host.presence("phone"))
        await host.forget("voice", grace_s=0.0)
        await host.start(_launch(stage, "voice", load="Lazy"))
        assert (await first).status is OutcomeStatus.DONE
        assert "it requires voice, which does not come up: it is off" in (await third).detail
        await until(lambda: _seen(host, _launch(stage, "phone")).presence is Presence.RUNNING, within_s=10.0)
        assert not any("supervision" in fault for fault in stage.faults)

    stage.live(story)


def test_a_first_request_wakes_what_is_required_first(stage: Stage) -> None:
    """All that sleeps on the way is asked about together, once, and comes up in its order."""

    async def story(host: PluginHost) -> None:
        chain = (("model",), ("voice", "model"), ("phone", "voice", "model"))
        for name, *requires in chain:
            await host.start(_launch(stage, name, *requires, load="Lazy"))
        assert stage.processes() == ()
        assert (await stage.ask(host, "phone")).ok
        assert stage.woken == [("model", "voice", "phone")]
        came = await _came(stage, host, ("model", "voice", "phone"))
        assert came == sorted(came)

    stage.live(story)


def test_where_one_of_them_may_not_start_none_does(stage: Stage) -> None:
    """The request is refused with the reason of that one, and everything sleeps on."""

    async def story(host: PluginHost) -> None:
        await host.start(_launch(stage, "model", load="Lazy"))
        await host.start(_launch(stage, "voice", "model", load="Lazy"))
        stage.refusals["model"] = "RAM 79.0 %: with model it would be 91.0 %"
        answer = await stage.ask(host, "voice")
        assert answer.status is AnswerStatus.UNAVAILABLE
        assert answer.detail == "it is not started now: RAM 79.0 %: with model it would be 91.0 %"
        await host.stop("model", grace_s=1.0)
        assert (await stage.ask(host, "voice")).detail == "it is not started now: it requires model, which is off"
        assert stage.processes() == ()
        assert _seen(host, _launch(stage, "voice", "model", load="Lazy")).asleep

    stage.live(story)


def test_who_loses_what_it_requires_says_so_and_goes_on(stage: Stage) -> None:
    """Switched off or failed: it answers still, in the same run, until all is well again."""

    async def story(host: PluginHost) -> None:
        voice, phone = _launch(stage, "voice"), _launch(stage, "phone", "voice")
        await host.start(voice)
        await host.start(phone)
        identity = _seen(host, phone).identity
        await host.stop("voice", grace_s=1.0)
        assert _seen(host, phone).lacking == "it requires voice, which is off"
        await host.start(voice)
        assert _seen(host, phone).lacking == ""
        os.kill(int(_seen(host, voice).identity.partition(":")[0]), SIGKILL)
        await until(lambda: _seen(host, phone).lacking == "it requires voice, which has failed", within_s=10.0)
        assert (await stage.ask(host, "phone")).ok
        await until(lambda: _seen(host, phone).lacking == "", within_s=10.0)
        assert _seen(host, phone).identity == identity

    stage.live(story)


def test_a_new_version_that_requires_what_is_off_does_not_take_over(stage: Stage) -> None:
    """The old one, which does without, stays and answers."""

    async def story(host: PluginHost) -> None:
        await host.start(_launch(stage, "phone"))
        host.declare("voice", "voice")
        newer = stage.launch("phone", TIMED, requires=["voice"], config={"version": 2})
        changed = await host.start(newer)
        assert (changed.status, changed.detail) == (OutcomeStatus.FAILED, "it requires voice, which is off")
        assert (await stage.ask(host, "phone")).ok
        await host.start(_launch(stage, "voice"))
        assert (await host.start(newer)).status is OutcomeStatus.DONE

    stage.live(story)


def test_of_several_that_run_what_is_required_one_that_is_on_counts(stage: Stage) -> None:
    """Also where another comes first by its name: that one is off, and nobody has to wait for it."""

    async def story(host: PluginHost) -> None:
        host.declare("a-voice", "voice")
        assert (await host.start(replace(_launch(stage, "voice"), key="z-voice"))).status is OutcomeStatus.DONE
        phone = _launch(stage, "phone", "voice")
        assert (await host.start(phone)).status is OutcomeStatus.DONE
        assert (_seen(host, phone).requires, _seen(host, phone).lacking) == (("z-voice",), "")

    stage.live(story)


def test_plugins_of_other_namespaces_do_not_count(stage: Stage) -> None:
    """In a cluster what belongs to somebody else is not relied on."""

    async def story(host: PluginHost) -> None:
        manifest = _launch(stage, "phone", "voice").found.manifest
        host.declare("theirs/voice", "voice")
        assert host.unrun("ours/phone", manifest) == 'it requires the plugin "voice", which no integration runs'
        host.declare("ours/speech", "voice")
        assert host.unrun("ours/phone", manifest) == ""
        assert host.required("ours/phone", manifest, Observation(presence=Presence.STOPPED)).requires == (
            "ours/speech",
        )

    stage.live(story)


def test_the_driver_says_what_is_required_and_what_nobody_runs(stage: Stage) -> None:
    """The planner orders starts by it; a plugin that requires what nobody runs is not started, and says why."""
    stage.put("voice", TIMED)
    stage.put("phone", TIMED, "requires: [voice]\n")
    voice, phone = stage.integration("voice"), stage.integration("phone")

    async def story(driver: PluginDriver) -> None:
        alone = await driver.observe(phone)
        assert (alone.presence, alone.detail) == (
            Presence.MISSING,
            'it requires the plugin "voice", which no integration runs',
        )
        both = await asyncio.gather(driver.observe(phone), driver.observe(voice))
        assert [(seen.presence, seen.requires) for seen in both] == [
            (Presence.STOPPED, ("voice",)),
            (Presence.STOPPED, ()),
        ]
        for each in (voice, phone):
            await driver.start(each, None)
        await driver.forget("voice")
        lost = await driver.observe(phone)
        assert (lost.presence, lost.requires) == (Presence.RUNNING, ())
        assert lost.lacking == 'it requires the plugin "voice", which no integration runs'

    stage.drive(story)


def test_who_is_to_be_loaded_at_once_now_is_woken_where_it_fits(stage: Stage) -> None:
    """`load` changed from Lazy to Eager: it is outdated, and starts when it may."""
    stage.put("voice", TIMED)
    lazy, eager = (
        stage.integration("voice", workload={"plugin": {"name": "voice", "load": load}}) for load in ("Lazy", "Eager")
    )

    async def story(driver: PluginDriver) -> None:
        await driver.start(lazy, None)
        assert not (await driver.observe(lazy)).outdated
        assert (await driver.observe(eager)).outdated
        stage.refusals["voice"] = "RAM 79.0 %"
        refused = await driver.start(eager, None)
        assert (refused.status, refused.detail) == (OutcomeStatus.FAILED, "it is not started now: RAM 79.0 %")
        assert (await driver.observe(lazy)).asleep
        del stage.refusals["voice"]
        assert (await driver.start(eager, None)).status is OutcomeStatus.DONE
        assert not (await driver.observe(eager)).outdated
        assert len(stage.processes()) == 1

    stage.drive(story)


def test_a_controller_starts_what_is_required_first(stage: Stage) -> None:
    """Real plugins and a planner: the more important one comes second, without a failed try in between."""
    stage.put("voice", TIMED)
    stage.put("phone", TIMED, "requires: [voice]\n")
    box = Box(
        stage.integration("phone", uid="uid-phone", priority=90),
        stage.integration("voice", uid="uid-voice", priority=10),
        base=50.0,
    )

    async def story() -> None:
        host, admission = stage.host(), Admission()
        driver = PluginDriver(host, stage.catalog.plugin, data=stage.state / "plugins")
        async with box.controlled(drivers={WorkloadKind.PLUGIN: driver}, admission=admission):
            await until(lambda: len(box.watcher.outcomes) == 2, within_s=20.0)
            assert box.watcher.outcomes == [("voice", "Start", "Done"), ("phone", "Start", "Done")]
            voice, phone = await _came(stage, host, ("voice", "phone"))
            assert voice < phone

    run(story())

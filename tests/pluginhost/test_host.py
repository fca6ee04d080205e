"""Laws of the host with plugins that behave, and with those that fail in the ways that programs fail."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from brownout.core.member import Presence
from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.host import PluginHost
from tests.checkout import PACKAGE
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

ASYNC = """
import asyncio
async def initialize(config, context):
    context.log("ready " + config["word"])
    context.record_usage(7, api_call=True)
async def health_check(): return False
async def handle_request(request):
    await asyncio.sleep(0)
    return {"got": request.body, "id": request.id}
async def shutdown(): print("goodbye")
"""


def test_nothing_is_kept_of_runs_that_failed(stage: Stage) -> None:
    """One that never comes up is tried for days, 1440 times a day: each try is forgotten as soon as it has ended."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("broken", "raise RuntimeError('half')"))
        assert await eventually_async(lambda: _tried(stage, 2))
        assert host._keepers["broken"]._processes == set()

    stage.live(story)


async def _tried(stage: Stage, times: int) -> bool:
    return len(stage.faults) >= times


def test_a_plugin_is_started_asked_and_ended(stage: Stage) -> None:
    """Plain functions in threads: what they return comes back, what they print is kept, and nothing is left."""
    launch = stage.launch("echo", 'def shutdown(): print("goodbye")')

    async def story(host: PluginHost) -> None:
        assert (await host.start(launch)).status is OutcomeStatus.DONE
        assert (await host.start(launch)).status is OutcomeStatus.DONE
        answers = await asyncio.gather(*(stage.ask(host, "echo", {"n": at}) for at in range(10)))
        assert [answer.body for answer in answers] == [{"n": at} for at in range(10)]
        assert len(stage.processes()) == 1
        stopped = await host.stop("echo", grace_s=5.0)
        assert stopped.status is OutcomeStatus.DONE
        assert "finished" in stopped.detail
        assert stage.processes() == ()
        assert (await stage.ask(host, "echo")).status is AnswerStatus.UNAVAILABLE

    stage.live(story)
    assert "goodbye" in (stage.state / "logs" / "plugin-echo.log").read_text()


def test_coroutines_a_context_and_a_class_are_as_good(stage: Stage) -> None:
    """The contract asks for functions, not for a style."""
    launch = stage.launch("echo", ASYNC, config={"word": "now"})

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        assert (await stage.ask(host, "echo", 7)).body["got"] == 7
        assert (await host.check("echo", within_s=5.0)).body == {"ok": False, "message": ""}

    stage.live(story)
    assert stage.notes == [("echo", "info", "ready now")]
    assert stage.used == [("echo", 7, True)]


def test_a_plugin_refuses_in_words_and_fails_with_its_line(stage: Stage) -> None:
    """Refusing is no failure; an exception is one, told in one line without what the request held."""
    launch = stage.launch(
        "picky",
        """
        from brownout.plugin import Response
        def handle_request(request):
            if request.body == "no": return Response(refused="not at night")
            return {"secret": 1 / 0}
        """,
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        refused, failed = await stage.ask(host, "picky", "no"), await stage.ask(host, "picky", "yes")
        assert (refused.status, refused.detail) == (AnswerStatus.REFUSED, "not at night")
        assert failed.status is AnswerStatus.FAILED
        assert failed.detail.startswith("ZeroDivisionError: division by zero (picky.py, line ")
        reading = stage.counts.readings(now=1e10, within_s=30.0)["picky"]
        assert (reading.requests, reading.failures) == (2, 1)

    stage.live(story)


NESTED = "[" * 70 + "]" * 70


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        ("float('nan')", "its answer cannot be sent: it is nothing that JSON can hold"),
        (NESTED, "its answer cannot be sent: it is nested deeper than 64 levels"),
        ("'x' * 9_000_000", "its answer cannot be sent: it has 9000"),
        ("[[]] * 200_000", "its answer cannot be sent: it is of more than 100000 values"),
        ("Response(refused=5)", "TypeError: Response.refused must be a string, not int"),
    ],
)
def test_an_answer_that_is_none_fails_one_request(stage: Stage, returned: str, why: str) -> None:
    """The slip is told in words, and the same process answers the next request."""
    source = "from brownout.plugin import Response\ndef handle_request(r): return eval(r.body)"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("odd", source))
        failed, answered = await stage.ask(host, "odd", returned), await stage.ask(host, "odd", "7")
        assert failed.status is AnswerStatus.FAILED
        assert why in failed.detail
        assert answered.body == 7

    stage.live(story)
    assert stage.faults == []


def test_a_request_that_is_too_deep_costs_its_sender_alone(stage: Stage) -> None:
    """The plugin is not asked, and not ended: whoever may ask could otherwise end what others ask too."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("echo"))
        refused = await stage.ask(host, "echo", json.loads(NESTED))
        assert refused.status is AnswerStatus.TOO_LARGE
        assert "nested deeper than 64 levels" in refused.detail
        assert (await stage.ask(host, "echo", 1)).body == 1

    stage.live(story)
    assert stage.faults == []


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        ("None", {"ok": True, "message": ""}),
        ("False", {"ok": False, "message": ""}),
        ("Health(ok=False, message='no model')", {"ok": False, "message": "no model"}),
        ("{'ok': False}", "health_check must return Health, a bool or nothing, not dict"),
        ("(False, 'no model')", "health_check must return Health, a bool or nothing, not tuple"),
        ("'no'", "health_check must return Health, a bool or nothing, not str"),
        ("Health(ok=0)", "Health must have ok, a bool, and message, a string"),
    ],
)
def test_health_is_what_the_contract_says_and_nothing_else(stage: Stage, returned: str, found: object) -> None:
    """What Python takes for true is not yet well: `{"ok": False}` is an author's slip, and is told."""
    source = f"from brownout.plugin import Health\ndef health_check(): return {returned}"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("odd", source))
        answer = await host.check("odd", within_s=5.0)
        assert answer.body == found or str(found) in answer.detail

    stage.live(story)


def test_a_failure_that_is_told_at_length_is_cut(stage: Stage) -> None:
    """What the plugin writes in the worker's place is kept no longer than what the worker would write."""
    source = """
    import json, os, sys
    def handle_request(r):
        body = json.dumps({"kind": "failure", "id": 2, "error": "x" * 5_000_000}).encode()
        os.write(int(sys.argv[1]), len(body).to_bytes(4, "big") + body)
    """

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("loud", source))
        answer = await stage.ask(host, "loud")
        assert (answer.status, len(answer.detail)) == (AnswerStatus.FAILED, 2000)

    stage.live(story)


def test_a_plugin_that_fails_slowly_says_why_while_it_is_tried_again(stage: Stage) -> None:
    """Whoever looks while it comes up learns as much as who looks while it waits."""
    source = "import time\ndef initialize(config):\n  time.sleep(1)\n  raise ValueError('no key')"

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("slow", source))

        async def starting() -> bool:
            seen = host.presence("slow")
            return seen is not None and seen.presence is Presence.STARTING and "no key" in seen.detail

        assert await eventually_async(starting)

    stage.live(story)


def test_a_plugin_that_left_no_thread_for_the_worker_still_answers(stage: Stage) -> None:
    """Requests are done by the hands that are there already; where there is none, the reason is told."""
    source = """
    import threading
    def handle_request(r):
        try:
            while r.body == "fill": threading.Thread(target=threading.Event().wait, daemon=True).start()
        except RuntimeError: pass
        return r.body
    """

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("full", source))
        bodies = ["fill"] + [str(at) for at in range(8)]
        assert (await stage.ask(host, "full", bodies[0])).body == "fill"
        answers = await asyncio.gather(*(stage.ask(host, "full", body) for body in bodies[1:]))
        assert [answer.body for answer in answers] == bodies[1:]

    stage.live(story)
    assert stage.faults == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('no model')", "RuntimeError: no model (bad.py, line 6)"),
        ("import os; os._exit(139)", "its process exited with 139"),
        ("import sys; sys.exit(1)", "SystemExit: 1"),
        ("while True: pass", "it hangs while its module is run"),
        ("def initialize(config): raise ValueError('no key')", "ValueError: no key"),
        ("def initialize(config):\n  while True: pass", "it did not answer within 2 s"),
        ("del handle_request", "is no plugin: it has no handle_request"),
        ("def f(:", "SyntaxError"),
        ("import os; os.kill(os.getpid(), 11)", "its process was ended by SIGSEGV"),
    ],
)
def test_what_does_not_come_up_is_told_with_its_reason(stage: Stage, source: str, why: str) -> None:
    """And it is tried again, later and later; until then a request is answered at once with the same reason."""
    launch = stage.launch("bad", source)

    async def story(host: PluginHost) -> None:
        outcome = await host.start(launch)
        assert outcome.status is OutcomeStatus.FAILED
        assert why in outcome.detail
        seen = host.presence("bad")
        assert seen is not None
        assert seen.presence is Presence.FAILED
        assert "next try in" in seen.detail
        answer = await stage.ask(host, "bad")
        assert answer.status is AnswerStatus.UNAVAILABLE
        assert why in answer.detail

    stage.live(story)


def test_a_crash_is_the_answer_of_those_in_hand_and_the_next_run_serves(stage: Stage) -> None:
    """Each request in hand gets one answer that says how it ended; nobody waits for ever."""
    launch = stage.launch(
        "frail",
        """
        import os, time
        def handle_request(request):
            if request.body == "die": os._exit(3)
            if request.body == "wait": time.sleep(60)
            return os.getpid()
        """,
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        waiting = asyncio.ensure_future(stage.ask(host, "frail", "wait"))
        first = (await stage.ask(host, "frail")).body
        died = await stage.ask(host, "frail", "die")
        for answer in (died, await waiting):
            assert (answer.status, answer.detail) == (AnswerStatus.CRASHED, "its process exited with 3")

        async def again() -> bool:
            answer = await stage.ask(host, "frail")
            return answer.ok and answer.body != first

        assert await eventually_async(again)

    stage.live(story)


def test_more_than_it_may_have_wait_and_more_than_may_wait_are_refused(stage: Stage) -> None:
    """Two hands and a queue of one: the fourth is told at once, and the others are served."""
    launch = stage.launch(
        "slow",
        """
        import threading
        go = threading.Event()
        def handle_request(request): return go.wait(3)
        def set_level(level): go.set()
        """,
        limits={"concurrency": 2, "queue": 1},
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        three = [asyncio.ensure_future(stage.ask(host, "slow")) for _ in range(3)]
        await asyncio.sleep(0)
        refused = await stage.ask(host, "slow")
        assert (refused.status, refused.detail) == (AnswerStatus.BUSY, "2 requests are in hand and 1 wait")
        await host._keepers["slow"].call("set_level", "x", within_s=3.0)
        assert [answer.status for answer in await asyncio.gather(*three)] == [AnswerStatus.OK] * 3

    stage.live(story)


def test_what_hangs_in_all_its_hands_is_ended_and_tried_again(stage: Stage) -> None:
    """One that does not answer in time is told so; when none of its hands comes back, it is started anew."""
    launch = stage.launch(
        "hangs",
        """
        import time
        def handle_request(request): time.sleep(60)
        """,
        limits={"concurrency": 2, "requestTimeout": "100ms"},
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        for _ in range(2):
            answer = await stage.ask(host, "hangs")
            assert (answer.status, answer.detail) == (AnswerStatus.TOO_SLOW, "it did not answer within 0.1 s")
        assert await eventually_async(lambda: _told(stage, "it hangs: 2 requests did not come back"))

    stage.live(story)


def test_a_late_answer_reaches_nobody(stage: Stage) -> None:
    """It is dropped, and the next request gets its own."""
    launch = stage.launch(
        "late",
        """
        import time
        def handle_request(request):
            time.sleep(0.3 if request.body == "late" else 0)
            return request.body
        """,
        limits={"requestTimeout": "100ms"},
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        assert (await stage.ask(host, "late", "late")).status is AnswerStatus.TOO_SLOW
        for at in range(20):
            assert (await stage.ask(host, "late", at)).body == at

    stage.live(story)


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef shutdown(): time.sleep(60)",
        "import time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef shutdown(): time.sleep(60)",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
        "import atexit, time\natexit.register(time.sleep, 60)",
    ],
)
def test_what_does_not_want_to_end_is_ended(stage: Stage, source: str) -> None:
    """Within its grace and a moment, whatever it does with signals, threads and exit handlers."""
    launch = stage.launch("deaf", source)

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        assert (await host.stop("deaf", grace_s=0.2)).status is OutcomeStatus.DONE
        assert stage.processes() == ()

    stage.live(story)


def test_what_is_in_hand_is_finished_before_it_ends(stage: Stage) -> None:
    """A stop waits for the request, then for shutdown."""
    launch = stage.launch(
        "busy",
        """
        import time
        def handle_request(request):
            time.sleep(0.3)
            return "done"
        """,
    )

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        asked = asyncio.ensure_future(stage.ask(host, "busy"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "finished" in (await host.stop("busy", grace_s=5.0)).detail
        assert (await asked).body == "done"

    stage.live(story)


async def _told(stage: Stage, why: str) -> bool:
    return any(why in fault for fault in stage.faults)


def test_who_has_no_plugin_pays_nothing_for_them() -> None:
    """A controller imports nothing of the plugin host before an integration declares one."""
    said = "import sys, brownout.bootstrap.life; print([m for m in sys.modules if m.startswith('brownout.pluginhost')])"
    search = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    asked = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, env=search)
    assert asked.stdout == "[]\n"

"""Health checks in virtual time: their rhythm, their bounds, what they do to the circuit, and what is said of them."""

import pytest

from brownout.api.integration import Integration
from brownout.api.reasons import Circuit, ConditionStatus, ConditionType, Health, Reason, State
from brownout.api.status import Condition
from brownout.api.workload import WorkloadKind
from brownout.core.breaker import Source, doubled
from brownout.core.health import Answer, Checked
from brownout.engine.circuits import Circuits
from tests.builders import make_integration
from tests.engine.world import IN_VIRTUAL_TIME, Box, now, passing, until
from tests.fakes import FakeProber

pytestmark = IN_VIRTUAL_TIME

REFUSED = Checked(answer=Answer.FAILED, why="connection refused on port 9000")
BY_PORT = {"http": {"port": 9000}}


def probed(name: str, **health: object) -> Integration:
    """An integration that is checked by a probe."""
    return make_integration(name, uid=f"uid-{name}", health={**BY_PORT, **health})


def make_probed_box(*names: str, **health: object) -> Box:
    """A box on which these run, each with a probe."""
    box = Box(*(probed(name, **health) for name in names), base=20.0).up()
    return box.sized(**dict.fromkeys(names, 0.01))


def health(box: Box, name: str = "voice") -> Health | None:
    """Its health as it stands written; None before the first status."""
    return box.status(name).health if name in box.home.statuses else None


def circuit(box: Box, name: str = "voice") -> Circuit | None:
    """Its circuit as it stands written."""
    return box.status(name).circuit if name in box.home.statuses else None


def condition(box: Box, name: str) -> Condition:
    """Its condition Healthy."""
    return next(one for one in box.status(name).conditions if one.type is ConditionType.HEALTHY)


async def test_each_is_checked_in_its_own_rhythm() -> None:
    """Every period once, at moments that differ, for as long as it runs."""
    names = [f"worker-{number}" for number in range(20)]
    box, prober = make_probed_box(*names), FakeProber()
    async with box.controlled(prober=prober):
        await passing(60.0)
    assert {prober.asked[name] for name in names} <= {11, 12, 13}
    for name in names:
        gaps = [later - at for at, later in zip(prober.asked_at[name], prober.asked_at[name][1:], strict=False)]
        assert all(abs(gap - 5.0) < 0.05 for gap in gaps)
    assert len({round(at[0] % 5.0, 2) for at in prober.asked_at.values()}) >= 5
    assert prober.closed


async def test_three_failures_in_a_row_are_unhealthy_and_open_the_circuit() -> None:
    """Within 15 s of the first, with the reason in status, condition and announcement; and nothing is switched."""
    box, prober = make_probed_box("voice"), FakeProber()
    async with box.controlled(prober=prober):
        await until(lambda: health(box) is Health.HEALTHY, within_s=10.0)
        assert circuit(box) is Circuit.CLOSED
        prober.answers["voice"] = REFUSED
        took_s = await until(lambda: health(box) is Health.UNHEALTHY, within_s=30.0)
        assert took_s <= 16.0
        status, words = box.status("voice"), "3 checks in a row failed: connection refused on port 9000"
        assert (status.circuit, status.state, status.reason) == (Circuit.OPEN, State.ENABLED, Reason.UNHEALTHY)
        assert status.message == condition(box, "voice").message == words
        assert (condition(box, "voice").status, condition(box, "voice").reason) == (ConditionStatus.FALSE, "Unhealthy")
        assert box.home.announced == [("voice", "Unhealthy", f"voice is unhealthy: {words}")]
    assert box.watcher.steps == []


async def test_it_recovers_through_one_trial() -> None:
    """Open, half-open when the wait is over, closed after one check that passes; healthy at the first that passes."""
    box, prober, seen = make_probed_box("voice"), FakeProber(), list[tuple[str, str]]()
    prober.answers["voice"] = REFUSED
    circuits = Circuits(lambda openings: doubled(openings) + 1.5)
    async with box.controlled(prober=prober, circuits=circuits) as controller:

        def look() -> bool:
            known = controller.reconciler.health.seen_of("voice")
            if known is not None and (pair := (str(known.record.health), str(known.breaker.circuit))) not in seen:
                seen.append(pair)
            return seen[-1:] == [("Healthy", "Closed")]

        await until(lambda: look() or ("Unhealthy", "HalfOpen") in seen, within_s=60.0)
        prober.answers.clear()
        await until(look, within_s=60.0)
        await passing(3.0)
        assert box.status("voice").reason is Reason.WITHIN_LIMITS
    assert seen[:3] == [("Unknown", "Closed"), ("Unhealthy", "Open"), ("Unhealthy", "HalfOpen")]
    assert box.home.announced[-1] == ("voice", "WithinLimits", "voice passes its checks again")


async def test_what_changes_nothing_writes_nothing() -> None:
    """Ten minutes of failing, or of passing: not one status more."""
    box, prober = make_probed_box("voice", "android"), FakeProber()
    prober.answers["voice"] = REFUSED
    async with box.controlled(prober=prober):
        await passing(120.0)
        before = {name: box.status(name) for name in ("voice", "android")}
        written = len(box.log.texts("status android"))
        await passing(600.0)
        assert box.status("android") is before["android"]
        assert len(box.log.texts("status android")) == written
        assert box.status("voice").message == before["voice"].message


async def test_one_that_hangs_delays_no_other_and_never_piles_up() -> None:
    """Half of 100 hang, deaf to their cancellation: the others keep their rhythm, and of none two are under way."""
    names = [f"worker-{number}" for number in range(100)]
    box, prober = make_probed_box(*names), FakeProber()
    prober.deaf = set(names[:50])
    async with box.controlled(prober=prober) as controller:
        await passing(60.0)
        assert {prober.asked[name] for name in names[50:]} <= {11, 12, 13}
        assert {prober.asked[name] for name in names[:50]} == {1}
        assert set(prober.most.values()) == {1}
        assert {box.status(name).health for name in names[:50]} == {Health.UNHEALTHY}
        assert {box.status(name).health for name in names[50:]} == {Health.HEALTHY}
        assert controller.ticks_missed == 0
        prober.release.set()


async def test_500_that_time_out_together_are_no_trouble() -> None:
    """All are unhealthy after three timeouts, the planner ticks on time, and each is asked one thing at a time."""
    names = [f"worker-{number}" for number in range(500)]
    box, prober = make_probed_box(*names), FakeProber()
    prober.hanging = set(names)
    async with box.controlled(prober=prober) as controller:
        await passing(22.0)
        assert {box.status(name).health for name in names} == {Health.UNHEALTHY}
        assert set(prober.most.values()) == {1}
        assert controller.ticks_missed == 0
        assert condition(box, names[0]).message == "3 checks in a row failed: no answer on port 9000 within 5s"


async def test_slow_is_unhealthy_but_may_be_asked() -> None:
    """An answer after 400 ms misses its budget of 200 ms; an answer that is late is an answer, so nothing opens."""
    box, prober = make_probed_box("voice"), FakeProber()
    prober.takes_s["voice"] = 0.4
    async with box.controlled(prober=prober):
        await until(lambda: health(box) is Health.UNHEALTHY, within_s=30.0)
        await passing(60.0)
        assert circuit(box) is Circuit.CLOSED
        assert box.status("voice").message == "3 checks in a row were too slow: an answer takes longer than 200ms"


async def test_a_checker_that_fails_says_nothing_of_the_workload() -> None:
    """Health becomes unknown, not unhealthy; the fault is told, the circuit stays closed."""
    box, prober = make_probed_box("voice"), FakeProber()
    async with box.controlled(prober=prober):
        await until(lambda: health(box) is Health.HEALTHY)
        prober.error = RuntimeError("a bug")
        await until(lambda: health(box) is Health.UNKNOWN, within_s=30.0)
        assert circuit(box) is Circuit.CLOSED
        assert condition(box, "voice").message == "cannot be checked: the check itself failed"
    assert ("health", "voice: RuntimeError: a bug") in box.watcher.faults


async def test_history_keeps_what_checks_find() -> None:
    """With each sample: health, circuit, how many checks since the last one, and how many failed."""
    box, prober = make_probed_box("voice"), FakeProber()
    async with box.controlled(prober=prober):
        await passing(61.0)
        prober.answers["voice"] = REFUSED
        await passing(60.0)
    kept = [found["voice"] for found in box.journal.found if "voice" in found]
    assert {(one.health, one.errors) for one in kept[1:2]} == {(Health.HEALTHY, 0)}
    assert (kept[-1].health, kept[-1].circuit is Circuit.CLOSED) == (Health.UNHEALTHY, False)
    assert all(5 <= one.checks <= 7 for one in kept[1:])
    assert kept[-1].errors == kept[-1].checks


async def test_without_a_probe_it_is_what_is_seen() -> None:
    """Its process lives, so it is healthy, from the first status on; one that fell over is not."""
    box = Box(make_integration("voice", uid="uid-voice"), base=20.0).up()
    async with box.controlled():
        await passing(10.0)
        assert health(box) is Health.HEALTHY
        assert box.watcher.causes == ["start"]


async def test_what_is_off_is_not_checked() -> None:
    """Nobody asks it, it has no circuit, and when it comes back it begins anew."""
    box, prober = make_probed_box("voice"), FakeProber()
    prober.answers["voice"] = REFUSED
    async with box.controlled(prober=prober):
        await until(lambda: circuit(box) is Circuit.OPEN, within_s=30.0)
        box.home.edit("voice", enabled=False, health=BY_PORT)
        await until(lambda: box.status("voice").state is State.DISABLED)
        asked = prober.asked["voice"]
        await passing(60.0)
        assert prober.asked["voice"] <= asked + 1
        assert (box.status("voice").health, box.status("voice").circuit) == (Health.UNKNOWN, None)
        prober.answers.clear()
        box.home.edit("voice", enabled=True, health=BY_PORT)
        await until(lambda: health(box) is Health.HEALTHY)
        assert circuit(box) is Circuit.CLOSED


async def test_a_driver_that_can_tell_is_asked() -> None:
    """Where no probe is named, the driver's own check counts: of a plugin its health_check."""

    class Telling:
        """A driver that also says how its workload is."""

        def __init__(self, box: Box) -> None:
            self._machine = box.machine
            self.answer = Checked(answer=Answer.OK)

        def __getattr__(self, name: str) -> object:
            return getattr(self._machine, name)

        async def check(self, integration: Integration) -> Checked:
            """What the plugin says."""
            del integration
            return self.answer

    box = Box(make_integration("voice", uid="uid-voice"), base=20.0).up()
    driver = Telling(box)
    async with box.controlled(drivers={WorkloadKind.COMMAND: driver}):
        await until(lambda: health(box) is Health.HEALTHY)
        driver.answer = Checked(answer=Answer.FAILED, why="the model is not loaded")
        await until(lambda: health(box) is Health.UNHEALTHY, within_s=30.0)
        assert box.status("voice").message == "3 checks in a row failed: the model is not loaded"


async def test_requests_open_a_circuit_whose_checks_pass() -> None:
    """Health stays what the checks say; the reason is the circuit, and a request that goes well closes it."""
    box, prober, circuits = make_probed_box("voice"), FakeProber(), Circuits()
    async with box.controlled(prober=prober, circuits=circuits):
        await until(lambda: health(box) is Health.HEALTHY)
        for _ in range(3):
            circuits.failed(circuits.allow("voice", now=box.clock.now()), "the model is gone", now=box.clock.now())
        await until(lambda: circuit(box) is Circuit.OPEN, within_s=5.0)
        status = box.status("voice")
        assert (status.health, status.reason) == (Health.HEALTHY, Reason.CIRCUIT_OPEN)
        assert status.message == "gets no requests for now: the model is gone"
        assert not circuits.allow("voice", now=box.clock.now()).granted
        await until(lambda: circuit(box) is Circuit.HALF_OPEN, within_s=30.0)
        trial = circuits.allow("voice", now=box.clock.now())
        others = [circuits.allow("voice", now=box.clock.now(), source=source) for source in Source]
        assert (trial.granted, [other.granted for other in others]) == (True, [False, False])
        circuits.succeeded(trial, now=box.clock.now())
        await until(lambda: circuit(box) is Circuit.CLOSED, within_s=5.0)
        assert box.status("voice").reason is Reason.WITHIN_LIMITS


async def test_failing_under_pressure_is_evidence_of_pressure() -> None:
    """It was well, and is not while RAM is over the enable threshold: a trigger (requirement D6); calm, it is none."""
    box, prober = make_probed_box("voice", "android"), FakeProber()
    box.machine.base = 70.0
    async with box.controlled(prober=prober) as controller:
        await until(lambda: health(box) is Health.HEALTHY)
        prober.answers["voice"] = REFUSED
        await until(lambda: health(box) is Health.UNHEALTHY, within_s=30.0)
        await passing(1.0)
        triggers = controller.reconciler.load.triggers()
        assert [(one.reason, one.key) for one in triggers] == [(Reason.UNDER_PRESSURE, "voice")]
        assert "voice is unhealthy for" in triggers[0].message
        await passing(400.0)
        assert controller.reconciler.load.triggers() == ()


@pytest.mark.parametrize("period_s", [1.0, 30.0])
async def test_an_edited_check_counts_at_once(period_s: float) -> None:
    """Another period is kept from then on."""
    box, prober = make_probed_box("voice"), FakeProber()
    async with box.controlled(prober=prober):
        await passing(20.0)
        box.home.edit("voice", health={**BY_PORT, "period": f"{period_s:g}s"})
        await passing(31.0)
        began, asked = now(), prober.asked["voice"]
        await passing(60.0)
        assert abs((prober.asked["voice"] - asked) - (now() - began) / period_s) <= 1.0

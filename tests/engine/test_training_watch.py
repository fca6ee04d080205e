"""The training watch in virtual time: when it asks, what it does with the answer, and how it gives way."""

from typing import Any

from brownout.core.forecasting.model import Model
from brownout.core.sample import Sample
from brownout.engine.controller import Controller
from brownout.engine.training_watch import FIRST_S, LOOK_S
from tests.champions import make_champions
from tests.engine.world import IN_VIRTUAL_TIME, Box, make_box, passing, until
from tests.fakes import FakeTrainer

pytestmark = IN_VIRTUAL_TIME

HOUR_S = 3600.0


def a_box(*, history_s: float = 7 * HOUR_S, base: float = 30.0, **policy: Any) -> Box:
    """A calm box whose history reaches back so far."""
    box = make_box(base=base, **policy)
    start = box.clock.start
    box.journal.samples = [Sample(at=start - 300.0 * place) for place in range(1, int(history_s / 300.0))]
    box.journal.levels = [{} for _ in box.journal.samples]
    return box


def models(controller: Controller) -> set[Model]:
    """Which kinds of forecasters are in the panel."""
    panel = controller.reconciler.board.ledger.panel
    return {each.model for each in panel.forecasters} if panel else set()


async def test_ten_minutes_after_the_start_it_trains() -> None:
    """Where there are 6 hours of history and no model yet; the series is the panel's; what came of it takes part."""
    box, trainer = a_box(), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer) as controller:
        await passing(FIRST_S - 1.0)
        assert trainer.requests == []
        await until(lambda: trainer.requests, within_s=2 * LOOK_S)
        await until(lambda: Model.TRAINED in models(controller), within_s=10.0)
        assert {Model.TRAINED, Model.DAILY, Model.LAST_VALUE} <= models(controller)
        assert controller.training.champions == make_champions()
        await passing(HOUR_S)
    request = trainer.requests[0]
    assert (request.step_s, request.steps, request.confidence_percent) == (30.0, (1, 5, 10), 90.0)
    assert (request.why, request.limit_bytes) == ("there is no model yet", box.sensor.limit_bytes)
    assert len(trainer.requests) == 1
    assert box.watcher.faults == []


async def test_with_little_history_it_waits() -> None:
    """Less than 6 hours is too little; it is not asked for what cannot be."""
    box, trainer = a_box(history_s=2 * HOUR_S), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer):
        await passing(HOUR_S)
    assert trainer.requests == []


async def test_what_was_kept_takes_part_from_the_first_minutes() -> None:
    """After a restart the champions are in the panel without a new training."""
    box, trainer = a_box(), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer):
        await until(lambda: trainer.store.champions, within_s=HOUR_S)
    async with box.controlled(trainer=trainer) as controller:
        await until(lambda: Model.TRAINED in models(controller), within_s=2 * LOOK_S)
        await passing(HOUR_S)
    assert len(trainer.requests) == 1


async def test_champions_survive_a_new_panel() -> None:
    """Other settings make a new panel: the profile joins it; coefficients for such a series are made anew."""
    box, trainer = a_box(), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer) as controller:
        await until(lambda: Model.TRAINED in models(controller), within_s=HOUR_S)
        box.home.set_policy(forecast={"horizon": "10m"})
        await until(lambda: Model.TRAINED not in models(controller), within_s=120.0)
        await until(lambda: Model.DAILY in models(controller), within_s=120.0)
        await until(lambda: len(trainer.requests) == 2, within_s=2 * HOUR_S)
    assert trainer.requests[1].steps == (1, 10, 20)


async def test_it_does_not_begin_where_memory_is_not_calm() -> None:
    """Between enable and disable nothing is spent on a better forecast."""
    box, trainer = a_box(base=50.0), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer):
        await passing(HOUR_S)
        assert trainer.requests == []
        box.machine.base = 30.0
        await until(lambda: trainer.requests, within_s=2 * LOOK_S)


async def test_it_does_not_begin_where_it_does_not_fit() -> None:
    """On a machine of 1 GiB 300 MiB are 29 points: at 55 % that is over the disable threshold."""
    box, trainer = a_box(base=35.0), FakeTrainer(make_champions())
    box.sensor.limit_bytes = box.gauge.limit_bytes = 2**30
    async with box.controlled(trainer=trainer):
        await passing(HOUR_S)
    assert trainer.requests == []


async def test_the_sentinel_ends_it() -> None:
    """At the first look at or above the disable threshold: the memory is ours, so it is the first to go."""
    box, trainer = a_box(), FakeTrainer(make_champions(), takes_s=100.0)
    async with box.controlled(trainer=trainer) as controller:
        await until(lambda: trainer.requests, within_s=HOUR_S)
        box.machine.base = 65.0
        took_s = await until(lambda: trainer.ended, within_s=10.0)
        await passing(5.0)
        assert controller.training.said == "no model: it gave way: memory became short"
        assert Model.TRAINED not in models(controller)
        box.machine.base = 30.0
        await until(lambda: len(trainer.requests) == 2, within_s=2 * HOUR_S)
    assert took_s <= 1.25
    assert trainer.requests[1].now - trainer.requests[0].now >= HOUR_S


async def test_failures_wait_longer_and_longer() -> None:
    """An hour, two hours, four; each is told of, and decisions go on."""
    box, trainer = a_box(), FakeTrainer(make_champions(), takes_s=1.0)
    trainer.fault = "scikit-learn cannot be imported"
    async with box.controlled(trainer=trainer) as controller:
        await passing(4 * HOUR_S)
        assert controller.alive()
    first, second, third = (request.now for request in trainer.requests)
    assert HOUR_S <= second - first <= HOUR_S + 2 * LOOK_S
    assert 2 * HOUR_S <= third - second <= 2 * HOUR_S + 2 * LOOK_S
    assert box.watcher.faults == [("training", "scikit-learn cannot be imported")] * 3


async def test_a_trainer_that_raises_costs_nothing_else() -> None:
    """Nothing of it reaches a tick."""
    box, trainer = a_box(), FakeTrainer()
    trainer.error = RuntimeError("a bug")
    async with box.controlled(trainer=trainer) as controller:
        await passing(HOUR_S)
        assert controller.faults() == ()
    assert box.watcher.faults == [("training", "RuntimeError: a bug")] * 2
    assert len(trainer.requests) == 1


async def test_the_end_of_the_controller_ends_it() -> None:
    """Nothing is left under way."""
    box, trainer = a_box(), FakeTrainer(make_champions(), takes_s=1000.0)
    async with box.controlled(trainer=trainer):
        await until(lambda: trainer.requests, within_s=HOUR_S)
    assert trainer.ended == 1


async def test_switched_off_nothing_is_trained() -> None:
    """`forecast.model: Off` wants no forecast."""
    box, trainer = a_box(forecast={"model": "Off"}), FakeTrainer(make_champions())
    async with box.controlled(trainer=trainer):
        await passing(HOUR_S)
    assert trainer.requests == []


async def test_without_a_trainer_nothing_is_missed() -> None:
    """It is not a fault that nobody trains."""
    box = a_box()
    async with box.controlled() as controller:
        await passing(HOUR_S)
        assert controller.training.said == "nobody trains here"
        assert Model.TRAINED not in models(controller)
    assert box.watcher.faults == []

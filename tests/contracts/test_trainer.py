"""What every Trainer promises: the one in a child, nobody, and the fake."""

import asyncio
from pathlib import Path

import pytest

from brownout.core.training_report import Kept
from brownout.engine.trainer import NoTrainer, Trainer
from tests.champions import make_champions
from tests.checkout import PACKAGE
from tests.fakes import FakeTrainer
from tests.training.series import autoregressive, make_request
from tests.training.state import make_trainer, write_history

POINTS = autoregressive(800)
REQUEST = make_request(POINTS)


@pytest.fixture(params=["child", "nobody", "fake"])
def trainer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Each kind of trainer, where there is a history."""
    if request.param == "child":
        monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
        write_history(tmp_path, POINTS)
        return make_trainer(tmp_path)
    return NoTrainer() if request.param == "nobody" else FakeTrainer(make_champions(), takes_s=0.01)


def test_before_the_first_training_nothing_is_kept(trainer: Trainer) -> None:
    """Nothing is a value, not a fault."""
    assert asyncio.run(trainer.kept()) == Kept()


def test_what_was_trained_is_kept(trainer: Trainer) -> None:
    """A report without a fault means models that can be had, for the series that was asked for."""
    report = asyncio.run(trainer.train(REQUEST))
    kept = asyncio.run(trainer.kept())
    if report is None:
        assert kept == Kept()
        return
    assert (report.at, report.why, report.fault) == (REQUEST.now, REQUEST.why, "")
    assert kept.last_at == REQUEST.now
    assert kept.champions is not None
    assert kept.champions.fits(REQUEST.steps, REQUEST.step_s)


def test_to_ask_for_what_is_kept_changes_nothing(trainer: Trainer) -> None:
    """It may be asked as often as one likes."""
    asyncio.run(trainer.train(REQUEST))
    assert asyncio.run(trainer.kept()) == asyncio.run(trainer.kept())


def test_cancelled_it_ends_and_what_was_kept_stands(trainer: Trainer) -> None:
    """At once, and without a trace."""

    async def cancelled() -> None:
        task = asyncio.create_task(trainer.train(REQUEST))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled() or task.result() is None
        assert await trainer.kept() == Kept()

    asyncio.run(cancelled())

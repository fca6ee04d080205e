"""What every Journal promises, on SQLite and on the fake."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from brownout.core.rates import Served
from brownout.core.sample import Sample
from brownout.engine.ports import Journal, Outcome, OutcomeStatus
from tests.fakes import FakeJournal
from tests.history.world import DONE, NOW, World, make_decision, make_sample, make_step

Scenario = Callable[[Journal], Awaitable[None]]
Run = Callable[[Scenario], None]


@pytest.fixture(params=["sqlite", "fake"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a scenario on a new journal of each kind, and close it."""

    async def on(journal: Journal, scenario: Scenario) -> None:
        await scenario(journal)
        await journal.close()
        assert journal.faults() == ()

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            fake = request.param == "fake"
            await on(FakeJournal() if fake else World(tmp_path / "history.db").journal(), scenario)

        asyncio.run(main())

    return run


def test_an_intent_is_given_back_as_it_was_meant(run: Run) -> None:
    """What was intended is what the audit log says, numbers and dry run included."""

    async def scenario(journal: Journal) -> None:
        step = make_step("voice", message="RAM 84 %: disabled voice")
        decision = make_decision(step, memory=84.0, model="linear", lower=None)
        number = await journal.intend(decision, step, dry_run=True)
        (record,) = await journal.decisions()
        assert (record.id, record.at, record.key, record.action) == (number, NOW, "voice", "Disable")
        assert (record.reason, record.message) == ("AboveThreshold", "RAM 84 %: disabled voice")
        assert (record.rule, record.dry_run) == ("above_threshold", True)
        assert dict(record.numbers) == {"memory": 84.0, "model": "linear", "lower": None}
        assert (record.outcome, record.outcome_at, record.detail) == (None, None, "")

    run(scenario)


def test_ids_grow_in_the_order_of_the_intents(run: Run) -> None:
    """An intent's id is larger than that of every earlier one, whichever way it came."""

    async def scenario(journal: Journal) -> None:
        step = make_step()
        decision = make_decision(step)
        ids = [await journal.intend(decision, step, dry_run=False), journal.intend_now(decision, step, dry_run=False)]
        ids.append(await journal.intend(decision, step, dry_run=False))
        assert ids == sorted(set(ids))

    run(scenario)


def test_an_intent_of_the_emergency_is_seen_at_once(run: Run) -> None:
    """What was intended without waiting for the disk is already part of every answer."""

    async def scenario(journal: Journal) -> None:
        step = make_step("discord")
        number = journal.intend_now(make_decision(step), step, dry_run=False)
        assert [record.id for record in await journal.decisions(key="discord")] == [number]
        assert [record.id for record in await journal.unresolved()] == [number]

    run(scenario)


def test_an_outcome_belongs_to_its_intent(run: Run) -> None:
    """What came of an intent is told with it, and it is unresolved no more."""

    async def scenario(journal: Journal) -> None:
        first, second = make_step("voice"), make_step("android")
        decision = make_decision(first, second)
        done = await journal.intend(decision, first, dry_run=False)
        left = await journal.intend(decision, second, dry_run=False)
        journal.resolve(done, at=NOW + 3, outcome=DONE)
        newest, oldest = await journal.decisions()
        assert (oldest.outcome, oldest.outcome_at, oldest.detail) == ("Done", NOW + 3, "freed 1.9 GiB")
        assert (newest.id, newest.outcome) == (left, None)
        assert [record.id for record in await journal.unresolved()] == [left]

    run(scenario)


def test_the_last_outcome_stands(run: Run) -> None:
    """An outcome that is told again replaces the one before."""

    async def scenario(journal: Journal) -> None:
        step = make_step()
        number = await journal.intend(make_decision(step), step, dry_run=False)
        journal.resolve(number, at=NOW + 1, outcome=Outcome(status=OutcomeStatus.FAILED, detail="timed out"))
        journal.resolve(number, at=NOW + 2, outcome=DONE)
        (record,) = await journal.decisions()
        assert (record.outcome, record.outcome_at) == ("Done", NOW + 2)

    run(scenario)


def test_decisions_can_be_narrowed(run: Run) -> None:
    """By key, by time and by number, the newest first."""

    async def scenario(journal: Journal) -> None:
        for index, key in enumerate(["voice", "android", "voice", "voice"]):
            step = make_step(key)
            await journal.intend(make_decision(step, at=NOW + index), step, dry_run=False)
        assert [record.at - NOW for record in await journal.decisions()] == [3, 2, 1, 0]
        assert [record.at - NOW for record in await journal.decisions(key="voice")] == [3, 2, 0]
        assert [record.at - NOW for record in await journal.decisions(since=NOW + 2)] == [3, 2]
        assert [record.at - NOW for record in await journal.decisions(key="voice", limit=2)] == [3, 2]
        assert await journal.decisions(key="stubs") == ()
        assert await journal.decisions(limit=0) == ()

    run(scenario)


def test_a_window_is_what_was_sampled(run: Run) -> None:
    """Samples come back whole, oldest first, with their footprints, none from before it and none later than now."""

    async def scenario(journal: Journal) -> None:
        samples = [make_sample(NOW + offset, voice=100 + offset) for offset in (0, 30, 60, 90)]
        for sample in samples:
            journal.add_sample(sample, {"voice": "full"})
        assert await journal.window(since=NOW + 30, now=NOW + 60) == tuple(samples[1:3])
        assert await journal.window(since=NOW, now=NOW + 90) == tuple(samples)
        assert await journal.window(since=NOW + 91, now=NOW + 99) == ()

    run(scenario)


def test_what_was_served_is_no_part_of_the_window(run: Run) -> None:
    """It is kept beside the sample: one that served but was not measured has no footprint, and no sample changes."""

    async def scenario(journal: Journal) -> None:
        sample = make_sample(NOW, voice=100)
        served = {key: Served(requests=5, errors=1, response_ms=12.5) for key in ("voice", "android")}
        journal.add_sample(sample, {"voice": "full"}, served)
        assert await journal.window(since=NOW, now=NOW) == (sample,)

    run(scenario)


def test_footprints_are_given_back_with_their_levels(run: Run) -> None:
    """What each integration was measured to hold at which level, oldest first, and nothing from outside the span."""

    async def scenario(journal: Journal) -> None:
        for offset, level in ((0, "full"), (30, "full"), (60, "reduced"), (90, "reduced")):
            journal.add_sample(make_sample(NOW + offset, voice=100 + offset, stubs=7), {"voice": level})
        found = await journal.footprints(since=NOW + 30, now=NOW + 60)
        assert [(one.at - NOW, one.key, one.level, one.memory_bytes) for one in found] == [
            (30, "stubs", "", 7),
            (30, "voice", "full", 130),
            (60, "stubs", "", 7),
            (60, "voice", "reduced", 160),
        ]
        assert await journal.footprints(since=NOW + 91, now=NOW + 99) == ()

    run(scenario)


def test_what_was_not_measured_has_no_footprint(run: Run) -> None:
    """One that only served is no row of these."""

    async def scenario(journal: Journal) -> None:
        served = {key: Served(requests=5, errors=1, response_ms=12.5) for key in ("voice", "android")}
        journal.add_sample(make_sample(NOW, voice=100), {"voice": "full"}, served)
        assert [one.key for one in await journal.footprints(since=NOW, now=NOW)] == ["voice"]

    run(scenario)


def test_a_sample_of_failed_sensors_stays_unknown(run: Run) -> None:
    """What was not measured comes back as unknown, not as zero."""

    async def scenario(journal: Journal) -> None:
        journal.add_sample(Sample(at=NOW), {})
        assert await journal.window(since=NOW, now=NOW) == (Sample(at=NOW),)

    run(scenario)

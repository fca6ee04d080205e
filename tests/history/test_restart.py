"""What a start finds of what the last controller wrote."""

import sqlite3
import stat
from pathlib import Path

from brownout.api.reasons import Circuit, Health
from brownout.core.health import Findings
from brownout.core.rates import Served
from brownout.history import schema
from brownout.history.store import SqliteJournal
from tests.history.world import DONE, NOW, World, intend, make_sample


def test_everything_outlives_a_restart(world: World) -> None:
    """Decisions, outcomes and samples are there for the next controller."""

    async def first(journal: SqliteJournal) -> None:
        journal.resolve(await intend(journal, "voice"), at=NOW + 1, outcome=DONE)
        await intend(journal, "android")
        journal.add_sample(make_sample(NOW, voice=100), {"voice": "full"})

    async def second(journal: SqliteJournal) -> None:
        assert [(record.key, record.outcome) for record in await journal.decisions()] == [
            ("android", None),
            ("voice", "Done"),
        ]
        assert [record.key for record in await journal.unresolved()] == ["android"]
        assert await journal.window(since=NOW - 60, now=NOW) == (make_sample(NOW, voice=100),)

    world.use(first)
    world.use(second)
    assert world.told == []


def test_ids_go_on_where_they_were(world: World) -> None:
    """A restart never gives an id again, not even that of the newest row after it was removed."""

    async def one(journal: SqliteJournal) -> int:
        return await intend(journal)

    first = world.use(one)
    assert world.use(one) == first + 1
    world.change("DELETE FROM decisions")
    assert world.use(one) == first + 2


def test_the_file_is_for_its_owner_alone(world: World) -> None:
    """The history and its log can be read by nobody else, also where the file was made with a laxer mode before."""

    async def modes(journal: SqliteJournal) -> set[int]:
        await intend(journal)
        return {stat.S_IMODE(path.stat().st_mode) for path in world.path.parent.iterdir()}

    assert world.use(modes) == {0o600}
    world.path.chmod(0o644)
    assert world.use(modes) == {0o600}


def test_a_closed_history_is_one_file(world: World) -> None:
    """After a clean end there is no log beside the file: what it holds is in the file."""
    world.use(intend)
    assert [path.name for path in world.path.parent.iterdir()] == ["history.db"]


def test_the_level_is_kept_with_the_footprint(world: World) -> None:
    """Each footprint says at which level it was measured."""

    async def scenario(journal: SqliteJournal) -> None:
        journal.add_sample(make_sample(NOW, voice=100, stubs=5), {"voice": "reduced"})

    world.use(scenario)
    rows = world.query("SELECT integration, at, level, memory_bytes, response_ms, errors, requests FROM footprints")
    assert sorted(rows) == [("stubs", NOW, "", 5, None, None, None), ("voice", NOW, "reduced", 100, None, None, None)]


def test_what_was_served_is_kept_with_the_sample(world: World) -> None:
    """Requests, errors and the mean response of each; also of one whose memory nobody measured (requirement S7)."""

    async def scenario(journal: SqliteJournal) -> None:
        served = {"voice": Served(requests=9, errors=2, response_ms=120.5), "android": Served(requests=0, errors=0)}
        journal.add_sample(make_sample(NOW, voice=100), {"android": "full"}, served)

    world.use(scenario)
    rows = world.query("SELECT integration, level, memory_bytes, response_ms, errors, requests FROM footprints")
    assert sorted(rows) == [("android", "full", None, None, 0, 0), ("voice", "", 100, 120.5, 2, 9)]


def test_what_checks_found_is_kept_with_the_sample(world: World) -> None:
    """Health, circuit, latency, checks and errors of each; also of one that nobody measured (requirement H5)."""
    ill = Findings(health=Health.UNHEALTHY, circuit=Circuit.OPEN, checks=6, errors=4, latency_s=0.0125)

    async def scenario(journal: SqliteJournal) -> None:
        journal.add_sample(make_sample(NOW, voice=100), {}, {}, {"android": ill})

    world.use(scenario)
    rows = world.query("SELECT integration, health, circuit, check_ms, check_errors, checks FROM footprints")
    assert sorted(rows) == [
        ("android", "Unhealthy", "Open", 12.5, 4, 6),
        ("voice", None, None, None, None, None),
    ]


def test_a_history_of_version_1_is_carried_on(world: World) -> None:
    """What an earlier controller kept stays, and what checks find is kept from now on."""
    script = (Path(schema.__file__).parent / "schema.sql").read_text()
    world.path.parent.mkdir(parents=True, exist_ok=True)
    old = sqlite3.connect(world.path)
    old.executescript(f"PRAGMA application_id = {schema.HISTORY.application_id}; {script} PRAGMA user_version = 1;")
    old.execute("INSERT INTO samples (at, memory_percent, witness) VALUES (?, 41.0, 'node')", (NOW - 30,))
    old.commit()
    old.close()

    async def scenario(journal: SqliteJournal) -> None:
        assert [each.memory_percent for each in await journal.window(since=NOW - 60, now=NOW)] == [41.0]
        well = Findings(health=Health.HEALTHY, circuit=Circuit.CLOSED, checks=6, errors=0, latency_s=None)
        journal.add_sample(make_sample(NOW, voice=100), {}, {}, {"voice": well})

    world.use(scenario)
    assert world.query("SELECT integration, memory_bytes, health FROM footprints") == [("voice", 100, "Healthy")]

"""What a home makes of changes while it runs: quickly, as a whole, and never a half-written file."""

import asyncio
import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from brownout.engine.ports import Inventory
from brownout.local import files, watching
from brownout.local.files import LocalHome
from tests.local.house import House, names, one, policy_text, priority, text_of, until
from tests.local.loops import run


def test_a_change_is_told_and_numbered(house: House) -> None:
    """`changed` returns, the generation grows with the spec and only with it, the uid stays."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        before = one(home.inventory())
        told = asyncio.ensure_future(home.changed())
        house.write("voice.yaml", text_of("voice", priority=7))
        after = one(await until(home, lambda inventory: priority(inventory) == 7))
        await asyncio.wait_for(told, 5)
        assert (before.metadata.generation, after.metadata.generation) == (1, 2)
        assert before.metadata.uid == after.metadata.uid
        assert before.metadata.resource_version != after.metadata.resource_version
        house.write("voice.yaml", "# a comment changes nothing\n" + text_of("voice", priority=7))
        house.write("new.yaml", text_of("android"))
        assert one(await until(home, lambda inventory: "android" in names(inventory))).metadata.generation == 2
        (house.directory / "voice.yaml").unlink()
        await until(home, lambda inventory: names(inventory) == {"android"})

    house.live(story)


@pytest.mark.parametrize("place", ["inside", "elsewhere"])
def test_a_changed_source_calls_the_planner(house: House, tmp_path: Path, place: str) -> None:
    """A plugin's file was written, in the directory or where the plugins lie else: nobody waits for the next tick."""
    house.write("voice.yaml", text_of("voice"))
    house.sources = house.directory / "plugins" if place == "inside" else tmp_path / "plugins"
    plugin = house.sources / "voice"
    plugin.mkdir(parents=True)
    for name in ("voice.py", "plugin.yaml"):
        (plugin / name).write_text("old")

    async def story(home: LocalHome) -> None:
        house.write("new.yaml", text_of("android"))
        await until(home, lambda inventory: "android" in names(inventory))  # from here on it is watched
        await home.changed()
        for name in ("voice.py", "plugin.yaml"):
            told = asyncio.ensure_future(home.changed())
            (plugin / name).write_text("new")
            await asyncio.wait_for(told, 10)
        assert names(home.inventory()) == {"voice", "android"}

    house.live(story)


def test_the_policy_is_followed_too(house: House) -> None:
    """Changed, broken, deleted: the new one, the last good one, the default."""
    house.write("policy.yaml", policy_text(interval="3s"))

    async def story(home: LocalHome) -> None:
        house.write("policy.yaml", policy_text(interval="4s"))
        found = await until(home, lambda inventory: inventory.policy.spec.interval == 4.0)
        assert found.policy.metadata.generation == 2
        house.write("policy.yaml", policy_text(interval="4 s"))
        found = await until(home, lambda inventory: "policy.yaml" in inventory.problems)
        assert found.policy.spec.interval == 4.0
        (house.directory / "policy.yaml").unlink()
        await until(home, lambda inventory: inventory.policy.spec.interval == 30.0)

    house.live(story)


def test_a_file_is_believed_when_it_rests(house: House) -> None:
    """Y-01: written one byte after the other; no prefix of it is ever taken for the whole."""
    house.write("voice.yaml", text_of("voice", priority=5))
    text = text_of("voice", priority=987654321).encode()
    seen: set[int] = set()

    async def story(home: LocalHome) -> None:
        loop = asyncio.get_running_loop()
        with (house.directory / "voice.yaml").open("wb", buffering=0) as file:
            for byte in text:
                file.write(bytes((byte,)))
                pause = loop.create_future()
                loop.call_later(0.01, pause.set_result, None)
                await pause
                seen.add(priority(home.inventory()))
        await until(home, lambda inventory: priority(inventory) == 987654321)

    house.live(story)
    assert seen <= {5, 987654321}


@pytest.mark.parametrize("way", ["rename", "truncate", "delete", "backup"])
def test_an_editor_never_makes_an_object_vanish(house: House, way: str) -> None:
    """Y-02: renamed over, truncated and written, deleted and made anew: the object is there all the time."""
    file = house.write("voice.yaml", text_of("voice"))

    def save(text: str) -> None:
        beside = house.directory / ("voice.yaml~" if way == "backup" else ".voice.yaml.swp")
        if way == "rename":
            beside.write_text(text)
            beside.replace(file)
        elif way == "backup":
            file.replace(beside)
            file.write_text(text)
        else:
            if way == "delete":
                file.unlink()
            file.write_text(text)

    async def story(home: LocalHome) -> None:
        lost = []

        def saved(inventory: Inventory, number: int) -> bool:
            lost.append(not inventory.integrations)
            return bool(inventory.integrations) and priority(inventory) == number

        for number in range(1, 6):
            save(text_of("voice", priority=number))
            await until(home, partial(saved, number=number))
        assert not any(lost)

    house.live(story)


def test_a_config_map_update_is_one_swap(house: House) -> None:
    """Y-04: a new folder, and `..data` renamed over; the old folder goes away."""
    for number in (1, 2):
        house.write(f"..{number}/voice.yaml", text_of("voice", priority=number))
    (house.directory / "..data").symlink_to("..1")
    (house.directory / "voice.yaml").symlink_to("..data/voice.yaml")

    async def story(home: LocalHome) -> None:
        assert priority(home.inventory()) == 1
        (house.directory / "..data_tmp").symlink_to("..2")
        (house.directory / "..data_tmp").replace(house.directory / "..data")
        shutil.rmtree(house.directory / "..1")
        await until(home, lambda inventory: priority(inventory) == 2)

    house.live(story)


def test_500_files_at_once_are_one_change(house: House) -> None:
    """Y-13: a checkout is one event, not 500."""
    for number in range(500):
        house.write(f"{number}.yaml", text_of(f"voice-{number}"))

    async def story(home: LocalHome) -> None:
        changes = 0

        async def count() -> None:
            nonlocal changes
            while True:
                await home.changed()
                changes += 1

        counting = asyncio.ensure_future(count())
        for number in range(500):
            house.write(f"{number}.yaml", text_of(f"voice-{number}", priority=1))
        await until(
            home, lambda inventory: all(one.spec.priority == 1 for one in inventory.integrations.values()), within_s=30
        )
        counting.cancel()
        assert changes <= 3

    house.live(story)


def test_a_content_that_changes_under_the_same_time_is_seen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Y-14: contents are compared, not times; and the clock may go back."""
    monkeypatch.setattr(files, "_LOOK_S", 0.1)
    monkeypatch.setattr(watching.Watching, "_counts", lambda *_: False)  # the kernel says nothing
    file = house.write("voice.yaml", text_of("voice", priority=1))
    os.utime(file, (1e9, 1e9))

    async def story(home: LocalHome) -> None:
        file.write_text(text_of("voice", priority=2))
        os.utime(file, (1e9, 1e9))
        await until(home, lambda inventory: priority(inventory) == 2)

    house.live(story)


def test_where_the_kernel_does_not_watch_the_clock_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Y-12: no watches left: said once, and changes are found all the same."""

    def no_watches(*_: object, **__: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watching, "watch", no_watches)
    monkeypatch.setattr(files, "_LOOK_UNWATCHED_S", 0.1)
    house.write("voice.yaml", text_of("voice", priority=1))

    async def story(home: LocalHome) -> None:
        house.write("voice.yaml", text_of("voice", priority=2))
        await until(home, lambda inventory: priority(inventory) == 2)

    house.live(story)
    assert [fault for fault in house.faults if "OS file watch limit reached" in fault] == house.faults != []


def test_the_present_state_of_one_file_just_before_acting(house: House) -> None:
    """`current`: the newest spec, None for a deleted file, the known one for a broken file, before any event came."""
    house.write("voice.yaml", text_of("voice", priority=1))

    async def story() -> None:
        home = house.home()
        home.load()
        known = one(home.inventory())
        assert await home.current("voice") == known
        house.write("voice.yaml", text_of("voice", priority=2))
        newest = await home.current("voice")
        assert newest is not None
        assert (newest.spec.priority, newest.metadata.generation) == (2, 2)
        house.write("voice.yaml", "kind: [half")
        assert await home.current("voice") == known
        (house.directory / "voice.yaml").unlink()
        assert await home.current("voice") is None
        shutil.rmtree(house.directory)
        assert await home.current("voice") == known
        assert await home.current("unknown") is None
        await home.close()

    run(story())


def test_a_link_to_the_directory_may_be_turned(house: House, tmp_path: Path) -> None:
    """A release that is switched by a link is another folder at the same path."""
    for number in (1, 2):
        (tmp_path / f"release-{number}").mkdir()
        (tmp_path / f"release-{number}" / "voice.yaml").write_text(text_of("voice", priority=number))
    (tmp_path / "current").symlink_to("release-1")
    linked = House(tmp_path / "current", house.state)

    async def story(home: LocalHome) -> None:
        (tmp_path / "next").symlink_to("release-2")
        (tmp_path / "next").replace(tmp_path / "current")
        await until(home, lambda inventory: priority(inventory) == 2)

    linked.live(story)

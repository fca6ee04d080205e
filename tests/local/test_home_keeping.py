"""What a home keeps: broken, emptied, vanished files and directories never switch anything off."""

from brownout.api.status import IntegrationStatus
from brownout.local.files import LocalHome
from tests.eventually import eventually_async
from tests.local.house import House, names, one, priority, said, text_of, until


def test_a_broken_file_keeps_its_last_good_objects(house: House) -> None:
    """Y-11: reported, rejected, and nothing is switched off; a restart changes nothing; what is mended counts."""
    house.write("two.yaml", text_of("voice", "android", priority=7))

    async def break_it(home: LocalHome) -> None:
        for name in ("voice", "android"):
            await home.write_status(name, one(home.inventory(), name).status or _status())
        house.write("two.yaml", "kind: [half")
        inventory = await until(home, lambda inventory: inventory.problems)
        assert (names(inventory), priority(inventory)) == ({"voice", "android"}, 7)
        assert inventory.rejected == {"voice", "android"}
        assert "two.yaml:2: cannot be read" in said(inventory, "two.yaml")

    async def mend_it(home: LocalHome) -> None:
        inventory = home.inventory()
        assert (names(inventory), priority(inventory)) == ({"voice", "android"}, 7)
        assert inventory.rejected == {"voice", "android"}
        house.write("two.yaml", text_of("android", priority=9))
        inventory = await until(home, lambda inventory: not inventory.problems)
        assert (names(inventory), priority(inventory, "android")) == ({"android"}, 9)
        assert one(inventory, "android").metadata.generation == 2

    house.live(break_it)
    house.live(mend_it)


def test_one_bad_document_takes_nothing_away(house: House) -> None:
    """The good one counts, the bad one keeps its last good version, the missing one stays until the file is mended."""
    house.write("all.yaml", text_of("voice", "android", "discord", priority=1))

    async def story(home: LocalHome) -> None:
        house.write("all.yaml", text_of("voice", priority=2) + "---\n" + text_of("android", priority="bad"))
        inventory = await until(home, lambda inventory: inventory.problems)
        assert [priority(inventory, name) for name in ("voice", "android", "discord")] == [2, 1, 1]
        assert inventory.rejected == {"android", "discord"}
        house.write("all.yaml", text_of("voice", priority=2) + "---\n" + text_of("android", priority=3))
        inventory = await until(home, lambda inventory: not inventory.problems)
        assert (names(inventory), inventory.rejected) == ({"voice", "android"}, frozenset())

    house.live(story)


def test_a_circle_keeps_the_last_good_version(house: House) -> None:
    """A change that only shows together with others is refused, and what was good goes on, with its old spec."""
    house.write("voice.yaml", text_of("voice"))
    house.write("android.yaml", text_of("android", dependsOn=["voice"]))

    async def story(home: LocalHome) -> None:
        house.write("voice.yaml", text_of("voice", dependsOn=["android"], priority=5))
        inventory = await until(home, lambda inventory: inventory.problems)
        assert (names(inventory), priority(inventory)) == ({"voice", "android"}, 100)
        assert inventory.rejected == {"voice", "android"}

    house.live(story)


def test_a_file_that_was_emptied_takes_nothing_away(house: House) -> None:
    """A full disk and a crash leave files of 0 bytes; who means it deletes the file, or leaves a comment."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        house.write("voice.yaml", "")
        inventory = await until(home, lambda inventory: inventory.problems)
        assert (names(inventory), set(inventory.rejected)) == ({"voice"}, {"voice"})
        assert "delete it to take away what it declared" in said(inventory, "voice.yaml")
        house.write("voice.yaml", "# not now\n")
        await until(home, lambda inventory: not inventory.integrations)

    house.live(story)


def test_the_directory_may_go_away_and_come_back(house: House) -> None:
    """Y-03: nothing is taken away, a fault says so, and when it is back it is followed again."""
    house.write("voice.yaml", text_of("voice"))
    away = house.directory.with_name("away")

    async def story(home: LocalHome) -> None:
        house.directory.rename(away)
        await eventually_async(lambda: _faults(home, "is gone"))
        assert names(home.inventory()) == {"voice"}
        assert (await home.current("voice")) == one(home.inventory())
        house.directory.mkdir()  # what is left at the path when a disk is unmounted
        await eventually_async(lambda: _faults(home, "as when a disk is not mounted"))
        assert names(home.inventory()) == {"voice"}
        house.directory.rmdir()
        away.rename(house.directory)
        await eventually_async(lambda: _faults(home, ""))
        house.write("voice.yaml", text_of("voice", priority=3))
        await until(home, lambda inventory: priority(inventory) == 3)

    house.live(story)


def test_a_directory_that_is_away_at_the_start(house: House) -> None:
    """Y-03: after a restart the state folder says what was declared; with nothing to say it is an error."""
    house.write("voice.yaml", text_of("voice"))

    async def keep(home: LocalHome) -> None:
        assert await home.write_status("voice", _status())

    house.live(keep)
    away = house.directory.with_name("away")
    house.directory.rename(away)
    assert names(house.load()) == {"voice"}
    house.directory.mkdir()
    assert names(house.load()) == {"voice"}
    house.directory.rmdir()
    away.rename(house.directory)
    (house.directory / "voice.yaml").unlink()
    assert names(house.load()) == set()


def test_an_emptied_directory_is_empty(house: House) -> None:
    """It is still there, still the same one, and readable: what was deleted is gone, and its status too."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        assert await home.write_status("voice", _status())
        (house.directory / "voice.yaml").unlink()
        await until(home, lambda inventory: not inventory.integrations)
        assert home.faults() == ()
        await eventually_async(lambda: _no_status(house))
        assert await home.write_status("voice", _status())
        assert not (house.state / "status" / "voice.yaml").exists()

    house.live(story)


def test_a_deleted_file_may_come_back(house: House) -> None:
    """Y-03: deleted and made anew: it is the same name, with a spec of its own."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        (house.directory / "voice.yaml").unlink()
        await until(home, lambda inventory: not inventory.integrations)
        house.write("voice.yaml", text_of("voice", priority=4))
        await until(home, lambda inventory: names(inventory) == {"voice"})
        assert priority(home.inventory()) == 4

    house.live(story)


def _status() -> IntegrationStatus:
    return IntegrationStatus(message="well")


async def _faults(home: LocalHome, words: str) -> bool:
    found = "\n".join(home.faults())
    return words in found if words else not found


async def _no_status(house: House) -> bool:
    return not (house.state / "status" / "voice.yaml").exists()

"""Laws of a plugin's data folder: it takes no more than `limits.disk`, and who was ended for it can clean up."""

from __future__ import annotations

import pytest

from brownout.pluginhost import disk_watch
from brownout.pluginhost.disk_watch import TRIES
from brownout.pluginhost.host import PluginHost
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage

FILLS = """
    import os
    def handle_request(request):
        for number in range(request.body):
            with open(f"part{number}", "wb") as part: part.write(bytes(2**19))
        return len(os.listdir())
"""
CLEANS = """
    import os
    def initialize(config):
        for name in os.listdir(): os.unlink(name)
    def handle_request(request):
        for number in range(request.body):
            with open(f"part{number}", "wb") as part: part.write(bytes(2**19))
        return len(os.listdir())
"""
LIMITS = {"disk": "1Mi"}
WHY = "its data folder takes more than the 1Mi that it may"


async def look(host: PluginHost) -> None:
    """What the host does every other second."""
    await host._watch.look_at_folders()


async def told(stage: Stage, why: str) -> bool:
    """Whether the host has told this of a plugin."""
    return any(why in fault for fault in stage.faults)


async def serving(stage: Stage, host: PluginHost, body: int = 0) -> bool:
    """Whether it answers again, waiting for it."""

    async def served() -> bool:
        return (await stage.ask(host, "wild", body)).ok

    return await eventually_async(served)


def test_a_file_may_be_as_large_as_the_folder_and_no_larger(stage: Stage) -> None:
    """The kernel says no; to the plugin it is an error like any other, and it goes on."""
    source = """
    def handle_request(request):
        with open("file", "ab") as file: file.write(bytes(request.body))
        return "written"
    """

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("wild", source, limits=LIMITS))
        assert (await stage.ask(host, "wild", 2**20)).ok
        answer = await stage.ask(host, "wild", 1)
        assert "File too large" in answer.detail
        await look(host)
        assert (await host.check("wild", within_s=5.0)).ok

    stage.live(story)


def test_many_files_are_held_to_it_by_a_look(stage: Stage) -> None:
    """Ended with the reason; what it asked for up to the limit it had, and another plugin does not notice."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("wild", FILLS, limits=LIMITS))
        await host.start(stage.launch("calm", FILLS, limits=LIMITS))
        assert (await stage.ask(host, "wild", 2)).body == 2
        await look(host)
        assert (await stage.ask(host, "wild", 3)).body == 3
        (process,) = host._keepers["wild"].processes
        await look(host)
        assert await process.ended == WHY
        assert await eventually_async(lambda: told(stage, WHY))
        assert (await stage.ask(host, "calm", 1)).ok

    stage.live(story)


def test_who_was_ended_for_it_can_clean_up_by_itself(stage: Stage) -> None:
    """The next run finds its folder as it was, has time for it, and goes on when it has done it."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("wild", CLEANS, limits=LIMITS))
        await stage.ask(host, "wild", 3)
        await look(host)
        assert await serving(stage, host, 1)
        for _ in range(3):
            await look(host)
        assert (await stage.ask(host, "wild", 1)).body == 1

    stage.live(story)


def test_who_cleans_up_may_not_grow(stage: Stage) -> None:
    """Over the limit it has time, and is ended before that is over when it takes more than before."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("wild", FILLS, limits=LIMITS))
        await stage.ask(host, "wild", 3)
        await look(host)
        assert await serving(stage, host)
        await look(host)
        assert (await stage.ask(host, "wild", 3)).ok  # the same files again: no more than before
        await look(host)
        (process,) = host._keepers["wild"].processes
        assert (await stage.ask(host, "wild", 4)).ok
        await look(host)
        assert await process.ended == WHY

    stage.live(story)


def test_who_never_cleans_up_waits_for_its_owner(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few runs it is not started any more, with the reason; and it is, when there is room."""
    monkeypatch.setattr(disk_watch, "CLEANING_S", 0.0)
    monkeypatch.setattr("brownout.processes.backoff.delay_s", lambda _: 0.05)

    async def story(host: PluginHost) -> None:
        launch = stage.launch("wild", FILLS, limits=LIMITS)
        await host.start(launch)
        await stage.ask(host, "wild", 3)

        async def refused() -> bool:
            await look(host)
            return await told(stage, "when somebody has made room")

        assert await eventually_async(refused)
        assert sum(fault.endswith(WHY) for fault in stage.faults) == TRIES
        assert "made room" in (await stage.ask(host, "wild", 0)).detail
        for part in launch.folder.iterdir():
            part.unlink()
        assert await serving(stage, host)

    stage.live(story)


def test_a_disk_that_fails_is_told_and_ends_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that cannot be taken says nothing about the plugin."""

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("wild", FILLS, limits=LIMITS))
        with monkeypatch.context() as patch:
            patch.setattr("os.scandir", _broken)
            with pytest.raises(OSError, match="Input/output"):
                await look(host)
        await look(host)
        assert (await host.check("wild", within_s=5.0)).ok

    stage.live(story)


def _broken(folder: object) -> None:
    raise OSError(5, "Input/output error")

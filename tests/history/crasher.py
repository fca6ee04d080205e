"""A controller's history that dies at its n-th statement, and one on a disk with room for n KiB: run by the tests.

Each round is a fork of this one process, so that dying a hundred times costs one start of Python. What a round was
promised (the ids of intents that were acknowledged) it writes to a file of its own before it goes on.
"""

import asyncio
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from brownout.history.store import SqliteJournal
from tests.eventually import eventually_async
from tests.history.world import DONE, NOW, SetClock, intend, make_sample

MOST_ROUNDS = 400


def die_at(statement: int) -> None:
    """Make every connection of this process count its statements; at the n-th of all the process is gone."""
    left = [statement]
    connect = sqlite3.connect

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    mock.patch.object(sqlite3, "connect", counting).start()


async def a_short_life(folder: Path) -> None:
    """Intents with outcomes and samples, each intent noted once it is acknowledged; then a clean end."""
    journal = SqliteJournal.open(folder / "history.db", clock=SetClock(), on_fault=lambda _where, _message: None)
    with (folder / "acknowledged").open("a", buffering=1) as acknowledged:
        for index in range(5):
            number = await intend(journal, f"voice-{index}")
            acknowledged.write(f"{number}\n")
            journal.resolve(number, at=NOW + index, outcome=DONE)
            journal.add_sample(make_sample(NOW + index, voice=index), {"voice": "full"})
    await journal.close()


async def a_life_on_a_small_disk(folder: Path, room_bytes: int) -> None:
    """The disk takes files of so many bytes only; later it has room again, and all must be there."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, most))
    journal = SqliteJournal.open(folder / "history.db", clock=SetClock(), on_fault=lambda _where, _message: None)
    numbers = []
    for index in range(60):
        number = await intend(journal, f"voice-{index}")
        numbers.append(number)
        journal.resolve(number, at=NOW + index, outcome=DONE)
        journal.add_sample(make_sample(NOW + index, voice=index), {"voice": "full"})
        if index % 20 == 0:
            assert number in [record.id for record in await journal.decisions()]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    async def written() -> bool:
        return not journal.faults() and not journal._ring.pending()

    await eventually_async(written, within_s=30)
    await journal.close()
    (folder / "acknowledged").write_text("".join(f"{number}\n" for number in numbers))


def in_a_fork(life: Callable[[], None]) -> bool:
    """Whether a fork of this process lived this life to its end."""
    child = os.fork()
    if child == 0:
        try:
            life()
        except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def crash(folder: Path, statement: int) -> bool:
    """One round that dies at a statement; True when it ended before."""

    def life() -> None:
        die_at(statement)
        asyncio.run(a_short_life(folder))

    return in_a_fork(life)


def main() -> None:
    """`crash FOLDER` until no statement is left to die at; `full FOLDER KIB…` for each size."""
    what, root, *sizes = sys.argv[1:]
    rounds = [int(size) for size in sizes] or list(range(1, MOST_ROUNDS))
    for number in rounds:
        folder = Path(root, str(number))
        folder.mkdir()
        if what == "full":
            assert in_a_fork(lambda: asyncio.run(a_life_on_a_small_disk(folder, number * 1024))), number  # noqa: B023
        elif crash(folder, number):
            print(number)
            return


if __name__ == "__main__":
    main()

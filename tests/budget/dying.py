"""A run that dies at its n-th statement, and eight processes that record into one run: run by the tests.

Each life is a fork of this one process. What it was promised (records and checkpoints that were acknowledged) it writes
to a file of its own before it goes on.
"""

import os
import signal
import sys
from pathlib import Path

from brownout.budget import Limits, Run
from tests.history.crasher import MOST_ROUNDS, die_at, in_a_fork

RECORDS, TOKENS = 4, 7
WORKERS, EACH = 8, 100


def a_short_life(folder: Path) -> None:
    """Records with checkpoints between them, each noted once it is acknowledged; then a clean end."""
    with Run.open("agent", Limits(tokens=1000), store=folder) as run, (folder / "acknowledged").open("a", 1) as noted:
        for number in range(1, RECORDS + 1):
            run.record(tokens=TOKENS, api_call=True)
            noted.write("record\n")
            if number % 2 == 0:
                run.checkpoint({"done": number, "text": "x" * 9000})  # larger than a page
                noted.write(f"checkpoint {number}\n")


def die(root: Path) -> None:
    """One life after the other, dying at its first, second, ... statement, until one lives to its end."""
    for statement in range(1, MOST_ROUNDS):
        folder = root / str(statement)
        folder.mkdir()

        def life(statement: int = statement, folder: Path = folder) -> None:
            die_at(statement)
            a_short_life(folder)

        if in_a_fork(life):
            print(statement)
            return


def work(folder: Path, number: int, *, dies: bool, ready: int, start: int) -> None:
    """One of eight: joins, records, and leaves or is killed."""
    with Run.open("crowd", Limits(duration="1h", tokens=10**9), store=folder) as run:
        os.write(ready, b"x")
        os.read(start, 1)
        for _ in range(EACH):
            run.record(tokens=number, api_call=True)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        os.read(start, 1)  # until the others are dead


def crowd(folder: Path, *, killed: int) -> None:
    """Eight open it at once and record when all have; so many of them are killed after their last record."""
    (told, ready), (start, starter) = os.pipe(), os.pipe()
    children = []
    for number in range(1, WORKERS + 1):
        child = os.fork()
        if child == 0:
            work(folder, number, dies=number <= killed, ready=ready, start=start)
            os._exit(0)
        children.append(child)
    for _ in children:
        os.read(told, 1)
    os.write(starter, b"x" * WORKERS)
    statuses = [os.waitpid(child, 0)[1] for child in children[:killed]]
    os.write(starter, b"x" * (WORKERS - killed))
    print(*statuses, *[os.waitpid(child, 0)[1] for child in children[killed:]])


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    if what == "die":
        die(Path(place))
    else:
        crowd(Path(place), killed=int(rest[0]))

"""The emergency: memory fills between two ticks, while something else takes its time to end."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.box.conftest import ROOM_MIB
from tests.box.rooms import Room, a_room
from tests.box.stage import Stage, a_load
from tests.eventually import eventually

#: MiB in use of the room at enable, disable and emergency (95 %): nothing is shed before the emergency.
EDGES = (600, 755, 760)
#: 60 % of the room; from there to 97 % in 2 s.
FROM_MIB, TO_MIB, PIECES, FILL_S = 480, 776, 12, 2.0
GOAL_S, ROUNDS = 1.0, 3
SLOW = {"interval": "30s", "window": "10m", "forecast": {"horizon": "5m"}}


def test_an_emergency_acts_within_a_second_while_a_slow_stop_is_under_way(tmp_path: Path) -> None:
    """From 60 % to 97 % within 2 s, between two ticks of 30 s: the first program is gone a second after 95 %.

    A machine that is busy with other things is given up to three rounds; the product has to make it in one of them.
    """
    seen: list[float] = []
    while (not seen or seen[-1] > GOAL_S) and len(seen) < ROUNDS:
        with a_room(ROOM_MIB) as room:
            stage = Stage(tmp_path / f"box-{len(seen)}", room)
            try:
                seen.append(latency_s(stage, room))
            finally:
                left = stage.end()
            assert left == ()
    print("from 95 % to the first program gone:", ", ".join(f"{1e3 * one:.0f} ms" for one in seen))
    assert seen[-1] <= GOAL_S, seen


def latency_s(stage: Stage, room: Room) -> float:
    """One emergency, seen from outside: seconds from the crossing to the first end of a program."""
    stage.policy(edges_mib=EDGES, **SLOW)
    stage.integrate("voice", "hold", 60, priority=10, memory="70Mi")
    stage.integrate("android", "ignore", "say", stage.file("deaf"), priority=20, stop={"grace": "60s"})
    stage.integrate("stubs", priority=100, essential=True)
    stage.run()
    stage.until(voice="Enabled", android="Enabled", stubs="Enabled")
    eventually(stage.file("deaf").exists)
    stage.integrate("android", "ignore", enabled=False, stop={"grace": "60s"})
    eventually(lambda: stage.asked("history", "android")["decisions"][0]["action"] == "Disable")
    with a_load(room) as load, crossing(room, EDGES[2]) as crossed:
        load.take(FROM_MIB - room.used_mib())
        deaf = stage.pid("android")
        voice = os.pidfd_open(stage.pid("voice"))
        load.begin_to_take(TO_MIB - room.used_mib(), pieces=PIECES, pause_s=FILL_S / PIECES)
        gone, _, _ = select.select([voice], [], [], 20.0)
        at = time.monotonic()
        os.close(voice)
        assert gone, "voice still runs"
        eventually(lambda: not Path(f"/proc/{deaf}").exists())  # its minute is cut short
        stage.until(voice="Disabled", stubs="Enabled")
    assert stage.status("voice")["reason"] == "Emergency"
    return at - crossed[0]


@contextmanager
def crossing(room: Room, edge_mib: int) -> Iterator[list[float]]:
    """When memory in use reached the edge, as somebody saw it who looks every 2 ms."""
    crossed: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not crossed and not over.wait(0.002):
            if room.used_mib() >= edge_mib:
                crossed.append(time.monotonic())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield crossed
    finally:
        over.set()
        watcher.join()

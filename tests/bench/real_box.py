"""A real box to be measured: programs that take real memory, a base load that a process holds, a real controller.

Percentages are of a room of some GiB. What everybody else on the machine holds is part of the base load: the process
that holds the base holds only the rest of it, and follows them.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from brownout.bootstrap.settings import HomeMode, Settings
from brownout.cli.run import controller_command
from brownout.disk.documents import dump_yaml
from brownout.sensing.processes import ProcTable
from brownout.simulate.loop import Tick
from brownout.simulate.plant import Plant, Thing, noise
from tests.bench.looks import Room, Seen, look_of
from tests.builders import integration_document, policy_document
from tests.checkout import ROOT
from tests.eventually import eventually
from tests.memory import used_bytes

HOLDING = ROOT / "tests" / "programs" / "holding.py"
DYING_ALONG = ROOT / "tests" / "programs" / "dying_along.py"
PAGE = os.sysconf("SC_PAGESIZE")
START_S, END_S = 60.0, 30.0
BASE = "base"
# The latest looks at what others hold, of which the median is followed (3 s at the usual pace): what has ended may take
# half a second until the kernel has all of its memory back, and must not be taken for theirs meanwhile.
FOLLOWED_LOOKS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How time is compressed: how many times, how long a tick of 30 s is then, and how many looks are made in it."""

    factor: float = 60.0
    tick_s: float = 0.5
    looks: int = 5


@dataclass
class RealBox:
    """A folder, a room in memory, and how fast time runs in it. `plant` is the same box as a model."""

    folder: Path
    room: Room
    pace: Pace
    plant: Plant
    _others: deque[float] = field(default_factory=lambda: deque(maxlen=FOLLOWED_LOOKS))

    @property
    def state(self) -> Path:
        """What the controller keeps."""
        return self.folder / "state"

    def declare(self, policy: Mapping[str, Any]) -> None:
        """Write the integrations and the policy; `policy` is its spec."""
        directory = self.folder / "integrations"
        directory.mkdir()
        for place, thing in enumerate(self.plant.things, start=1):
            document = self._integration(thing, 10 * place)
            (directory / f"{thing.name}.yaml").write_text(dump_yaml(document))
            self._want(thing.name, self.room.bytes_of(thing.percent))
        (directory / "policy.yaml").write_text(dump_yaml(policy_document(**policy)))

    def _integration(self, thing: Thing, priority: int) -> dict[str, Any]:
        size = self.room.bytes_of(thing.percent)
        return integration_document(
            thing.name,
            priority=priority,
            essential=thing.essential,
            memory=str(size),
            stop={"grace": "1s"},
            workload={"command": {"argv": self._holding(thing.name, thing.start_ticks * self.pace.tick_s)}},
        )

    def _holding(self, name: str, start_s: float) -> list[str]:
        words = (HOLDING, self.folder / name, start_s, 2 * self.room.size_bytes)
        return [sys.executable, "-I", "-S", *map(str, words)]

    def _want(self, name: str, size_bytes: int) -> None:
        (self.folder / name).write_text(f"{size_bytes:020}", encoding="ascii")

    # --- what runs -------------------------------------------------------------------------------------------------

    @contextmanager
    def running(self, percent: float) -> Iterator[subprocess.Popen[bytes]]:
        """A base load, a controller, and everything on and serving; all of it ended with the block."""
        self._want(BASE, 0)
        with _ended(subprocess.Popen(self._holding(BASE, 0.0), start_new_session=True)):
            try:
                with _ended(self._controller()) as controller:
                    eventually(lambda: self._all_serve(controller, percent), within_s=START_S)
                    yield controller
            finally:
                self._end_left()

    def _controller(self) -> subprocess.Popen[bytes]:
        directory, state = str(self.folder / "integrations"), str(self.state)
        settings = Settings(mode=HomeMode.LOCAL, directory=directory, state=state, listen="none", log_level="warning")
        _, environment = controller_command(settings)
        argv = [sys.executable, "-P", str(DYING_ALONG), settings.to_json()]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)

    def _all_serve(self, controller: subprocess.Popen[bytes], percent: float) -> bool:
        self._wait(controller, until=0.0)
        return all(self._look(percent).serving)

    def _wait(self, controller: subprocess.Popen[bytes], *, until: float) -> None:
        """Wait for this instant (monotonic), and for no end of the controller."""
        handle = os.pidfd_open(controller.pid)
        try:
            ended, _, _ = select.select([handle], [], [], max(0.0, until - time.monotonic()))
        finally:
            os.close(handle)
        if ended:
            said = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"the controller ended: {said[-2000:]}")

    def _end_left(self) -> None:
        """Whatever a controller that was killed has left."""
        for one in ProcTable().marked("BROWNOUT_STATE", os.path.realpath(self.state)):
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)

    # --- the load and the looks ------------------------------------------------------------------------------------

    def play(self, base: Sequence[float], controller: subprocess.Popen[bytes]) -> Iterator[Tick]:
        """Let the base load run, a value a tick; give every look. Sizes of programs waver as those of the model do.

        Raises RuntimeError where the controller ends.
        """
        step_s, started = self.pace.tick_s / self.pace.looks, time.monotonic()
        waver = {thing.name: noise(self.plant.seed, thing.name, len(base)) for thing in self.plant.things}
        for number in range(len(base) * self.pace.looks):
            tick, first = divmod(number, self.pace.looks)
            if not first:
                for thing in self.plant.things:
                    self._want(thing.name, self.room.bytes_of(thing.percent * (1.0 + waver[thing.name][tick])))
                self._follow(base[tick])
            self._wait(controller, until=started + (number + 1) * step_s)
            yield self._look(base[tick])

    def _look(self, percent: float) -> Tick:
        """Look once at everything, and let the base follow the others."""
        held, seen = self._seen(BASE), [self._seen(thing.name) for thing in self.plant.things]
        used = used_bytes()
        self._others.append(used - held.held_bytes - sum(one.held_bytes for one in seen))
        self._follow(percent)
        return look_of(self.room, used, self.plant.things, seen)

    def _follow(self, percent: float) -> None:
        others = median(self._others) if self._others else 0.0
        rest = self.room.floor_bytes + self.room.bytes_of(percent) - others
        self._want(BASE, max(0, int(rest)))

    def _seen(self, name: str) -> Seen:
        """What a program has said, if it still lives; a zombie holds nothing and has no command line."""
        try:
            word, pid = (self.folder / f"{name}.said").read_text(encoding="ascii").split()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return Seen()
        if str(self.folder / name).encode() not in command.split(b"\0"):
            return Seen()
        return Seen(lives=True, serves=word == "serving", held_bytes=PAGE * (int(pages[1]) - int(pages[2])))


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is gone with the block: asked first, then killed with its session."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

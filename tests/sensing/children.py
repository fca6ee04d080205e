"""Real child processes for the tests of sensing: they hold memory, fork, leave their session, and are ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20

# A leader with a child in its session, which has a child that leads one of its own. Each says its pid, then waits.
FAMILY = """
import os, signal
def say(name):
    print(name, os.getpid(), flush=True)
say("leader")
if os.fork() == 0:
    say("child")
    if os.fork() == 0:
        os.setsid()
        say("grandchild")
    signal.pause()
signal.pause()
"""

HOLDER = """
import sys
held = []
print("ready", flush=True)
for line in sys.stdin:
    block = bytearray(int(line))
    block[::4096] = b"x" * len(block[::4096])
    held.append(block)
    print("held", flush=True)
"""


@dataclass
class Child:
    """A process that a test started, or that one of those started."""

    pid: int

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Holder:
    """A child that takes memory when it is told to."""

    process: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.process.pid

    def hold(self, size_bytes: int) -> None:
        """Take so much more; returns when it has it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{size_bytes}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "held\n"


@dataclass
class Nursery:
    """Starts children and, at the end, leaves none."""

    started: list[subprocess.Popen[str]] = field(default_factory=list)
    others: list[Child] = field(default_factory=list)

    def run(
        self, code: str, *, environment: Mapping[str, str] | None = None, cgroup: Path | None = None
    ) -> subprocess.Popen[str]:
        """A Python that runs this code, in a session of its own, and where asked in a cgroup from its first moment."""
        program = code if cgroup is None else f"{_JOIN.format(procs=str(cgroup / 'cgroup.procs'))}\n{code}"
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(environment or {}),
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def holder(self) -> Holder:
        """A child that holds memory."""
        holder = Holder(self.run(HOLDER))
        assert holder.process.stdout is not None
        assert holder.process.stdout.readline() == "ready\n"
        return holder

    def family(self, *, mark: str) -> tuple[Child, Child, Child]:
        """A leader, its child, and a grandchild in a session of its own, each with the mark in its environment."""
        process = self.run(FAMILY, environment={"BROWNOUT_MARK": mark, "HOME": "/"})
        assert process.stdout is not None
        said = dict(process.stdout.readline().split() for _ in range(3))
        family = Child(int(said["leader"])), Child(int(said["child"])), Child(int(said["grandchild"]))
        self.others += family
        return family

    def close(self) -> None:
        """End them all, and wait for those that are ours to wait for."""
        for child in self.others:
            child.kill()
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


_JOIN = "open({procs!r}, 'w').write('0')"

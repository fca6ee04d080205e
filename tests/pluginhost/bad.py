"""Plugins of every bad kind, each as its lines: what goes wrong when it is asked, and what is then said of it.

They know their socket: it is the worker's, and so it is theirs to break.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BAD", "SOUND", "Bad"]

_WIRE: Final = """
import json, os, sys, threading, time
wire = int(sys.argv[1])
def frame(document):
    body = json.dumps(document).encode()
    return len(body).to_bytes(4, "big") + body
"""

#: What a good plugin does: some work, and the right answer.
SOUND: Final = """
import hashlib
def handle_request(request):
    return hashlib.sha256(str(request.body).encode() * 100).hexdigest()
"""


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One kind. `says` are the reasons of which one must be named, in an answer or as a fault of the host.

    `lives`: it is a nuisance that costs only itself, and goes on.
    """

    name: str
    does: str
    says: tuple[str, ...]
    lives: bool = False
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """All its lines."""
        return _WIRE + self.does


_PROGRAMS: Final = {"needs": {"programs": ["sh"]}}
_QUICK: Final = {"limits": {"requestTimeout": "200ms", "concurrency": 2}}

BAD: Final = (
    Bad(name="crashes", does="def handle_request(r): os._exit(1)", says=("exited with 1",)),
    Bad(name="faults", does="def handle_request(r): os.kill(os.getpid(), 11)", says=("ended by SIGSEGV",)),
    Bad(name="hangs", does="def handle_request(r): time.sleep(3600)", says=("it hangs: 2 requests",), manifest=_QUICK),
    Bad(
        name="spins", does="def handle_request(r):\n  while True: pass", says=("it hangs: 2 requests",), manifest=_QUICK
    ),
    Bad(name="raises", does="def handle_request(r): raise KeyError(1)", says=("KeyError: 1",), lives=True),
    Bad(name="exits", does="def handle_request(r): sys.exit(3)", says=("SystemExit: 3",), lives=True),
    Bad(name="garbage", does="def handle_request(r): os.write(wire, b'x' * 1000)", says=("it sent something of",)),
    Bad(
        name="nonsense",
        does="def handle_request(r): os.write(wire, frame({'kind': 'fly'}))",
        says=("that is no message",),
    ),
    Bad(
        name="impostor",
        does="def handle_request(r): os.write(wire, frame({'kind': 'call', 'id': 1, 'function': 'x', 'argument': 0}))",
        says=("out of turn: call",),
    ),
    Bad(
        name="huge",
        does="def handle_request(r): os.write(wire, (2**31).to_bytes(4, 'big'))",
        says=("of 2147483648 bytes",),
    ),
    Bad(
        name="deep",
        does="def handle_request(r):\n  v = 0\n  for _ in range(90): v = [v]\n  return v",
        says=("nested deeper than 64",),
        lives=True,
    ),
    Bad(
        name="bloats",
        does=(
            "def handle_request(r):\n"
            "  whole = memoryview(frame({'kind': 'answer', 'id': 1, 'value': [[]] * 2_000_000}))\n"
            "  while whole: whole = whole[os.write(wire, whole):]"
        ),
        says=("of more than 100000 values",),
    ),
    Bad(
        name="strays",
        does="def handle_request(r):\n  while True: os.write(wire, frame({'kind': 'answer', 'id': 9999, 'value': 0}))",
        says=("100 answers to calls that were never made",),
    ),
    Bad(
        name="talks",
        does=(
            "def handle_request(r):\n"
            "  while True: os.write(wire, frame({'kind': 'note', 'severity': 'info', 'message': 'x'}))"
        ),
        says=("it hangs: 2 requests", "out of turn"),
        manifest=_QUICK,
    ),
    Bad(
        name="floods",
        does="def handle_request(r):\n  for _ in range(3000): sys.stdout.write('x' * 100000)\n  return 'dry'",
        says=("did not answer within", "it hangs: 2 requests"),
        manifest=_QUICK,
    ),
    Bad(
        name="closes",
        does="def handle_request(r): os.close(wire); time.sleep(3600)",
        says=("it closed its end", "exited with 0"),
    ),
    Bad(
        name="deaf",
        does="def handle_request(r):\n  os.dup2(os.open('/dev/null', 2), wire)\n  time.sleep(3600)",
        says=("it closed its end", "it hangs: 2 requests", "exited with 0"),
        # The wire may have a high number, and dup2 makes no descriptor beyond the limit.
        manifest={"limits": {**_QUICK["limits"], "openFiles": 4096}},
    ),
    Bad(
        name="stops",
        does="def handle_request(r): os.kill(os.getpid(), 19)",
        says=("it hangs: 2 requests",),
        manifest=_QUICK,
    ),
    Bad(
        name="bomb",
        does="def handle_request(r):\n  held = []\n  while True: held.append(bytearray(2**20))",
        says=("MemoryError",),
        lives=True,
        manifest={"limits": {"memory": "64Mi"}},
    ),
    Bad(
        name="fills",
        does=(
            "def handle_request(r):\n  while True:\n"
            "    with open(str(time.monotonic_ns()), 'wb') as part: part.write(bytes(2**18))\n    time.sleep(0.05)"
        ),
        says=("its data folder takes more than the 1Mi",),
        manifest={"limits": {"disk": "1Mi"}},
    ),
    Bad(
        name="threads",
        does="def handle_request(r):\n  while True: threading.Thread(target=time.sleep, args=(3600,)).start()",
        says=("RuntimeError: can't start new thread", "may have", "memory"),
        lives=True,
    ),
    Bad(
        name="forks",
        does="def handle_request(r):\n  while True:\n    if os.fork() == 0: time.sleep(3600)",
        says=("BlockingIOError", "may have", "memory"),
        lives=True,
        manifest=_PROGRAMS,
    ),
    Bad(
        name="hides",
        does=(
            "def handle_request(r):\n"
            "  if os.fork() == 0:\n"
            "    if os.fork() == 0: time.sleep(3600)\n"
            "    os._exit(0)\n"
            "  os._exit(7)"
        ),
        says=("exited with 7",),
        manifest=_PROGRAMS,
    ),
)

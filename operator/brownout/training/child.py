"""The training child as its parent sees it: started, waited for, ended. The parent imports no scikit-learn.

The child is ours and so is its memory: it runs in a session of its own, with nothing of our environment that it does
not need, with bounded output and bounded time, and it never outlives the call.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from brownout.core.errors import describe
from brownout.core.training_report import Kept, TrainingReport
from brownout.engine.trainer import TrainingRequest
from brownout.engine.training_watch import ROOM_BYTES
from brownout.training.order import MOST_OUTPUT, TrainingOrder, answered
from brownout.training.registry import OnFault, Registry
from brownout.training.room import room_bytes

TIMEOUT_S: Final = 120.0
#: A file of 40 kB; a disk that takes longer is ill, and the models are no reason to wait for it.
READ_S: Final = 5.0
#: What was killed is gone at once, unless the kernel still writes its memory out.
_GONE_S: Final = 5.0

#: What Python and the linear algebra need to find their way about. The rest may hold secrets, and stays here.
_PASSED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONSAFEPATH")
#: One thread: the cores are there for what we look after, and each thread has its own arena of memory.
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ChildTrainer:
    """A Trainer in a child. `argv` is what to execute, before the order; `state` where history and models lie."""

    def __init__(self, argv: Sequence[str], state: Path, *, on_fault: OnFault, timeout_s: float = TIMEOUT_S) -> None:
        self._argv = tuple(argv)
        self._state = state
        self._registry = Registry(state, on_fault=on_fault)
        self._timeout_s = timeout_s

    async def kept(self) -> Kept:
        """What is kept; nothing where it cannot be read in time."""
        answer: Future[Kept] = Future()
        threading.Thread(target=_fulfil, args=(answer, self._registry.load), name="training-read", daemon=True).start()
        async with asyncio.timeout(READ_S):
            return await asyncio.wrap_future(answer)

    async def train(self, request: TrainingRequest) -> TrainingReport | None:
        """Let a child train. What goes wrong with it is the report's fault."""
        room = room_bytes()
        if room is not None and room < ROOM_BYTES:
            left, needed = room // 2**20, ROOM_BYTES // 2**20
            return _failed(request, f"our own memory limit leaves {left} MiB, and a training needs up to {needed}")
        return await self._child(request)

    async def _child(self, request: TrainingRequest) -> TrainingReport:
        order = TrainingOrder(state=str(self._state), request=request).to_json()
        try:
            child = await asyncio.create_subprocess_exec(
                *self._argv,
                order,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment(os.environ),
                cwd=self._state,
                start_new_session=True,
            )
        except OSError as error:
            return _failed(request, f"{self._argv[0]} cannot be started: {error.strerror or describe(error)}")
        try:
            async with asyncio.timeout(self._timeout_s):
                output = await _bounded(child)
                status = await child.wait()
        except TimeoutError:
            return _failed(request, f"it took longer than {self._timeout_s:g} s")
        finally:
            await _ended(child)
        return answered(output) or _failed(request, _why(status))


def environment(own: Mapping[str, str]) -> Mapping[str, str]:
    """The child's whole environment."""
    passed = {name: own[name] for name in _PASSED if name in own}
    return MappingProxyType({**passed, **dict.fromkeys(_ONE_THREAD, "1")})


async def _bounded(child: asyncio.subprocess.Process) -> bytes:
    """What it writes, to its end; of too much nothing is of use, and it is ended for it."""
    output = b""
    while child.stdout is not None and (more := await child.stdout.read(MOST_OUTPUT)):
        output += more
        if len(output) > MOST_OUTPUT:
            _kill(child)
            return b""
    return output


async def _ended(child: asyncio.subprocess.Process) -> None:
    """Nothing of it is left running, also when nobody waits for its answer any more."""
    _kill(child)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_S):
            await child.wait()


def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _failed(request: TrainingRequest, fault: str) -> TrainingReport:
    return TrainingReport(at=request.now, why=request.why, fault=fault)


def _why(status: int) -> str:
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with status {status} and without a report"


def _fulfil(answer: "Future[Kept]", call: Callable[[], Kept]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
        answer.set_exception(error)

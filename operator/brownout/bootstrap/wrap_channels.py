"""Everything that a wrapped program finds around it: where to report, what it is told, what it kept last time.

All of it lies in one folder that only this user can enter, in a place with a short name (a socket's path has at most
108 bytes), and is named in the program's environment. What costs memory is loaded when somebody knocks: a program that
never speaks HTTP never has our server beside it.
"""

import asyncio
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from brownout.core.budget.lines import LineReader
from brownout.core.budget.run import Checkpoint, RunRecord
from brownout.core.budget.wrapping import Standing, standing_document
from brownout.disk.atomic import replace
from brownout.engine.budget_ledger import Desk
from brownout.local.report_channels import PipeChannel, SocketChannel

if TYPE_CHECKING:
    from brownout.gateway.budget_door import BudgetDoor

__all__ = ["MARK", "WrapChannels", "mark_of"]

#: What all processes of one run bear in their environment; they are found by it, also when their wrapper is dead.
MARK: Final = "BROWNOUT_BUDGET_MARK"
_LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 128
_HEAR_OUT_S: Final = 1.0
#: A socket has 108 bytes for its path, of which ours takes 24.
_LONGEST_PLACE: Final = 80


def mark_of(state: str, run: RunRecord) -> str:
    """The mark of a run: of this state folder and this number."""
    return f"{os.path.realpath(state)}#{run.id}"


class WrapChannels:
    """Made before the program starts, in a process with one thread; served on the event loop; closed after its end."""

    def __init__(
        self, pipe: PipeChannel, run: RunRecord, *, mark: str, upstream: str | None, checkpoint: Checkpoint | None
    ) -> None:
        self._run = run
        self._mark = mark
        self._upstream = upstream
        self._folder = Path(tempfile.mkdtemp(prefix="brownout-", dir=_short_place()))
        self._notice = self._folder / "notice.json"
        self._checkpoint = self._kept(checkpoint)
        self._pipe = pipe
        self._socket = SocketChannel(self._folder / "socket")
        self._token = secrets.token_hex(16)
        self._bound = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
        self._bound.setblocking(False)
        self._door: BudgetDoor | None = None
        self._opening: asyncio.Task[None] | None = None

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """The program's whole environment: ours, and where to find all this."""
        url = f"http://{_LOOPBACK}:{self._bound.getsockname()[1]}/{self._token}"
        found = {
            **own,
            MARK: self._mark,
            "BROWNOUT_BUDGET_RUN": self._run.name,
            "BROWNOUT_BUDGET_FD": str(self._pipe.writing),
            "BROWNOUT_BUDGET_SOCKET": str(self._socket.path),
            "BROWNOUT_BUDGET_URL": url,
            "BROWNOUT_BUDGET_FILE": str(self._notice),
        }
        found.pop("BROWNOUT_BUDGET_CHECKPOINT", None)
        if self._checkpoint is not None:
            found["BROWNOUT_BUDGET_CHECKPOINT"] = str(self._checkpoint)
        if self._upstream is not None:
            found |= {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_BASE": f"{url}/v1"}
        return found

    def tell(self, standing: Standing) -> None:
        """Put what the program is told into its file, whole at once. Raises OSError."""
        replace(self._notice, (json.dumps(standing_document(standing)) + "\n").encode(), durable=False)

    async def serve(self, desk: Desk) -> None:
        """Listen to the program from now on."""
        self._pipe.serve(_Clerk(desk, "the descriptor"))
        await self._socket.serve(lambda: _Clerk(desk, "the socket"))
        asyncio.get_running_loop().add_reader(self._bound, self._knock, desk)

    async def drain(self) -> None:
        """The program has ended: hear what it has sent already, and take no more."""
        self._pipe.close()
        await self._socket.close(within_s=_HEAR_OUT_S)
        if self._opening is None:
            asyncio.get_running_loop().remove_reader(self._bound)
            self._bound.close()
        else:
            await self._opening
        if self._door is not None:
            await self._door.close()

    def remove(self) -> None:
        """Take the folder away; what cannot be is left to the system's tidying."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _knock(self, desk: Desk) -> None:
        """Somebody connects for the first time: he waits in the kernel's queue until the server is there."""
        asyncio.get_running_loop().remove_reader(self._bound)
        self._opening = asyncio.create_task(self._open(desk), name="serve HTTP")

    async def _open(self, desk: Desk) -> None:
        from brownout.gateway.budget_door import BudgetDoor  # noqa: PLC0415 - aiohttp, only where it is wanted

        door = BudgetDoor(self._bound, token=self._token, desk=desk, upstream=self._upstream)
        await door.start()
        self._door = door

    def _kept(self, checkpoint: Checkpoint | None) -> Path | None:
        """The last checkpoint as a file, for a program that continues."""
        if checkpoint is None:
            return None
        path, state = self._folder / "checkpoint", checkpoint.state
        replace(path, state.encode() if isinstance(state, str) else state, durable=False)
        return path


def _short_place() -> str | None:
    """The user's folder for sockets, where there is one; else, where the usual one has a long name, /tmp."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if own.startswith("/") and len(own) <= _LONGEST_PLACE and os.access(own, os.W_OK | os.X_OK):
        return own
    return None if len(tempfile.gettempdir()) <= _LONGEST_PLACE else "/tmp"  # noqa: S108 - mkdtemp's is ours alone


class _Clerk:
    """Reads the lines of one connection, and answers each piece once all that it held is written."""

    def __init__(self, desk: Desk, source: str) -> None:
        self._desk = desk
        self._source = source
        self._lines = LineReader()

    def take(self, data: bytes) -> int:
        """Count what is complete; how many lines that were."""
        found = self._lines.feed(data)
        if found:
            self._desk.took(found, source=self._source)
        return len(found)

    async def answer(self, count: int) -> bytes:
        """A line for each that was taken; all say the same: how it stands now."""
        if not count:
            return b""
        return (json.dumps(standing_document(await self._desk.written())) + "\n").encode() * count

    def end(self) -> None:
        """What was cut in the middle is named."""
        if found := self._lines.close():
            self._desk.took(found, source=self._source)

"""What goes back to the client: bytes as the faults let them through, and watch streams event by event.

It knows no TLS and no routes; proxy.py opens and closes the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.board import Board
from tests.faults.faults import CutShort, Fault, Hide, Inject, Repeat, Trickle
from tests.faults.kube_request import KubeRequest


class CutError(Exception):
    """The body has come to where a fault ends the connection."""


class Outlet:
    """Writes to the client, in pieces or up to a point where faults say so."""

    def __init__(self, response: web.StreamResponse, faults: Sequence[Fault]) -> None:
        self._response = response
        self._trickle = next((fault for fault in faults if isinstance(fault, Trickle)), None)
        cut = next((fault for fault in faults if isinstance(fault, CutShort)), None)
        self._left = None if cut is None else cut.after_bytes

    async def write(self, data: bytes) -> None:
        """Sends it; CutError where the body ends here."""
        allowed = data if self._left is None else data[: self._left]
        for piece in self._pieces(allowed):
            await self._response.write(piece)
            if self._trickle is not None:
                await _pause(self._trickle.every_s)
        if self._left is not None:
            self._left -= len(allowed)
            if self._left == 0:
                raise CutError

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = len(data) if self._trickle is None else self._trickle.piece_bytes
        return (data[start : start + size] for start in range(0, len(data), size or 1))


class WatchStream:
    """One open watch: passes events on, and can be given others, or be ended, at any time."""

    def __init__(self, request: KubeRequest, outlet: Outlet, board: Board) -> None:
        self.request = request
        self._outlet = outlet
        self._board = board
        self._ended = asyncio.Event()
        self._kept_back: bytes | None = None

    def end(self) -> None:
        """The stream ends as one that the server ends by its time limit."""
        self._ended.set()

    async def inject(self, fault: Inject) -> None:
        """Gives the client a line that the server never sent."""
        await self._outlet.write(fault.line)
        if fault.then_end:
            self.end()

    async def relay(self, upstream: aiohttp.StreamReader) -> None:
        """Passes the stream on until either side ends it."""
        for fault in self._board.injections(self.request):
            await self.inject(fault)
        while line := await self._next_line(upstream):
            if hole := self._board.silence(self.request):
                await self._board.lifted(hole)
            for out in self._through_faults(line):
                await self._outlet.write(out)

    async def _next_line(self, upstream: aiohttp.StreamReader) -> bytes:
        """The next event; empty where the stream has ended."""
        reading, ending = asyncio.ensure_future(upstream.readline()), asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            return b"" if self._ended.is_set() else reading.result()
        finally:
            await _drop(reading, ending)

    def _through_faults(self, line: bytes) -> tuple[bytes, ...]:
        rule = self._board.for_event(self.request, json.loads(line))
        if rule is None:
            late, self._kept_back = self._kept_back, None
            return (line,) if late is None else (line, late)
        if isinstance(rule.fault, Repeat):
            return (line, line)
        if not isinstance(rule.fault, Hide):  # Swap
            self._kept_back = line
        return ()


async def _drop(*tasks: asyncio.Future[Any]) -> None:
    """Ends what is still waiting, and takes note of every end, so that none is reported as forgotten."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


async def _pause(for_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await asyncio.Event().wait()

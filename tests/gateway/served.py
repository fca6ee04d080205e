"""A real gateway on a free port, in a thread of its own, and a visitor who talks to it over the loopback."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.core.instant import Instant
from brownout.core.outlook import Outlook
from brownout.core.window import Window
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.ports import DecisionRecord
from brownout.engine.shadow_watch import ShadowReport
from brownout.gateway.address import Address, parse_address
from brownout.gateway.app import Gateway
from brownout.gateway.connections import Limits
from brownout.gateway.token import Token
from tests.builders import make_policy

NOW = 1_767_323_045.0


@dataclass
class FakeReadModel:
    """What the gateway may see, as the test sets it. `asked` keeps queries for decisions; `trouble` is raised there."""

    shown: tuple[Integration, ...] = ()
    ruling: BrownoutPolicy = field(default_factory=make_policy)
    samples: Window = field(default_factory=Window)
    expected: Outlook | None = None
    records: tuple[DecisionRecord, ...] = ()
    faults: tuple[str, ...] = ()
    ticking: bool = True
    exposition: bytes = b"brownout_build_info 1.0\n"
    trouble: Exception | None = None
    shadowed: ShadowReport | None = None
    desk: BudgetDesk | None = None
    asked: list[tuple[str | None, Instant, int]] = field(default_factory=list)

    def integrations(self) -> tuple[Integration, ...]:
        """Those set."""
        return self.shown

    def policy(self) -> BrownoutPolicy:
        """The one set."""
        return self.ruling

    def window(self) -> Window:
        """The one set."""
        return self.samples

    def outlook(self) -> Outlook | None:
        """The one set."""
        return self.expected

    def shadows(self) -> ShadowReport | None:
        """The report set."""
        return self.shadowed

    async def decisions(self, *, integration: str | None, since: Instant, limit: int) -> tuple[DecisionRecord, ...]:
        """Those set, whatever is asked; or the trouble."""
        self.asked.append((integration, since, limit))
        if self.trouble:
            raise self.trouble
        return self.records[:limit]

    def metrics(self) -> tuple[bytes, str]:
        """The bytes set."""
        return self.exposition, "text/plain; version=0.0.4; charset=utf-8"

    def readiness(self) -> tuple[str, ...]:
        """Those set."""
        return self.faults

    def alive(self) -> bool:
        """As set."""
        return self.ticking

    def budgets(self) -> BudgetDesk | None:
        """The one set."""
        return self.desk

    def now(self) -> Instant:
        """A standing clock."""
        return NOW


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON in it."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The text in it."""
        return self.body.decode()


@dataclass(frozen=True)
class Visitor:
    """Talks to the gateway, politely or not."""

    gateway: Gateway

    @property
    def authority(self) -> str:
        """Where the gateway is, as a client on this machine writes it."""
        return f"127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """The port that the kernel chose."""
        return self.gateway.address.port

    def get(self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; header names with _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(
                response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def raw(self, request: bytes) -> bytes:
        """Send these bytes and read until the gateway hangs up; what a reset cuts off is not there."""
        with self.connect() as line:
            with suppress(ConnectionError):  # it may hang up before it has all
                line.sendall(request)
            return read_to_end(line)


def read_to_end(line: socket.socket) -> bytes:
    """Everything until the other side closes or resets; TimeoutError where it does neither."""
    got = b""
    try:
        while more := line.recv(65536):
            got += more
    except ConnectionError:
        pass
    return got


def loopback(port: int = 0) -> Address:
    """An address on the loopback; port 0 is any."""
    address = parse_address(f"127.0.0.1:{port}")
    assert address is not None
    return address


@contextmanager
def served(
    model: FakeReadModel | None = None,
    *,
    address: Address | None = None,
    token: Token | None = None,
    allow_hosts: tuple[str, ...] = (),
    redact: Any = lambda value: value,
    **limits: float,
) -> Iterator[Visitor]:
    """A gateway that runs while the block does."""
    gateway = Gateway(
        model or FakeReadModel(), address=address or loopback(), token=token, allow_hosts=allow_hosts, redact=redact,
        limits=replace(Limits(), **limits),  # type: ignore[arg-type]  # a test knows which limit is whole
    )  # fmt: skip
    serving = _Serving(gateway)
    serving.start()
    try:
        yield Visitor(gateway)
    finally:
        serving.end()


class _Serving:
    """An event loop in a thread, with the gateway in it. What fails there fails the test."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Return when it listens."""
        self._thread.start()
        assert self._up.wait(10)
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the test's own thread
            self._error = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        await self._gateway.start()
        self._up.set()
        await self._over.wait()
        await self._gateway.close()

    def end(self) -> None:
        """Close the gateway and wait for the end of the loop."""
        assert self._loop is not None
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error

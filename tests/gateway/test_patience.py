"""Clients that are slow, many or huge: each is ended, and the probes are answered meanwhile (faults S-20)."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.gateway.served import FakeReadModel, Visitor, read_to_end, served


def half_a_request(visitor: Visitor) -> socket.socket:
    """A client that begins a request and does not end it."""
    line = visitor.connect()
    line.sendall(f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\nX-Slow: ".encode())
    return line


@pytest.mark.parametrize("begun", [b"", b"GET", b"GET /livez HTTP/1.1\r\nX-Slow: 1\r\n"])
def test_a_request_that_does_not_end_is_ended(begun: bytes) -> None:
    """Silence, half a line, half the headers: the line is cut when the time for the head is over."""
    with served(head_s=0.2) as visitor, visitor.connect() as line:
        line.sendall(begun)
        assert read_to_end(line) == b""


def test_dripping_does_not_buy_time() -> None:
    """A byte now and then is not progress: the time runs from the connection."""
    with served(head_s=0.5) as visitor, half_a_request(visitor) as line:

        def refused() -> bool:
            try:
                line.sendall(b"x")
            except OSError:
                return True
            return False

        eventually(refused, every_s=0.02)


def test_an_idle_connection_is_closed() -> None:
    """After its answer a client has the keep-alive time to ask again."""
    with served(keep_alive_s=0.2) as visitor, visitor.connect() as line:
        line.sendall(f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\n\r\n".encode())
        assert read_to_end(line).endswith(b"ok\n")


def test_a_client_that_does_not_read_is_dropped() -> None:
    """An answer that nobody takes does not stay in memory: the exchange has an end."""
    model = FakeReadModel(exposition=b"x" * 50_000_000)
    with served(model, exchange_s=0.3) as visitor, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(10)
        line.connect(("127.0.0.1", visitor.port))
        line.sendall(f"GET /metrics HTTP/1.1\r\nHost: {visitor.authority}\r\n\r\n".encode())
        eventually(lambda: len(visitor.gateway._lobby) == 0)
        assert len(read_to_end(line)) < 50_000_000


def test_a_slowloris_cannot_starve_the_probes() -> None:
    """Ten times as many clients as there are places, none of which ends its request: probes are answered."""
    with served(connections=8) as visitor, ExitStack() as held:
        for number in range(80):
            held.enter_context(half_a_request(visitor))
            if number % 10 == 0:
                assert visitor.get("/livez").status == 200
        assert visitor.get("/livez").status == 200
        assert len(visitor.gateway._lobby) <= 8


def test_open_connections_are_bounded() -> None:
    """The file descriptors of the process too: who is let out is really closed."""

    def sockets() -> int:
        return sum(
            str(link.readlink()).startswith("socket:") for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
        )

    with served(connections=4) as visitor:
        before = sockets()
        lines = [half_a_request(visitor) for _ in range(40)]
        eventually(lambda: sockets() <= before + 40 + 4)
        for line in lines:
            line.close()
        eventually(lambda: len(visitor.gateway._lobby) == 0)


@pytest.mark.parametrize(
    "head",
    [
        "GET /{long} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nX-Long: {long}\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: {host}\r\n{many}\r\n",
    ],
    ids=["request line", "header", "10 000 headers"],
)
def test_a_head_beyond_its_bounds_is_refused(head: str) -> None:
    """A 400 or a cut line, and no memory for it."""
    many = "".join(f"X-{number}: y\r\n" for number in range(10_000))
    with served() as visitor:
        answer = visitor.raw(head.format(host=visitor.authority, long="x" * 100_000, many=many).encode())
        assert answer == b"" or b" 400 Bad Request\r\n" in answer
        assert visitor.get("/livez").status == 200


def test_a_body_beyond_its_bounds_is_refused_unread() -> None:
    """A gigabyte that is announced is answered with 413 before it is sent."""
    with served() as visitor, visitor.connect() as line:
        line.sendall(f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\nContent-Length: 1000000000\r\n\r\n".encode())
        answer = read_to_end(line)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b'"allowed":"at most 65536 bytes"' in answer


def test_an_endless_body_ends_the_connection() -> None:
    """Chunks without an end are not read for ever, compressed or not."""
    with served() as visitor, visitor.connect() as line:
        coded = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
        line.sendall(f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\n{coded}\r\n\r\n".encode())

        def refused() -> bool:
            try:
                line.sendall(b"1000\r\n" + b"\x00" * 4096 + b"\r\n")
            except OSError:
                return True
            return False

        eventually(refused, every_s=0.01)
        assert visitor.get("/livez").status == 200

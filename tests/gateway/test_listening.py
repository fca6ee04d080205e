"""Where the gateway listens, and what happens where it cannot."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.errors import AlreadyRunning, InvalidInput
from brownout.gateway.address import DEFAULT, parse_address
from brownout.gateway.token import Token
from tests.gateway.served import loopback, served


@pytest.mark.parametrize(
    ("text", "authority", "is_loopback"),
    [
        (DEFAULT, "127.0.0.1:8321", True),
        ("localhost:9000", "127.0.0.1:9000", True),
        ("[::1]:0", "[::1]:0", True),
        ("127.0.0.2:65535", "127.0.0.2:65535", True),
        ("0.0.0.0:80", "0.0.0.0:80", False),
        ("[::]:80", "[::]:80", False),
        ("192.168.1.5:8321", "192.168.1.5:8321", False),
    ],
)
def test_an_address_is_an_ip_and_a_port(text: str, authority: str, *, is_loopback: bool) -> None:
    """And it is known whether other machines can reach it."""
    address = parse_address(text)
    assert address is not None
    assert (address.authority, address.loopback) == (authority, is_loopback)


def test_none_is_no_address() -> None:
    """`--listen none` places no gateway."""
    assert parse_address("none") is None


@pytest.mark.parametrize(
    "text",
    [
        "", ":", ":8321", "8321", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "::1",
        "host:1", "127.0.0.1:\uff18", "127.0.0.1:http", "[127.0.0.1", "127.0.0.1:1:2", "http://127.0.0.1:1", "127.1:80",
        " 127.0.0.1:80", "None",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    """A slip of the pen must not open the gateway to others."""
    with pytest.raises(InvalidInput, match="write ADDR:PORT"):
        parse_address(text)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """Every text is an address, none, or refused."""
    try:
        address = parse_address(text)
    except InvalidInput:
        return
    assert address is None or parse_address(address.authority) == address


def test_a_taken_port_is_one_clear_error() -> None:
    """It names the address and both ways out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AlreadyRunning) as refused, served(address=loopback(port)):
            raise AssertionError("two servers on one port")
        assert str(refused.value) == (
            f"127.0.0.1:{port} is taken: try --listen 127.0.0.1:{port + 1}, or --listen none"
        )  # fmt: skip


def test_an_address_of_another_machine_is_refused() -> None:
    """An address that this machine does not have cannot be bound; the error is not a traceback."""
    foreign = parse_address("192.0.2.1:0")  # of TEST-NET-1, which nobody has
    refused = pytest.raises(InvalidInput, match=r"cannot listen on 192\.0\.2\.1:0 .*choose another --listen")
    with refused, served(address=foreign, token=Token(b"x" * 16)):
        raise AssertionError("bound to an address of another machine")


def test_the_port_is_free_again_after_the_end() -> None:
    """Closing leaves nothing that listens, and a restart finds its port."""
    with served() as visitor:
        port = visitor.port
        assert visitor.get("/livez").status == 200
    with served(address=loopback(port)) as visitor:
        assert visitor.get("/livez").status == 200


def test_closing_ends_idle_connections() -> None:
    """A client that keeps its connection open does not hold up the end."""
    with served() as visitor:
        line = visitor.connect()
        line.sendall(f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\n\r\n".encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
    assert line.recv(1) == b""
    line.close()


def test_a_connection_serves_more_than_one_request() -> None:
    """Keep-alive works, also for pipelined requests."""
    with served() as visitor:
        request = f"GET /livez HTTP/1.1\r\nHost: {visitor.authority}\r\n\r\n".encode()
        last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert visitor.raw(request * 4 + last).count(b"HTTP/1.1 200 OK") == 5

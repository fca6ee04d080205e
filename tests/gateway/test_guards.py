"""Who may ask: the right Host on every route, and on other interfaces the token."""

import socket
from pathlib import Path

import pytest

from brownout.core.errors import InvalidInput
from brownout.gateway.address import Address, parse_address
from brownout.gateway.app import Gateway
from brownout.gateway.token import Token, read_token
from tests.gateway.served import FakeReadModel, Visitor, served

ROUTES = ["/livez", "/readyz", "/metrics", "/v1/integrations", "/v1/policy", "/v1/decisions", "/nope", "/"]
SECRET = "a-token-of-32-characters-or-more"

SECURITY_HEADERS = {
    "server": "brownout",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def any_interface() -> Address:
    """All interfaces, any port."""
    address = parse_address("0.0.0.0:0")
    assert address is not None
    return address


def status_of(answer: bytes) -> int:
    """The status in raw bytes of an answer."""
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_loopback_names_are_ours(host: str) -> None:
    """With our port, in each of the ways in which a client on this machine writes it."""
    with served() as visitor:
        assert visitor.get("/livez", Host=host.format(port=visitor.port)).status == 200


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "localhost.evil:{port}", "127.0.0.1.evil:{port}", "localhost:1",
        "localhost", "127.0.0.1", "localhost.:{port}", "LOCALHOST:{port}", "127.1:{port}", "2130706433:{port}",
        "0.0.0.0:{port}", "", "user@127.0.0.1:{port}", "[::ffff:127.0.0.1]:{port}",
    ],
)  # fmt: skip
def test_any_other_host_is_refused_on_every_route(path: str, host: str) -> None:
    """A name that somebody else can point at this machine gets nothing, not even the list of routes."""
    with served() as visitor:
        answer = visitor.get(path, Host=host.format(port=visitor.port))
        assert answer.status == 421
        assert answer.document["error"] == "this Host is not served here"
        assert "/v1" not in answer.text


@pytest.mark.parametrize(
    "request_head",
    [
        "GET /metrics HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET http://127.0.0.1:{port}/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://127.0.0.1:{port}@evil.example/metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1:{port}\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n X: folded\r\n\r\n",
    ],
)  # fmt: skip
def test_a_request_for_somebody_else_is_refused_however_it_is_written(request_head: str) -> None:
    """Missing, doubled, folded, in the target instead of the header: all end in a 4xx without a figure."""
    with served() as visitor:
        head = request_head.format(port=visitor.port).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        answer = visitor.raw(head.encode())
        assert 400 <= status_of(answer) < 500
        assert b"brownout_build_info" not in answer


def test_an_absolute_target_of_ours_is_served() -> None:
    """What a proxy sends is right as long as it names us, in the target and in Host."""
    with served() as visitor:
        head = (
            f"GET http://{visitor.authority}/livez HTTP/1.1\r\nHost: {visitor.authority}\r\nConnection: close\r\n\r\n"
        )
        assert status_of(visitor.raw(head.encode())) == 200


def test_a_host_that_the_owner_allows_is_ours() -> None:
    """A name given with --allow-host is served with our port and without, and no other is."""
    with served(allow_hosts=("brownout.lan",)) as visitor:
        assert visitor.get("/livez", Host="brownout.lan").status == 200
        assert visitor.get("/livez", Host=f"brownout.lan:{visitor.port}").status == 200
        assert visitor.get("/livez", Host="brownout.lan:1").status == 421


@pytest.mark.parametrize("path", ["/livez", "/nope", "/v1/integrations", "/v1/samples?x=1"])
def test_every_answer_carries_the_security_headers(path: str) -> None:
    """Good answers and refusals alike; the server does not tell its versions."""
    with served() as visitor:
        for host in (visitor.authority, "evil.example"):
            headers = visitor.get(path, Host=host).headers
            assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nExpect: teapot\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"<script>alert(1)</script> / HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_http_is_refused_in_our_form(nonsense: bytes) -> None:
    """A 4xx with our headers, without a word of what was sent and without versions; then the line is closed."""
    with served() as visitor:
        answer = visitor.raw(nonsense)
        assert 400 <= status_of(answer) < 500
        assert b"Server: brownout\r\n" in answer
        assert b"X-Content-Type-Options: nosniff\r\n" in answer
        assert b"script" not in answer
        assert b"aiohttp" not in answer.lower()
        assert visitor.get("/livez").status == 200


def test_another_interface_without_a_token_does_not_start() -> None:
    """Who can be reached by other machines must be able to ask who they are; the error says what to do."""
    with pytest.raises(InvalidInput, match="--token-file") as refused:
        Gateway(FakeReadModel(), address=any_interface(), redact=lambda value: value)
    assert "0.0.0.0:0" in str(refused.value)


def bearer(visitor: Visitor, path: str, authorization: str | None) -> int:
    """The status that a path gives with this Authorization header."""
    return (visitor.get(path) if authorization is None else visitor.get(path, Authorization=authorization)).status


@pytest.mark.parametrize(
    "wrong",
    [
        None, "", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {SECRET[:-1]}", f"Bearer {SECRET}x", f"Basic {SECRET}",
        SECRET, f"Bearer {SECRET.upper()}", f"Bearer  x {SECRET}", "Bearer \xff\xfe",
    ],
)  # fmt: skip
def test_other_interfaces_ask_for_the_token(wrong: str | None) -> None:
    """Everything but the probes: 401 without the right one, and the challenge says which scheme."""
    with served(address=any_interface(), token=Token(SECRET.encode())) as visitor:
        for path in ("/metrics", "/v1/integrations", "/nope"):
            assert bearer(visitor, path, wrong) == 401
        assert visitor.get("/metrics").headers["www-authenticate"] == "Bearer"
        assert (bearer(visitor, "/livez", wrong), bearer(visitor, "/readyz", wrong)) == (200, 200)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_token_opens(scheme: str) -> None:
    """In any case of the scheme, as HTTP has it."""
    with served(address=any_interface(), token=Token(SECRET.encode())) as visitor:
        assert bearer(visitor, "/metrics", f"{scheme} {SECRET}") == 200


def test_two_tokens_open_nothing() -> None:
    """Two Authorization headers are an attempt to be read in two ways."""
    with served(address=any_interface(), token=Token(SECRET.encode())) as visitor:
        line = f"Authorization: Bearer {SECRET}\r\n"
        head = f"GET /metrics HTTP/1.1\r\nHost: {visitor.authority}\r\n{line}{line}Connection: close\r\n\r\n"
        assert status_of(visitor.raw(head.encode())) in {400, 401}


def test_host_is_checked_with_a_token_too() -> None:
    """The address that the client really reached is ours, a name is not; the probes are no exception."""
    with served(address=any_interface(), token=Token(SECRET.encode())) as visitor:
        assert visitor.get("/livez", Host="evil.example").status == 421
        assert visitor.get("/livez", Host=f"10.0.0.1:{visitor.port}").status == 421
        assert visitor.get("/livez", Host=f"127.0.0.1:{visitor.port}").status == 200


def own_address() -> str:
    """An address of this machine beside the loopback, or that one where there is no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # sends nothing: it asks the kernel which address it would use
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


def test_the_address_that_was_reached_is_ours() -> None:
    """A probe names the address of the machine in Host, which nobody can rebind."""
    with served(address=any_interface(), token=Token(SECRET.encode())) as visitor:
        ours = own_address()
        with socket.create_connection((ours, visitor.port), timeout=10) as line:
            line.sendall(f"GET /livez HTTP/1.1\r\nHost: {ours}:{visitor.port}\r\nConnection: close\r\n\r\n".encode())
            assert status_of(line.recv(65536)) == 200


def test_a_token_never_shows() -> None:
    """Not in the text of the object, not in an error."""
    assert SECRET not in repr(Token(SECRET.encode()))


def test_a_token_is_read_without_its_white_space(tmp_path: Path) -> None:
    """As `echo` and base64 write it."""
    file = tmp_path / "token"
    file.write_text(f" {SECRET}\n")
    file.chmod(0o600)
    assert read_token(file).opens(f"Bearer {SECRET}")


@pytest.mark.parametrize("content", ["", "short", "x" * 1025, "two lines\nof some text", "caf\u00e9" * 9, "a\x00" * 16])
def test_a_token_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    """Too short to be safe, too long, or not to be written in a header; the content is not in the error."""
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(InvalidInput, match="16 to 1024 visible ASCII") as refused:
        read_token(file)
    assert content == "" or content not in str(refused.value)


def test_a_token_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Who can write it can let himself in."""
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(0o620)
    with pytest.raises(InvalidInput, match="chmod go-w"):
        read_token(file)


def test_a_missing_token_file_is_one_clear_error(tmp_path: Path) -> None:
    """With the path and how to make one."""
    with pytest.raises(InvalidInput, match=r"cannot be read .No such file or directory.*urandom"):
        read_token(tmp_path / "none")

"""The webhook: one POST to one address, bounded in every direction.

The name is resolved once and that very address is asked, so that nobody can answer the check with one address and the
request with another. Redirects are not followed, proxies of the environment are not used, the answer's body is not
read, and nothing of the URL but its host is ever said: a path is where chats keep their secret.
"""

import asyncio
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Thread
from typing import Final
from urllib.parse import SplitResult, urlsplit

from brownout.core.capability import Notice
from brownout.engine.hook import Delivery
from brownout.telemetry.notify import plain

__all__ = ["Webhook"]

#: For the whole request, however slowly an answer drips.
PATIENCE_S: Final = 10.0
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "brownout", "Connection": "close"}


@dataclass(slots=True)
class _Errand:
    """One request under way in its thread. `line` is its connection once there is one."""

    done: "asyncio.Future[Delivery]"
    line: socket.socket | None = None
    given_up: bool = False

    def give_up(self) -> None:
        """Cut it off."""
        self.given_up = True
        if self.line is not None:
            try:
                self.line.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts the message as JSON. Two with one URL are the same."""

    url: str = field(repr=False)
    patience_s: float = PATIENCE_S

    @property
    def name(self) -> str:
        """The host, without the path. Of a URL that is none, nothing: who knows where its secret stands."""
        try:
            return f"the webhook at {urlsplit(self.url).hostname}"
        except ValueError:
            return "the webhook, whose URL is none"

    async def tell(self, notice: Notice) -> Delivery:
        """Post it once, in a thread that nobody waits for longer than that."""
        loop = asyncio.get_running_loop()
        errand = _Errand(done=loop.create_future())
        body = json.dumps(plain(notice)).encode()
        Thread(target=_serve, args=(self.url, body, errand, self.patience_s), name="brownout-hook", daemon=True).start()
        try:
            async with asyncio.timeout(self.patience_s):
                return await errand.done
        except TimeoutError:
            return Delivery(failure=f"it has not answered within {self.patience_s:g} s", again=True)
        finally:
            errand.give_up()


def _serve(url: str, body: bytes, errand: _Errand, patience_s: float) -> None:
    try:
        delivery = _post(urlsplit(url), body, errand, patience_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Of the error only what the system says: the text of others may repeat what was sent.
        why = getattr(error, "strerror", None) or type(error).__name__
        delivery = Delivery(failure=f"it cannot be reached: {why}", again=not isinstance(error, ValueError))
    try:
        errand.done.get_loop().call_soon_threadsafe(_tell, errand.done, delivery)
    except RuntimeError:
        return  # the loop has ended meanwhile


def _tell(done: "asyncio.Future[Delivery]", delivery: Delivery) -> None:
    if not done.done():
        done.set_result(delivery)


def _post(url: SplitResult, body: bytes, errand: _Errand, patience_s: float) -> Delivery:
    secure, host = url.scheme == "https", url.hostname or ""
    port = url.port or (443 if secure else 80)
    address = _address(host, port)
    if address is None:
        return Delivery(failure="its address is one of the machine's own network link, which is not told anything")
    line = socket.create_connection((address, port), patience_s)
    errand.line = line
    with line:
        if errand.given_up:
            return Delivery(failure="it was given up")
        if secure:
            errand.line = line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
        return _asked(line, url, body, patience_s)


def _asked(line: socket.socket, url: SplitResult, body: bytes, patience_s: float) -> Delivery:
    """Send the request on an open line, and read no more than the head of its answer."""
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=patience_s)
    connection.sock = line
    path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    try:
        connection.request("POST", path, body, {**_HEADERS, **_host(url)})
        status = connection.getresponse().status
    finally:
        connection.close()
    if 200 <= status < 300:
        return Delivery()
    moved = ", and redirects are not followed" if 300 <= status < 400 else ""
    return Delivery(failure=f"it answers {status}{moved}", again=status in _LATER)


def _host(url: SplitResult) -> Mapping[str, str]:
    return {"Host": url.netloc}


def _address(host: str, port: int) -> str | None:
    """The first address of a host that may be asked; None where there is none. Raises OSError where it has none.

    Whatever else an owner names is the owner's choice; addresses of the link are where clouds hand out credentials.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    return next((address for address in addresses if _allowed(ip_address(address))), None)


def _allowed(address: IPv4Address | IPv6Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    seen = inner or address
    return not (seen.is_link_local or seen.is_multicast or seen.is_unspecified)

"""Where the gateway listens: `ADDR:PORT`, checked before anything is bound. It opens no socket and resolves no name."""

import ipaddress
from dataclasses import dataclass
from typing import Final

from brownout.core.errors import InvalidInput

__all__ = ["DEFAULT", "Address", "parse_address"]

DEFAULT: Final = "127.0.0.1:8321"
_ADVICE: Final = "write ADDR:PORT with an IP address or localhost, such as 127.0.0.1:8321 or [::1]:8321, or none"
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An IP address and a port; port 0 lets the kernel choose."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.ip.is_loopback

    @property
    def authority(self) -> str:
        """As it stands in a URL and in a Host header."""
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"

    def at(self, port: int) -> "Address":
        """The same interface at another port."""
        return Address(ip=self.ip, port=port)


def parse_address(text: str) -> Address | None:
    """The address that a `--listen` names; None for `none`. Raises InvalidInput.

    Names other than localhost are refused: what one resolves to may change, and with it who can reach the gateway.
    """
    if text == "none":
        return None
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ip = ipaddress.ip_address("127.0.0.1" if bare == "localhost" else bare)
        if not colon or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
            raise ValueError  # noqa: TRY301 - one sentence for whatever is wrong with it
    except ValueError:
        raise InvalidInput(f'"{text}" is not an address to listen on', advice=_ADVICE) from None
    return Address(ip=ip, port=int(port))

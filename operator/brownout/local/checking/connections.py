"""Connections to a port of this machine, and why there is none.

The address is loopback and nothing else: a spec names a port, never a host, so no check can be turned against another
machine. Nothing is resolved and no proxy is asked.
"""

import asyncio
import errno
from collections.abc import Callable
from typing import Final, TypeVar

from brownout.core.health import Answer, Checked

__all__ = ["LOOPBACK", "connected", "no_connection"]

P = TypeVar("P", bound=asyncio.Protocol)

#: Tried in this order: a program that listens on `localhost` may have taken either.
LOOPBACK: Final = ("127.0.0.1", "::1")

# What says that we cannot connect, not that nobody listens: no descriptor, no memory, no port of our own left.
_OURS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


async def connected(make: Callable[[], P], port: int) -> P:
    """A new connection to the port. Raises the OSError of the first address where no address lets us in."""
    first, second = LOOPBACK
    loop = asyncio.get_running_loop()
    try:
        return (await loop.create_connection(make, first, port))[1]
    except ConnectionRefusedError as refused:
        try:
            return (await loop.create_connection(make, second, port))[1]
        except OSError:
            raise refused from None


def no_connection(error: OSError, port: int) -> Checked:
    """What it means that there is no connection."""
    if error.errno in _OURS:
        return Checked(answer=Answer.BLOCKED, why=f"no connection can be made: {error.strerror}")
    if isinstance(error, ConnectionRefusedError):
        return Checked(answer=Answer.FAILED, why=f"connection refused on port {port}")
    return Checked(answer=Answer.FAILED, why=f"no connection to port {port}: {error.strerror or type(error).__name__}")
